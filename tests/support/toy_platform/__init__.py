"""A platform of the tests' own: the folder that a new platform is, and nothing of `archiver/`."""
