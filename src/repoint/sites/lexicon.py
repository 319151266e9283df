"""Tables of words, written as a person reads them."""

from __future__ import annotations


def lexicon(words: str) -> frozenset[str]:
    """The set of the words of a text, which white space separates."""
    return frozenset(words.split())
