"""What a person asks for. This room is the only one that knows the two others, `spiders` and `storage`."""


def __getattr__(name: str) -> str:
    """`archiver.__version__`, looked up when asked for: the look-up would be half the time of `archiver --help`."""
    if name != "__version__":
        raise AttributeError(name)
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("archiver")
    except PackageNotFoundError:  # run from a folder that was not installed
        return "0+unknown"
