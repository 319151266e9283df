"""What a real driver did with a connection string."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Observation:
    """One login of an installed driver.

    `status` is `connected`, `refused` or `skipped`. `schema` is `current_schema()` where it
    connected; `text` is the driver's error or why it was skipped, one line, no password.
    """

    driver: str
    version: str
    status: str
    schema: str = ""
    text: str = ""
