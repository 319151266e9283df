"""Connection strings: found, read part by part, retargeted and masked, byte for byte.

Nothing here asks libpq: it refuses the `?search_path=` that applications use.
"""
