"""What a person asks for. This room is the only one that knows the two others, `spiders` and `storage`."""

__version__ = "0.1.0"
"""The wheel takes its version from here: asking the installed package costs more time than `archiver --help`."""
