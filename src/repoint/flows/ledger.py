"""The ledger of a repository: read whole, and added to; no line is ever changed."""

from __future__ import annotations

from collections.abc import Sequence
from secrets import token_hex

from repoint import __version__
from repoint.errors import RepointError
from repoint.flows.patience import locked_soon
from repoint.flows.receipts import read_now
from repoint.flows.standing import standing_of
from repoint.model.ledger import Entry, Phase
from repoint.model.receipt import FileWrite
from repoint.model.rehearsal import Verdict
from repoint.planning.config import CONFIG_NAME, Config, load_config
from repoint.ports.repository import SealedEditor, WritableTree
from repoint.ports.user import Identity
from repoint.promotion.lines import LEDGER_PATH, appended, decode_ledger
from repoint.promotion.settings import settings_digest


def read(tree: WritableTree) -> tuple[Entry, ...]:
    """Every entry by its time; none without a ledger.

    Raises:
        FileRefused: a line cannot be read; the message names it.
    """
    return decode_ledger(read_now(tree, LEDGER_PATH) or b"")


def entry_of(
    tree: WritableTree,
    identity: Identity,
    environment: str,
    phase: Phase,
    verdict: Verdict,
    *,
    content: str = "",
    plan: str = "",
    detail: str = "",
    overrides: Sequence[str] = (),
    seconds: float = 0.0,
) -> Entry:
    """An entry of now, by this user, tool and repoint.yaml, for `append`; it is not written.

    Arguments as the fields of `Entry`.
    """
    return Entry(
        id=token_hex(8),
        at=identity.now(),
        who=identity.who(),
        tool=__version__,
        environment=environment,
        phase=phase,
        verdict=verdict,
        content=content,
        plan=plan,
        detail=detail,
        overrides=tuple(overrides),
        seconds=seconds,
        settings=settings_now(tree),
    )


def append(tree: WritableTree, *entries: Entry) -> None:
    """Add lines, all of them or none; without entries nothing is written.

    Raises:
        LockHeld: another run holds the repository's lock, and goes on to.
        FileRefused: the ledger cannot be read or written.
    """
    if entries:
        with locked_soon(tree, "record"):
            tree.commit("record", [write_of(tree, entries)])


def write_of(tree: WritableTree, entries: Sequence[Entry]) -> FileWrite:
    """The write that adds `entries`, for a run that holds the lock and commits it with others.

    Raises:
        FileRefused: a line that stands there cannot be read.
    """
    now = read_now(tree, LEDGER_PATH)
    return FileWrite(LEDGER_PATH, now, appended(now, entries))


def settings_now(tree: WritableTree) -> str:
    """The decisions of repoint.yaml as it is on disk; empty where it cannot be read."""
    config = config_now(tree)
    return settings_digest(config) if config is not None else ""


def config_now(tree: WritableTree) -> Config | None:
    """repoint.yaml as it is on disk; None where there is none, or none that can be read."""
    try:
        text = read_now(tree, CONFIG_NAME)
        return load_config(text.decode(errors="replace")) if text is not None else None
    except RepointError:
        return None


def content_of(tree: WritableTree, environment: str, store: SealedEditor | None = None) -> str:
    """What repoint changed in an environment and what stands there now (64 hexadecimal digits).

    Empty where a value that it wrote was changed since, or where that cannot be told: a
    sealed file that changed can only be judged with `store`.

    Raises:
        FileRefused: the ledger, or a file at hand, cannot be read.
    """
    found = standing_of(tree, environment, read(tree), store)
    return found.content if found.verdict is Verdict.PASS else ""
