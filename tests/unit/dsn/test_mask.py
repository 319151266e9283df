"""No password survives masking, in whatever shape it stands."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repoint.dsn.mask import mask
from tests.unit.dsn.dsn_strategies import NAUGHTY, passwords, urls

SHAPES = [
    "postgres://u:{}@h:5432/db?sslmode=require",
    "'postgresql://u:{}@h/db'",
    'DATABASE_URL="postgres://u:{}@h/db"',
    "amqp://u:{}@rabbit:5672",
    "PGPASSWORD={} psql -h h",
    "export PGPASSWORD={}",
    "PGPASSWORD: {}",
    "  POSTGRES_PASSWORD: '{}'",
    '{{"POSTGRES_PASSWORD": "{}", "x": 1}}',
    "DB_PASS: {}",
    "dbPassword: {}",
    "spring.datasource.password={}",
    'password = "{}"',
    "host=h password={} dbname=d",
    "host=h password='{}' dbname=d",
    "Host=h;Password={};Database=d",
    "Host=h;Pwd={}",
    "jdbc:postgresql://h/db?user=u&password={}&ssl=true",
    "run --password={}",
    "run --db-password {}",
    'args: ["--password", "{}"]',
    "- --password\n- {}",
    "sshpass -p {} ssh h",
    "mysql -u root -p{}",
    "- name: POSTGRES_PASSWORD\n  value: {}",
    "- name: POSTGRES_PASSWORD\n  value: '{}'",
    '{{"name": "DB_PASSWORD", "value": "{}"}}',
    "+  - name: DB_PASSWORD\n+    value: {}",
    "password: |\n  {}\nnext: 1",
    "password: >-\n    {}\n",
    "ALTER ROLE x PASSWORD '{}';",
    "CREATE USER x WITH ENCRYPTED PASSWORD '{}' LOGIN;",
    "h:5432:db:u:{}",
    "    h:5432:db:u:{}",
    "+    h:*:db:u:{}",
    '.pgpass: "h:5432:db:u:{}"',
    "- PGPASS=h:5432:db:u:{}",
    "echo '*:*:*:u:{}' > ~/.pgpass",
    '"u" "{}"',
    "<password>{}</password>",
    '<add key="DbPassword" value="{}"/>',
    "pass: {}",
]
# Each quoting has characters that end it; there they would be escaped by whoever wrote it.
PLAIN = st.sampled_from(sorted(set("@/#%:?{}$!*~^+é漢")))


@pytest.mark.parametrize("shape", SHAPES)
@given(password=passwords(alphabet=PLAIN))
@settings(max_examples=25)
def test_no_canary_survives(shape: str, password: str) -> None:
    text = shape.format(password)
    masked = mask(text)
    assert "canary-" not in masked
    assert "***" in masked


@given(urls(), st.sampled_from(["{}", "url: {}", 'A="{}"', "x '{}' y", "a {} b", "{}\n{}"]))
def test_no_canary_survives_in_a_url_anywhere(
    generated: tuple[str, str, str, str | None], around: str
) -> None:
    text = around.replace("{}", generated[0])
    masked = mask(text)
    assert "canary-" not in masked
    assert generated[2] in masked


@given(st.lists(st.sampled_from(SHAPES), min_size=1, max_size=4), passwords(alphabet=PLAIN))
def test_no_canary_survives_in_a_file_of_them(shapes: list[str], password: str) -> None:
    assert "canary-" not in mask("\n".join(shape.format(password) for shape in shapes))


TOKENS = st.sampled_from(
    [
        *NAUGHTY,
        *"\n'\" ;,`-",
        "password",
        "PASS",
        "pwd",
        "postgres://",
        "canary-1",
        "name: x_PASS\n",
        "value: ",
    ]
)


@settings(max_examples=200)
@given(st.one_of(st.text(max_size=60), st.lists(TOKENS, max_size=25).map("".join)))
def test_masking_twice_is_masking_once(text: str) -> None:
    once = mask(text)
    assert mask(once) == once


KEPT = [
    "postgres://u:${PASSWORD}@h/db",
    "postgres://u:$(PW)@h/db",
    "postgres://u:{{ .Values.password }}@h/db",
    "postgres://u@h:5432/db?sslmode=require",
    "postgres://h:5432/db",
    "http://example.org:8080/a:b",
    "http://[::1]:8080/",
    "PGPASSWORD=$POSTGRES_PASSWORD psql -h h",
    "PGPASSWORD= psql -h h",
    "PASSWORD_FILE=/run/secrets/x",
    "passwordSecretRef: my-secret",
    "password:\n  valueFrom: {}",
    "password: {secretKeyRef: {name: a, key: b}}",
    "- name: DB_PASSWORD\n  valueFrom:\n    secretKeyRef:\n      name: x",
    "password = var.db_password",
    "POSTGRES_PASSWORD: ENC[AES256_GCM,data:abc,type:str]",
    "PWD=/home/x",
    "bypass: true",
    "compassion and passages",
    "mkdir -p a/b && psql -p 5432",
    "FATAL: password authentication failed for user",
]


@pytest.mark.parametrize("text", KEPT)
def test_keeps_what_is_no_secret(text: str) -> None:
    assert mask(text) == text


EXACT = [
    ("postgres://u:a@b@h/db?x=1", "postgres://u:***@h/db?x=1"),
    ("postgres://u:a@h,postgres://u:b@g", "postgres://u:***@h,postgres://u:***@g"),
    ("{password: x, user: y}", "{password: ***, user: y}"),
    ("postgres://u:${PASSWORD:-canary-1}@h/db", "postgres://u:***@h/db"),
    ("PASS='a':canary-1", "PASS=***"),
    ("postgres://u:a b@h/db", "postgres://u:***@h/db"),
    ("a?user=u&password=x&ssl=true", "a?user=u&password=***&ssl=true"),
    ('A_PASSWORD="x" B="y"', 'A_PASSWORD="***" B="y"'),
    ("PASSWORD=\"a\"'b' next", "PASSWORD=*** next"),
]


@pytest.mark.parametrize(("text", "masked"), EXACT)
def test_masks_the_password_alone(text: str, masked: str) -> None:
    assert mask(text) == masked


def test_a_connection_string_in_base64_is_masked() -> None:
    for scheme in ("postgres", "db+postgresql", "sqla+postgresql"):
        encoded = base64.b64encode(f"{scheme}://u:canary-1@h/db".encode()).decode()
        assert encoded not in mask(f"DATABASE_URL: {encoded}")


def test_a_quoted_value_at_the_end_of_an_element_ends_there() -> None:
    element = '<Resource username="app" password="{}"/>'
    once = mask(element.format("canary-1"))

    assert once == element.format("***")
    assert mask(once) == once


def test_what_goes_on_behind_a_quote_is_masked_to_where_a_word_ends() -> None:
    once = mask('password="a b"c>d e')

    assert once == "password=*** e"
    assert mask(once) == once


def test_a_quoted_value_of_libpq_ends_at_its_quote_lines_further_down() -> None:
    text = "host=h user=u password='a\n b\\'canary-1' dbname=d"

    assert mask(text) == "host=h user=u password='***' dbname=d"


@pytest.mark.parametrize("piece", ["*" * 200, "var.a" * 60, "local.x[0]" * 40], ids=len)
def test_what_is_nearly_a_variable_is_no_riddle(piece: str) -> None:
    # It took longer than the age of the universe: the test ends, or the run's time limit does.
    assert mask(f"postgres://u:{piece}!@h/db") == "postgres://u:***@h/db"


@pytest.mark.parametrize("scheme", ["jdbc:postgresql", "r2dbc:pool:postgresql", "JDBC:postgres"])
def test_a_wrapped_url_is_masked_to_where_it_is_read(scheme: str) -> None:
    assert mask(f"{scheme}://:/'canary-1@a") == f"{scheme}://:***@a"
