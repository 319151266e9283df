"""Frozen values that every layer shares; standard library only.

Collections are tuples, paths are POSIX strings relative to the repository's
root, byte offsets refer to the file on disk, lines and columns start at 1.
"""
