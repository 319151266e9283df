"""The token that says when repoint changed a key of a Secret or ConfigMap, never to what.

It is written by a rollout and read by a verification, which know nothing of each other.
"""

from __future__ import annotations

import re
from datetime import datetime

CHANGED = "repoint.dev/changed"
"""On a Secret or ConfigMap: JSON of key to token, for each key whose value repoint changed."""
_TOKEN = re.compile(r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z-\w+")


def new_token(at: datetime, salt: str) -> str:
    """A token of a time in UTC; `salt` tells those of one second apart."""
    return f"{at.strftime('%Y%m%dT%H%M%SZ')}-{salt}"


def token_time(token: str) -> str:
    """The time of a token in UTC as Kubernetes writes times; empty for anything else."""
    found = _TOKEN.fullmatch(token)
    return "{}-{}-{}T{}:{}:{}Z".format(*found.groups()) if found else ""
