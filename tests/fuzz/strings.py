"""Properties of connection strings: found, retargeted and masked byte for byte."""

from __future__ import annotations

import re

from repoint.dsn.mask import mask
from repoint.dsn.parse import Dsn, find, parse
from repoint.dsn.retarget import apply_edits, text_edits
from repoint.dsn.shape import password_in, password_shape
from repoint.errors import EditRefused
from repoint.model.plan import PartEdit

_NEW = "pg-rw.shop.svc.cluster.local"
_CANARY = re.compile(r"canary-[a-z0-9]{4,}")


def connection(raw: bytes) -> None:
    """Every connection string of a text is true to it, and can be moved elsewhere.

    Raises:
        AssertionError: a token is not its text, or moving changed something else.
    """
    text = raw.decode(errors="replace")
    found = find(text)
    assert found == find(text)
    end = 0
    for dsn in found:
        assert end <= dsn.start < dsn.end <= len(text), "connection strings overlap"
        end = dsn.end
        _check_tokens(text, dsn)
        password_shape(text, dsn)
        password_in(text, dsn)
        _ = (dsn.port, dsn.schema, dsn.host)
        assert len(dsn.hosts) == len(dsn.ports)
    if len(found) == 1:
        _move(text, found[0])


def masked(raw: bytes) -> None:
    """No password of a connection string survives the mask, be it put on twice."""
    text = raw.decode(errors="replace")
    shown = mask(text)
    assert mask(shown).count("canary-") <= shown.count("canary-") <= text.count("canary-")
    for dsn in find(text):
        secret = password_in(text, dsn)
        plain = secret.reveal() if secret is not None else ""
        for canary in _CANARY.findall(plain):
            if text.count(canary) == 1:
                assert canary not in shown, "the mask leaks a password"


def _check_tokens(text: str, dsn: Dsn) -> None:
    tokens = [*dsn.hosts, *dsn.ports, dsn.database]
    tokens += [param.value for param in (*dsn.params, *dsn.core)]
    for token in tokens:
        if token is not None:
            assert dsn.start <= token.start <= token.end <= dsn.end
            assert text[token.start : token.end] == token.text
    for param in (*dsn.params, *dsn.core):
        assert param.span_start <= param.value.start <= param.value.end <= param.span_end
    assert dsn.start <= dsn.tail <= len(text)


def _move(text: str, dsn: Dsn) -> None:
    """A new host, and nothing else."""
    if not dsn.hosts:
        return
    wanted = [PartEdit("host", dsn.hosts[0].text, _NEW)]
    if dsn.param("sslmode") is None:
        wanted.append(PartEdit("param", "", "require", "sslmode"))
    try:
        edits = text_edits(dsn, wanted)
    except EditRefused:
        return
    after = apply_edits(text, edits)
    end = 0
    kept = []
    for edit in edits:
        assert end <= edit.start <= edit.end <= len(text), "edits overlap"
        kept.append(text[end : edit.start])
        end = edit.end
    kept.append(text[end:])
    rest = after
    for piece in kept:
        assert piece in rest, "a character outside the edits changes"
        rest = rest[rest.index(piece) + len(piece) :]
    again = parse(after)
    if again is not None and dsn.has_password:
        before, now = password_in(text, dsn), password_in(after, again)
        assert (before and before.reveal()) == (now and now.reveal()), "the password changes"
