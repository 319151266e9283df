"""Private PostgreSQL and PgBouncer, as CloudNativePG sets them up; they leave nothing behind.

Raises:
    ServersMissing: on import, where repoint was installed without its extra `lab`.
"""

from importlib.util import find_spec

from repoint.errors import ServersMissing

if find_spec("cryptography") is None:
    raise ServersMissing(
        "private servers need the Python package `cryptography` for their certificates",
        hint="install repoint with it: `pip install 'repoint[lab]'`",
    )

from repoint.adapters.lab.servers import PrivateLab, PrivateServers

__all__ = ["PrivateLab", "PrivateServers"]
