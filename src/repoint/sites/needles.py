"""Which files can hold a site at all: a cheap look before the tree is walked.

A superset: every site has a word for PostgreSQL or for a database, its port, or base64
nearby. A test holds this against every table and corpus file.
"""

from __future__ import annotations

import re

_WORDS = ("postg", "pg", "sql", "db", "database", "5432", "rds", "dsn", "datasource", "crunchy",
          "timescale", "supabase", "secret")  # fmt: skip
_ALONE = re.compile(r"(?<![a-z])ds(?![a-z])")


def may_hold_site(path: str, text: str) -> bool:
    """Whether a file is worth a closer look; False only when it can hold no site."""
    lowered = f"{path}\n{text}".lower()
    return any(word in lowered for word in _WORDS) or _ALONE.search(lowered) is not None
