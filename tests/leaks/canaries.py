"""The passwords of the repository's own fixtures, and every form that one may leak in.

A password is a canary when it is found nowhere but where a password stands: it has at least
seven characters and none of the words below. The fixtures keep to `canary-…` and to invented
words, so a search for them cannot be wrong; the others are told by `ordinary`.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, quote_plus, unquote

import yaml

from repoint.adapters.runner import find_tool
from tests.cluster.hostile.canaries import PASSWORDS

SHORTEST = 7
"""Characters; what is shorter is found everywhere."""
_BIGGEST = 1 << 20
_WORDS = frozenset({"password", "postgres", "changeme", "hunter2", "redacted", "unknown1"})
_USER_INFO = re.compile(r"[a-z][a-z0-9+]*://[^\s:@/'\"`<>{}$]*:([^\s@'\"`<>{}$/]+)@")
_MARKED = re.compile(r"(?<![\w@.:/%-])(canary-[\w%.~!*-]*\w|CANARY\w+)")
_NAMED = re.compile(
    r"(?i)\b(?:[A-Z_]*pass(?:word|wd)?|pwd)[\"']?\s*[:=]\s*[\"']?([^\s\"'`<>{}$,;&]+)"
)
_IN_PYTHON = re.compile(r"(?i)\b\w*password\w*\s*=\s*(?:Sensitive\()?\"([^\"{}$\n]+)\"")
_NO_TEXT = re.compile(r"ENC\[|/|var\.|\[|\(|%\(|\W+$|.{1,2}$")
_SEALED = b"ENC[AES256_GCM"
_SUFFIXES = frozenset([".pyc", ".png", ".gz", ".zip", ".whl", ".lock"])


@dataclass(frozen=True, slots=True)
class Canary:
    """A password and where it is from; `sealed` if it stands in sealed files only."""

    label: str
    text: str
    sealed: bool = False

    def __repr__(self) -> str:
        return f"Canary({self.label})"

    def forms(self) -> dict[str, bytes]:
        """How it may be spelled; equal spellings are told once, by their first name."""
        raw = self.text.encode()
        made = {
            "raw": raw,
            "percent-encoded": quote(self.text, safe="").encode(),
            "percent-encoded (lower)": quote(self.text, safe="").lower().encode(),
            "form-encoded": quote_plus(self.text).encode(),
            "percent-decoded": unquote(self.text).encode(),
            "JSON": json.dumps(self.text)[1:-1].encode(),
            "JSON (UTF-8)": json.dumps(self.text, ensure_ascii=False)[1:-1].encode(),
            "shell": shlex.quote(self.text).encode(),
            "repr": repr(self.text)[1:-1].encode(),
            "hex": raw.hex().encode(),
            **{f"base64 (shifted by {n})": _base64(raw, n) for n in range(3)},
        }
        seen: dict[bytes, str] = {}
        for name, form in made.items():
            if len(form) >= SHORTEST and b"\n" not in form:
                seen.setdefault(form, name)
        # The raw text finds what holds it as well, such as its quoted form.
        return {name: form for form, name in seen.items() if name == "raw" or raw not in form}


def _base64(raw: bytes, shift: int) -> bytes:
    """The characters that the password alone decides, when `shift` bytes stand before it."""
    start = (shift * 8 + 5) // 6
    end = (shift + len(raw)) * 8 // 6
    return b64encode(b"\0" * shift + raw)[start:end]


def is_canary(text: str) -> bool:
    """Whether a password can be searched for: nothing else is spelled like it."""
    ordinary = text.lower() in _WORDS or text.isalpha() or text.isdigit()
    if len(text) < SHORTEST or _NO_TEXT.match(text):
        return False
    return not ordinary or "canary" in text.lower()


def collect(
    root: Path, folders: Iterable[str] = ("examples", "tests")
) -> tuple[list[Canary], list[str]]:
    """The canaries of the fixtures below `root`, and the passwords that cannot be any.

    Python files give what is marked as a canary and what stands in a URL; files of repositories
    also give the values of keys that are named after passwords, and sealed files are opened.
    """
    found: dict[str, str] = {}
    sealed: dict[str, str] = {}
    for folder in folders:
        for path in _files(root / folder):
            label = str(path.relative_to(root))
            data = path.read_bytes()
            if _SEALED in data and path.suffix != ".py":
                for text in _opened(path, root):
                    sealed.setdefault(text, label)
            for text in _in_text(data.decode(errors="replace"), path.suffix):
                found.setdefault(text, label)
    for text in PASSWORDS.values():
        found.setdefault(text, "tests/cluster/hostile/canaries.py")
    canaries = [Canary(f"{label} #{n}", text) for n, (text, label) in enumerate(found.items())]
    canaries += [
        Canary(f"{label} #{n}", text, sealed=True)
        for n, (text, label) in enumerate(sealed.items())
        if text not in found and unquote(text) not in found
    ]
    good = [one for one in canaries if is_canary(one.text)]
    rest = {one.text for one in canaries if not is_canary(one.text)}
    return good, sorted(text for text in rest if not _NO_TEXT.match(text))


def _files(folder: Path) -> Iterator[Path]:
    for root, below, names in os.walk(folder):
        below[:] = sorted(one for one in below if one not in {"__pycache__", ".git", "leaks"})
        for name in sorted(names):
            path = Path(root) / name
            plain = path.is_file() and not path.is_symlink() and path.suffix not in _SUFFIXES
            if plain and path.stat().st_size <= _BIGGEST:
                yield path


def _in_text(text: str, suffix: str) -> Iterator[str]:
    yield from _USER_INFO.findall(text)
    yield from _MARKED.findall(text)
    if suffix == ".py":
        yield from _IN_PYTHON.findall(text)
    elif suffix not in {".md", ".json", ".txt"}:
        yield from _NAMED.findall(text)


def _opened(path: Path, root: Path) -> Iterator[str]:
    """The passwords in a sealed file that the example's public keys open."""
    keys = sorted((root / "examples").glob("*/keys/*.txt"))
    text = "\n".join(key.read_text() for key in keys)
    done = subprocess.run(
        [find_tool("sops"), "decrypt", str(path)],
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", "SOPS_AGE_KEY": text},
        capture_output=True,
        check=False,
    )
    if done.returncode == 0:
        for document in yaml.safe_load_all(done.stdout):
            yield from _values(document)


def _values(document: object) -> Iterator[str]:
    if not isinstance(document, Mapping):
        return
    for part in ("stringData", "data"):
        for key, value in (document.get(part) or {}).items():
            text = str(value)
            if found := _USER_INFO.findall(text):
                yield from found
            elif re.search(r"(?i)pass|secret|key|token|salt", str(key)):
                yield text
