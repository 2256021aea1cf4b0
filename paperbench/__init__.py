"""paperbench: unit tests for paper claims."""

__version__ = "0.1.0"
