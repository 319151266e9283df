"""The command line: parse, call one flow, hand the result to a view, map it to a status."""

from repoint.cli.app import main

__all__ = ["main"]
