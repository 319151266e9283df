"""Which system this is, and what can be fetched for it."""

from __future__ import annotations

import platform
import shutil
import sys

from repoint.adapters.servers.pins import Archive, NpmPin, archive_of, postgres_pins
from repoint.errors import ToolMissing

_APT = ("apt-get", "apt-cache", "dpkg-deb")


def systems() -> tuple[str, ...]:
    """The system and what it is like, such as (`linuxmint`, `ubuntu`, `debian`) or (`macos`,)."""
    if sys.platform == "darwin":
        return ("macos",)
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        return (platform.system().lower() or "unknown",)
    return (release.get("ID", "linux"), *release.get("ID_LIKE", "").split())


def can_fetch_postgres() -> bool:
    """Whether there are PostgreSQL builds for this machine."""
    return bool(_pins())


def can_fetch_debs() -> bool:
    """Whether PgBouncer can come from the distribution's own archive."""
    try:
        distribution_archive()
    except ToolMissing:
        return False
    return True


def postgres_pin(major: int) -> NpmPin:
    """The PostgreSQL build of one major version for this machine.

    Raises:
        ToolMissing: there is none.
    """
    for pin in _pins():
        if pin.postgres[0] == major:
            return pin
    known = ", ".join(str(pin.postgres[0]) for pin in _pins())
    where = f"`{platform.system()}` on `{platform.machine()}`"
    raise ToolMissing(
        f"there is no PostgreSQL {major} to fetch for {where}{known and f', only {known}'}",
        hint=f"install PostgreSQL {major} yourself; docs/how-to/servers.md tells how",
    )


def distribution_archive() -> Archive:
    """The archive of the Debian or Ubuntu that runs here.

    Raises:
        ToolMissing: it is neither, or apt and dpkg are not there.
    """
    names = systems()
    archive = next((found for name in names if (found := archive_of(name))), None)
    if archive is None:
        raise ToolMissing(
            f"PgBouncer is fetched on Debian and Ubuntu only, and this is `{names[0]}`",
            hint="install PgBouncer 1.24 or newer yourself; docs/how-to/servers.md tells how",
        )
    for program in _APT:
        if shutil.which(program) is None:
            raise ToolMissing(
                f"`{program}` is needed to fetch PgBouncer, and was not found",
                hint="install PgBouncer 1.24 or newer yourself and set `REPOINT_PGBOUNCER`",
            )
    return archive


def _pins() -> tuple[NpmPin, ...]:
    return postgres_pins(platform.machine()) if sys.platform == "linux" else ()
