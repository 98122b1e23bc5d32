"""The command line."""

from grnet.cli.app import main

__all__ = ["main"]
