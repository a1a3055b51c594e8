"""A double of the package: its version, where the real one has it."""

__version__ = "10.14.1"
