"""Measures scan and plan on generated repositories; see docs/reference/bench.md."""
