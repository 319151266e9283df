"""Patterns of names in which `*` is any text."""

from __future__ import annotations


def fits(text: str, pattern: str) -> bool:
    """What `fnmatch.fnmatchcase` says; without making a regular expression for stars alone."""
    if "*" not in pattern and "?" not in pattern and "[" not in pattern:
        return text == pattern
    if "?" in pattern or "[" in pattern:
        from fnmatch import fnmatchcase

        return fnmatchcase(text, pattern)
    first, *between, last = pattern.split("*")
    at, end = len(first), len(text) - len(last)
    if end < at or not text.startswith(first) or not text.endswith(last):
        return False
    for part in between:
        found = text.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True
