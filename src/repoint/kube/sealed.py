"""sops files: which Secret one is, as far as it can be seen."""

from __future__ import annotations

import posixpath
import re

from msgspec import Struct

from repoint.formats.base import Mapping, ParsedFile, Scalar

_CIPHER = re.compile(r"^ENC\[")
_STEM = re.compile(r"([.-](enc|encrypted|sops|sealed|dec))+$|^(enc|sops)[.-]")


class SealedSecretView(Struct, frozen=True):
    """A sealed file as a Secret.

    `kind`, `name` and `namespace` are None where they are encrypted and no key is at hand.
    `keys` are `(key, line, pointer)` of its data: keys are always readable. `readable`
    tells whether the values were decrypted, so that their sites are known.
    `environment` is what the caller knows of it; empty leaves it to the path.
    """

    path: str
    kind: str | None
    name: str | None
    namespace: str | None
    keys: tuple[tuple[str, int, str], ...]
    readable: bool = False
    environment: str = ""

    @property
    def stem(self) -> str:
        """The file's name without its extensions (`backend.enc.yaml` is `backend`)."""
        name = posixpath.basename(self.path).rsplit(".", 1)[0]
        return _STEM.sub("", name)


def sealed_view(
    parsed: ParsedFile, decrypted: ParsedFile | None, environment: str = ""
) -> SealedSecretView:
    """Read what a sealed file tells of itself, and what its decrypted text adds."""
    root = _root(parsed)
    opened = _root(decrypted) if decrypted is not None else None
    return SealedSecretView(
        path=parsed.path,
        kind=_readable(root, opened, "kind"),
        name=_readable(root, opened, "metadata", "name"),
        namespace=_readable(root, opened, "metadata", "namespace"),
        keys=tuple(_keys(root)),
        readable=opened is not None,
        environment=environment,
    )


def _root(parsed: ParsedFile) -> Mapping | None:
    for document in parsed.documents:
        if isinstance(document.root, Mapping):
            return document.root
    return None


def _readable(root: Mapping | None, opened: Mapping | None, *keys: str) -> str | None:
    for tree in (opened, root):
        found = tree.text(*keys) if tree is not None else ""
        if found and not is_cipher(found):
            return found
    written = root.text(*keys) if root is not None else ""
    return None if is_cipher(written) else ""


def is_cipher(written: str) -> bool:
    """Whether a text is a sops ciphertext."""
    return bool(_CIPHER.match(written))


def _keys(root: Mapping | None) -> list[tuple[str, int, str]]:
    found: list[tuple[str, int, str]] = []
    if root is None:
        return found
    for field in ("stringData", "data"):
        data = root.mapping(field)
        for key, value in data.pairs if data is not None else ():
            if isinstance(value, Scalar):
                escaped = key.text.replace("~", "~0").replace("/", "~1")
                found.append((key.text, key.line, f"/0/{field}/{escaped}"))
    if not found and not root.text("kind"):
        for key, value in root.pairs:
            if isinstance(value, Scalar):
                found.append((key.text, key.line, f"/0/{key.text}"))
    return found
