"""What a rollout knows is hidden wherever it turns up, and names stay readable."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import quote

import pytest

from repoint.dsn.mask import mask
from repoint.rollout.passwords import KnownPasswords
from tests.cluster.hostile.canaries import CORE, PASSWORDS, found_in


def secret(**values: str) -> dict[str, Any]:
    data = {key: base64.b64encode(text.encode()).decode() for key, text in values.items()}
    return {"kind": "Secret", "metadata": {"name": "web", "namespace": "shop"}, "data": data}


def clear(**values: str) -> dict[str, Any]:
    meta = {"name": "web", "namespace": "shop"}
    return {"kind": "Secret", "metadata": meta, "stringData": values}


def deployment(name: str, value: str) -> dict[str, Any]:
    container = {"name": "c", "env": [{"name": name, "value": value}]}
    spec = {"template": {"spec": {"containers": [container]}}}
    return {"kind": "Deployment", "metadata": {"name": "web", "namespace": "shop"}, "spec": spec}


def url(password: str) -> str:
    return f"postgresql://web:{quote(password, safe='')}@pooler:5432/shop"


@pytest.mark.parametrize("name", PASSWORDS)
@pytest.mark.parametrize("place", ["url", "key", "clear", "variable", "pairs", "smtp"])
def test_it_is_hidden_in_every_spelling(name: str, place: str) -> None:
    password = PASSWORDS[name]
    if place == "pairs":
        password = password.replace("\n", " ")  # no line of such a string goes on
    documents = {
        "url": secret(dsn=url(password)),
        "key": secret(ADMIN_PASSWORD=password),
        "clear": clear(dsn=url(password)),
        "variable": deployment("BACKUP_PASSWORD", password),
        "pairs": secret(dsn=f"host=pg user=web password={_quoted(password)} dbname=shop"),
        "smtp": secret(mail=f"smtp://m:{quote(password, safe='')}@mail:25"),
    }
    known = KnownPasswords([documents[place]])
    said = [
        password,
        quote(password, safe=""),
        json.dumps({"a": password}),
        json.dumps({"a": password}, ensure_ascii=False),
        *password.splitlines(),
        *(_encoded(f"{'x' * before}{password}!") for before in range(4)),
        _encoded(url(password)),
    ]
    if place == "smtp":
        said = [url(password), quote(password, safe="")]
    for text in said:
        assert found_in(known.hide(f"x {text} y")) == [], text
    assert CORE not in repr(known)


def _quoted(password: str) -> str:
    inner = password.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{inner}'"


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def test_names_and_short_texts_stay() -> None:
    """A password that is the name of something, as in development, would hide every sentence."""
    known = KnownPasswords([clear(dsn=url("web"), other=url("shop"), PASSWORD="abc")])
    told = "Pod/web-1 in shop cannot reach abc"
    assert known.hide(told) == told
    assert KnownPasswords([]).hide("Pod/web-1") == "Pod/web-1"


def test_it_masks_what_it_does_not_know_as_ever() -> None:
    text = "postgresql://a:unknown1@b/c"
    assert KnownPasswords([]).hide(text) == mask(text) != text


def test_what_is_no_text_is_passed_by() -> None:
    one = {"kind": "Secret", "metadata": {"name": "x"}, "data": {"PASSWORD": "%%", "b": "/w=="}}
    assert KnownPasswords([one]).hide("fine") == "fine"
