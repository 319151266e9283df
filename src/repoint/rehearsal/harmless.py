"""Which settings of a repository a private server takes: none that reaches out of its folder.

A repository may be a stranger's, and the server may run as the user who holds the keys. No
setting of a manifest makes it run a program, load a library, or open a file by name. (SQL
cannot either: `cluster_conf.integration_sql` says why.)
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from repoint.rules.cnpg import ALLOWED

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*(?:\.[A-Za-z_][A-Za-z0-9_$]*)*\Z")
# Preloaded libraries, commands, folders, files, search paths of libraries and extensions,
# and `include`, which PostgreSQL takes for a setting's name.
_REACHES_OUT = re.compile(
    r"include|librar|preload|command|director|provider|validator|_dir\Z|file\Z|(?<!search)_path\Z"
)
# Who is asked about a login elsewhere, and `@`, which reads a list from a file.
_HBA_ELSEWHERE = re.compile(
    r"(?:^|\s)(?:@\S*|include\w*|ldap|pam|radius|gss|sspi|bsd|ident|oauth)(?=\s|$)|[\"]@"
)


def is_harmless(name: str) -> bool:
    """Whether a setting of PostgreSQL may come from a repository."""
    return _NAME.match(name) is not None and _REACHES_OUT.search(name.lower()) is None


def may_be_set(name: str) -> bool:
    """Whether CloudNativePG lets a Pooler set this parameter of PgBouncer's.

    Those that name files are not among them.
    """
    return name in ALLOWED


def harmless_lines(lines: Iterable[str]) -> tuple[str, ...]:
    """The HBA lines that open no file and ask nobody elsewhere; one that has breaks is several."""
    several = (one for line in lines for one in line.splitlines())
    return tuple(one for one in several if _HBA_ELSEWHERE.search(one) is None)
