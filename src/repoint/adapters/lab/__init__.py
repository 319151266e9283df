"""Private PostgreSQL and PgBouncer, as CloudNativePG sets them up; they leave nothing behind."""

from repoint.adapters.lab.servers import PrivateLab, PrivateServers

__all__ = ["PrivateLab", "PrivateServers"]
