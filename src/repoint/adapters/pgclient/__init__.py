"""A client of PostgreSQL's protocol that behaves as a given driver does."""

from repoint.adapters.pgclient.conversation import PgConversation, connect

__all__ = ["PgConversation", "connect"]
