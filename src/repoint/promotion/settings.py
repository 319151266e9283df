"""Which decisions of repoint.yaml a plan follows, as a digest two environments can share."""

from __future__ import annotations

import hashlib

import msgspec

from repoint.planning.config import Config


def settings_digest(config: Config) -> str:
    """SHA-256 over what decides each consumer's way, and nothing that is an environment's own.

    Namespaces, overlays, accepted findings, gates and the settings of verify and data are left
    out: they may differ, or change, without any plan being another.
    """
    decided = {
        "source": config.source,
        "target": config.target,
        "consumers": {
            name: (choice.purpose, choice.route, choice.pool, choice.schema)
            for name, choice in config.consumers.items()
        },
        "exclude": sorted(config.exclude),
    }
    return hashlib.sha256(msgspec.json.encode(decided, order="sorted")).hexdigest()
