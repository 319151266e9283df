"""Properties of edits: bytes beside them stay, and the file reads back as intended.

What an edit did is judged by other readers than the project's own: PyYAML's event stream (in
pure Python), `json` and `tomllib`.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator

import yaml

from repoint.errors import EditRefused, OverlappingEdits, RepointError
from repoint.formats.base import ParsedFile, leaves
from repoint.formats.read import read_file
from repoint.formats.verify import check_splice
from repoint.model.plan import Applicability, Edit, Op
from repoint.model.source import Span
from repoint.planning.splice import Patch, apply_edits, splice
from repoint.sites.detect import detect
from tests.fuzz.reading import NAMES

_KINDS = tuple(NAMES.values())
_WORDS = ("pg-rw.shop.svc.cluster.local", "x", "5433", "a-b.c", "null", "", " ", "#", ": ")
_TEXTS = (*_WORDS, "'", '"', "\\", "\n", "\n- ", "{{", "}", "]", ",", "*a", "&a ", "|", "é", "$(x)")
_SAFE = re.compile(r"[A-Za-z0-9.\-]+")
_LARGEST_FOR_OTHERS = 20_000
HEAD = 6
"""How many bytes in front of the file choose what is done to it."""


def cut(raw: bytes) -> None:
    """Patches are cut in exactly, or refused where they overlap."""
    text, cuts = raw, []
    for at in range(0, min(len(raw) // 4, 8) * 3, 3):
        start, size, word = raw[at], raw[at + 1] % 9, _TEXTS[raw[at + 2] % len(_TEXTS)]
        cuts.append(Patch(start, start + size, word.encode()))
    cuts.sort(key=lambda one: (one.start, one.end))
    ends = [0, *(one.end for one in cuts)]
    apart = all(end <= one.start for end, one in zip(ends, cuts, strict=False))
    inside = all(one.end <= len(text) for one in cuts)
    try:
        after = splice("a", text, cuts)
    except OverlappingEdits:
        assert not (apart and inside), "patches that lie apart are refused"
        return
    assert apart and inside, "overlapping patches are accepted"
    expected = bytearray(text)
    for one in reversed(cuts):
        expected[one.start : one.end] = one.text
    assert after == bytes(expected), "a byte beside the patches changes"


def rewrite(raw: bytes) -> None:
    """Any piece of any scalar becomes any text: refused, or true for every reader."""
    head, body = raw[:HEAD].ljust(HEAD, b"\0"), raw[HEAD:]
    path = _KINDS[head[0] % len(_KINDS)]
    before = read_file(path, body)
    mapped = [leaf.scalar for leaf in leaves(before.documents) if leaf.scalar.map.runs]
    if not mapped:
        return
    scalar = mapped[int.from_bytes(head[1:3]) % len(mapped)]
    at, _, piece = scalar.map.runs[head[5] % len(scalar.map.runs)]
    low = head[3] % (len(piece) + 1)
    high = low + head[4] % (len(piece) - low + 1)
    word = _TEXTS[head[5] % len(_TEXTS)]
    span = scalar.map.span(at + low, at + high)
    assert span is not None, "a piece of a run has no bytes"
    after = body[: span.start] + word.encode() + body[span.end :]
    try:
        check_splice(path, body, after, [(span, len(word.encode()))])
    except EditRefused as refusal:
        assert "canary-" not in refusal.message
        return
    wanted = scalar.text[: at + low] + word + scalar.text[at + high :]
    _check_kept(path, body, after, span, scalar.text, wanted, exact=bool(_SAFE.fullmatch(word)))


def move(raw: bytes) -> None:
    """A host that was found becomes another, as a plan does it."""
    head, body = raw[:HEAD].ljust(HEAD, b"\0"), raw[HEAD:]
    path = _KINDS[head[0] % len(_KINDS)]
    parsed = read_file(path, body)
    sites = [s for s in detect(parsed) if s.host.span is not None and not s.display_only]
    if not sites:
        return
    site = sites[head[1] % len(sites)]
    span = site.host.span
    assert span is not None
    edit = Edit(
        *(Op.SPLICE, site.value_pointer, site.location.line, site.key, "RP001", ""),
        applicability=Applicability.SAFE,
        start=span.start,
        end=span.end,
        before=site.host.text,
        after=_WORDS[0],
    )
    try:
        after = apply_edits(path, body, [edit])
    except RepointError as refusal:
        assert "canary-" not in refusal.message
        return
    assert after == body[: span.start] + _WORDS[0].encode() + body[span.end :]
    _check_kept(path, body, after, span, site.host.text, _WORDS[0], exact=False)


def _check_kept(
    path: str, before: bytes, after: bytes, span: Span, old: str, new: str, *, exact: bool
) -> None:
    """Nothing beside the edited value changed, for our reader and for another.

    Lines put beside a value are an insertion: they may hold values of their own.
    """
    inserts = "\n" in new and not len(span)
    ours = _values(read_file(path, before)), _values(read_file(path, after))
    others = _by_others(path, before), _by_others(path, after)
    for reader, (was, now) in (("repoint", ours), ("another reader", others)):
        if was is None:
            continue
        assert now is not None, f"{reader} cannot read the file any more"
        if inserts and len(now) > len(was):
            rest = iter(now)
            assert all(value in rest for value in was), f"{reader} loses a value"
            continue
        assert len(was) == len(now), f"{reader} finds another number of values"
        changed = [(a, b) for a, b in zip(was, now, strict=True) if a != b]
        assert len(set(changed)) <= 1, f"{reader} finds more than one value changed"
        if exact and changed and reader == "repoint":
            assert changed[0][1].endswith(new), f"{reader} reads something else"


def _values(parsed: ParsedFile) -> list[str] | None:
    """Every value and key in file order; keys are told apart from values."""
    if parsed.problem or not parsed.documents:
        return None
    return [
        f"{'key' if leaf.is_key else 'value'} {leaf.scalar.text}"
        for leaf in leaves(parsed.documents, keys=True)
    ]


def _by_others(path: str, raw: bytes) -> list[str] | None:
    """The values as another reader has them; None where there is none, or it refuses."""
    if len(raw) > _LARGEST_FOR_OTHERS:
        return None
    try:
        if path.endswith((".yaml", ".yml")) and "/templates/" not in path:
            return list(_yaml_values(raw.decode("utf-8-sig")))
        if path.endswith(".json"):
            loaded = json.loads(raw.decode("utf-8-sig"), object_pairs_hook=lambda pairs: pairs)
            return list(_flat(loaded))
        if path.endswith(".toml"):
            return list(_flat(tomllib.loads(raw.decode())))
    except (ValueError, yaml.YAMLError, RecursionError):
        return None
    return None


def _yaml_values(text: str) -> Iterator[str]:
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        value = getattr(event, "value", "")
        anchor, tag = getattr(event, "anchor", ""), getattr(event, "tag", "")
        yield f"{type(event).__name__} {anchor} {tag} {value}"


def _flat(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        value = list(value.items())
    if isinstance(value, list | tuple):
        yield f"{type(value).__name__} of {len(value)}"
        for item in value:
            yield from _flat(item)
    else:
        yield f"value {value}"
