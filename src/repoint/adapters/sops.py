"""Sealed values, through sops; plain text stays in memory.

sops prints a file anew when it sets a value: it indents by 4 unless a configuration file says
otherwise (`--indent` has no effect on `sops set`, 3.11.0), moves comments and drops quotes. So the
value is set on a copy in a private folder (ciphertext only, the value goes in by stdin), and the
tokens that differ (the value, `mac`, `lastmodified`) are put into the original bytes.
What comes out has to open, with exactly the one value changed, or it is refused.

`sops set` finds the keys in the file's own metadata, so the copy need not lie where `.sops.yaml`
would match it. Only its ending matters: it tells the format.

Opening a file is next to nothing beside starting sops (20 ms). What was opened is kept in memory,
and files that are known to be wanted are opened a few at a time.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from repoint.adapters.runner import Result, find_tool, run, scratch_folder
from repoint.errors import EditRefused, FileRefused, RepointError, SealedFile
from repoint.planning.vaults import vault_variables
from repoint.ports.repository import Tree
from repoint.ports.work import UNWATCHED, Progress

if TYPE_CHECKING:  # What changes sealed files is imported when one is.
    from repoint.planning.sealed import Place

PARALLEL = 4
# One thread each and no collection for what is over in 20 ms: half of the time one by one on two
# processors. A file that is huge is collected for again.
_GO = {"GOMAXPROCS": "1", "GOGC": "off", "GOMEMLIMIT": "128MiB"}
_TYPES = {".yaml": "yaml", ".yml": "yaml", ".json": "json", ".env": "dotenv", ".ini": "ini"}


def decrypt_cmd(sops: str, kind: str) -> list[str]:
    """Decrypt stdin to stdout."""
    flags = ["--input-type", kind, "--output-type", kind]
    return [sops, "decrypt", *flags, "--filename-override", f"stdin.{kind}", "/dev/stdin"]


def set_cmd(sops: str, kind: str, copy: Path, pointer: str) -> list[str]:
    """Set the value at `pointer` of the file `copy`; the value comes on stdin as JSON."""
    flags = ["--input-type", kind, "--output-type", kind, "--value-stdin"]
    return [sops, "set", *flags, str(copy), pointer]


def unset_cmd(sops: str, kind: str, copy: Path, pointer: str) -> list[str]:
    """Remove the entry at `pointer` of the file `copy`."""
    return [sops, "unset", "--input-type", kind, "--output-type", kind, str(copy), pointer]


class Sops:
    """Opens and changes sealed files; implements `ports.SealedEditor`.

    `progress` is told of each file that is opened ahead.
    """

    def __init__(
        self, tree: Tree, *, timeout: float = 60.0, progress: Progress = UNWATCHED
    ) -> None:
        self._tree = tree
        self._progress = progress
        self._timeout = timeout
        self._opened: dict[str, tuple[bytes, bytes | RepointError]] = {}

    @property
    def was_asked(self) -> bool:
        """Whether a sealed file was opened, or tried."""
        return bool(self._opened)

    @property
    def was_refused(self) -> bool:
        """Whether a sealed file did not open: the next time a key may be at hand."""
        return any(isinstance(outcome, RepointError) for _, outcome in self._opened.values())

    def prefetch(self, paths: Sequence[str]) -> None:
        """Open files that `decrypt` will be asked for; it raises what went wrong here."""
        raws: dict[str, bytes] = {}
        for path in paths:
            with contextlib.suppress(FileRefused):
                raws[path] = self._tree.read(path)
        self.open_ahead(raws)

    def open_ahead(self, raws: Mapping[str, bytes]) -> None:
        """Open sealed bytes that `open` will be asked for; it raises what went wrong here."""
        new = {path: raw for path, raw in raws.items() if not self._knows(path, raw)}
        if not new:
            return
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(PARALLEL) as pool:
            outcomes = pool.map(self._outcome, new, new.values())
            for path, outcome in zip(new, outcomes, strict=True):
                self._opened[path] = new[path], outcome
                self._progress.advance()
                self._progress.at(path)

    def decrypt(self, path: str) -> bytes:
        """The decrypted document of a sealed file of the repository."""
        return self.open(path, self._tree.read(path))

    def open(self, path: str, raw: bytes) -> bytes:
        """The decrypted document of sealed bytes; `path` tells the format."""
        if not self._knows(path, raw):
            self._opened[path] = raw, self._outcome(path, raw)
        outcome = self._opened[path][1]
        if isinstance(outcome, RepointError):
            raise outcome.with_traceback(None)
        return outcome

    def _knows(self, path: str, raw: bytes) -> bool:
        return path in self._opened and self._opened[path][0] == raw

    def _outcome(self, path: str, raw: bytes) -> bytes | RepointError:
        """What `raw` opens to, or why it does not."""
        try:
            argv = decrypt_cmd(find_tool("sops"), file_type(path))
            result = run(argv, tool="sops", input=raw, env=_variables(raw), timeout=self._timeout)
        except RepointError as error:
            return error
        return result.stdout if result.status == 0 else _sealed(path, result)

    def set_value(self, path: str, raw: bytes, pointer: str, value: str) -> bytes:
        """`raw` with one value set, or added at the end of its mapping; all else is kept."""
        from repoint.adapters.sops_splice import carry_over, insert_entry
        from repoint.planning.sealed import steps

        where = steps(pointer)
        old = self._texts(path, raw)
        payload = json.dumps(value, ensure_ascii=False).encode()
        new = self._change(path, raw, pointer, payload)
        adds = where not in old
        after = insert_entry(path, raw, new, where) if adds else carry_over(path, raw, new)
        self._check(path, pointer, after, {**old, where: value}, added=where if adds else None)
        return after

    def remove_value(self, path: str, raw: bytes, pointer: str) -> bytes:
        """`raw` without one entry; all else is kept."""
        from repoint.adapters.sops_splice import carry_over, cut_entry
        from repoint.planning.sealed import steps

        where = steps(pointer)
        old = self._texts(path, raw)
        if where not in old:
            raise EditRefused(f"`{path}` {pointer} is not there any more")
        new = self._change(path, raw, pointer, None)
        after = carry_over(path, cut_entry(path, raw, where), new)
        self._check(path, pointer, after, {at: text for at, text in old.items() if at != where})
        return after

    def _change(self, path: str, raw: bytes, pointer: str, payload: bytes | None) -> bytes:
        """sops' own output after the change, made on a copy."""
        kind, sops = file_type(path), find_tool("sops")
        with scratch_folder("repoint-sops-") as folder:
            copy = folder / f"sealed{PurePosixPath(path).suffix}"
            copy.touch(mode=0o600)
            copy.write_bytes(raw)
            argv = (
                unset_cmd(sops, kind, copy, pointer)
                if payload is None
                else set_cmd(sops, kind, copy, pointer)
            )
            result = run(
                argv, tool="sops", input=payload, env=_variables(raw), timeout=self._timeout
            )
            if result.status != 0:
                raise _sealed(path, result)
            return copy.read_bytes()

    def _texts(self, path: str, raw: bytes) -> dict[Place, str]:
        from repoint.planning.sealed import plain_texts

        return plain_texts(path, self.open(path, raw))

    def _check(
        self,
        path: str,
        pointer: str,
        after: bytes,
        expected: dict[Place, str],
        *,
        added: Place | None = None,
    ) -> None:
        """The MAC holds (or sops would not open it), and nothing else changed, order included."""
        try:
            found = self._texts(path, after)
        except SealedFile:
            raise EditRefused(f"`{path}`: sops does not open what would be written") from None
        order = [place for place in found if place != added]
        if found != expected or order != [place for place in expected if place != added]:
            raise EditRefused(f"`{path}`: more, or other, than {pointer} would change")


def _variables(raw: bytes) -> dict[str, str]:
    """What sops gets beside the user's own variables."""
    return {**_GO, **vault_variables(raw, os.environ)}


def file_type(path: str) -> str:
    """The format as sops names it, judged by the file's ending.

    Raises:
        SealedFile: sops would read it as one opaque block, which has no values.
    """
    name = PurePosixPath(path).name
    kind = "dotenv" if name.startswith(".env") else _TYPES.get(PurePosixPath(path).suffix)
    if kind is None:
        raise SealedFile(
            f"`{path}` is sealed as a whole; its values cannot be told apart",
            hint="seal its values instead: sops does so in .yaml, .json, .env and .ini files",
        )
    return kind


def _sealed(path: str, result: Result) -> SealedFile:
    """sops' refusal in one sentence; its own text may hold digests of the content."""
    text = result.stderr.decode(errors="replace")
    if "data key" in text:
        return SealedFile(f"`{path}` cannot be opened: no key at hand fits")
    if "MAC mismatch" in text:
        hint = (
            "somebody edited it without sops: restore it from git, or run `sops edit --ignore-mac`"
        )
        return SealedFile(f"`{path}` was changed outside sops: its MAC does not match", hint=hint)
    if "metadata not found" in text:
        return SealedFile(
            f"`{path}` is not a sealed file", hint="encrypt it with `sops encrypt -i`"
        )
    return SealedFile(f"`{path}` cannot be opened: sops ended with status {result.status}")
