"""What a person asks for. This room is the only one that knows the two others, `spiders` and `storage`."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("archiver")
except PackageNotFoundError:  # run from a folder that was not installed
    __version__ = "0+unknown"
