"""What a connection string's password is like: never the password itself."""

from __future__ import annotations

import pytest

from repoint.dsn.parse import parse
from repoint.dsn.shape import PasswordShape, password_shape

NONE = PasswordShape()
PLAIN = PasswordShape(given=True)
AWKWARD = PasswordShape(given=True, awkward=True)


def variable(text: str) -> PasswordShape:
    return PasswordShape(given=True, variable=text)


CASES = [
    ("postgresql://u@h:5432/d", NONE),
    ("postgresql://u:canary-shape@h:5432/d", PLAIN),
    ("postgresql://u:p%40ss@h:5432/d", AWKWARD),
    ("postgresql://u:p+ss@h:5432/d", AWKWARD),
    ("postgresql://u:${PASSWORD}@h:5432/d", variable("${PASSWORD}")),
    ("postgresql://u:$PASSWORD@h:5432/d", variable("$PASSWORD")),
    ("postgresql://u:$(PASSWORD)@h:5432/d", variable("$(PASSWORD)")),
    ("postgresql://u:pre-${PASSWORD}@h:5432/d", variable("${PASSWORD}")),
    ("postgresql://u@h:5432/d?sslmode=require&password=secret", PLAIN),
    ("jdbc:postgresql://h:5432/d?user=u&password=p%2Fq", AWKWARD),
    ("host=h port=5432 dbname=d user=u", NONE),
    ("host=h port=5432 dbname=d user=u password=secret", PLAIN),
    ("host=h dbname=d user=u password='it\\'s me'", AWKWARD),
    ("host=h dbname=d user=u password=${PW}", variable("${PW}")),
]


@pytest.mark.parametrize(("text", "shape"), CASES, ids=[text for text, _ in CASES])
def test_shape(text: str, shape: PasswordShape) -> None:
    dsn = parse(text)

    assert dsn is not None
    assert password_shape(text, dsn) == shape


def test_the_shape_holds_nothing_of_the_password() -> None:
    text = "see postgresql://u:canary-hunter2@h:5432/d for more"
    dsn = parse(text)

    assert dsn is not None
    assert "canary" not in repr(password_shape(text, dsn))
