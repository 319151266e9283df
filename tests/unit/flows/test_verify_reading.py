"""A consumer's own connection and password, from live objects in every spelling."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import yaml

from repoint.flows.evidence import Evidence
from repoint.flows.verifying import in_cluster
from repoint.flows.verifying.at_source import named_checks
from repoint.flows.verifying.flow import Scenery
from repoint.flows.verifying.live import LiveState, opened, state_of
from repoint.flows.verifying.reading import ObjectTree, cast_of
from repoint.flows.verifying.subjects import Subject, differences, subjects_of
from repoint.model.rehearsal import Verdict
from tests.unit.flows.rehearsal_shop import CNPG, OLD, POOLED, repository

PASSWORD = "p@ss/w%é"
ENCODED = "p%40ss%2Fw%25%C3%A9"
URL = f"postgresql://web:{ENCODED}@{POOLED}:5432/shop?sslmode=require"


def secret(name: str = "db", **values: str) -> dict[str, Any]:
    data = {key: base64.b64encode(text.encode()).decode() for key, text in values.items()}
    meta = {"name": name, "namespace": "shop"}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "data": data}


def web(**container: Any) -> dict[str, Any]:
    volumes = container.pop("volumes", [])
    one = {"name": "web", "image": "acme/web", **container}
    spec = {"template": {"spec": {"containers": [one], "volumes": volumes}}}
    meta = {"name": "web", "namespace": "shop", "managedFields": [{"fieldsV1": {}}]}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": spec}


def key(name: str, source: str = "db", of: str = "") -> dict[str, Any]:
    return {"name": name, "valueFrom": {"secretKeyRef": {"name": source, "key": of or name}}}


def literal(**values: str) -> list[dict[str, str]]:
    return [{"name": name, "value": text} for name, text in values.items()]


def target() -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(CNPG))


def asked(folder: Path, *documents: Mapping[str, Any], planned: Any = ()) -> tuple[Subject, ...]:
    """The subjects of live `documents`, beside what the repository has."""
    workspace = repository(folder, {})
    config = workspace.config
    assert config is not None
    state, desired = state_of(documents), state_of([opened(one) for one in planned])
    nothing = Evidence((), ())

    def cast(several: Any) -> Any:
        return cast_of(workspace, config, "local", [*several, *target()], nothing)

    mine = cast([opened(one) for one in planned]) if planned else None
    return subjects_of(mine, cast(state.documents()), state, desired)


MOUNTED = {"name": "conf", "secret": {"secretName": "file"}}
CASES = {
    "a Secret's key": [web(env=[key("DATABASE_URL")]), secret(DATABASE_URL=URL)],
    "envFrom": [web(envFrom=[{"secretRef": {"name": "db"}}]), secret(DATABASE_URL=URL)],
    "a prefix": [
        web(envFrom=[{"prefix": "APP_", "secretRef": {"name": "db"}}]),
        secret(DATABASE_URL=URL),
    ],
    "a literal": [web(env=literal(DATABASE_URL=URL))],
    "composed by Kubernetes": [
        web(
            env=[
                key("PW"),
                *literal(DATABASE_URL=f"postgresql://web:$(PW)@{POOLED}:5432/shop?sslmode=require"),
            ]
        ),
        secret(PW=ENCODED),
    ],
    "split variables": [
        web(env=[*literal(DB_HOST=POOLED, DB_USER="web", DB_NAME="shop"), key("DB_PASSWORD")]),
        secret(DB_PASSWORD=PASSWORD),
    ],
    "libpq's variables": [
        web(env=[*literal(PGHOST=POOLED, PGUSER="web", PGDATABASE="shop"), key("PGPASSWORD")]),
        secret(PGPASSWORD=PASSWORD),
    ],
    "keywords": [
        web(env=[key("DATABASE_URL")]),
        secret(DATABASE_URL=f"host={POOLED} user=web dbname=shop password='{PASSWORD}'"),
    ],
    "a mounted file": [
        web(volumes=[MOUNTED], volumeMounts=[{"name": "conf", "mountPath": "/etc/app"}]),
        secret("file", **{"app.env": f"DATABASE_URL={URL}\n"}),
    ],
    "a URL in a shell": [
        web(
            env=[key("PW")],
            command=["sh", "-c", f"psql postgresql://web:$PW@{POOLED}:5432/shop -c 'SELECT 1'"],
        ),
        secret(PW=ENCODED),
    ],
    "psql in a shell": [
        web(
            env=[key("PW")],
            command=["sh", "-c", f"PGPASSWORD=$PW psql -h {POOLED} -U web -d shop -c 'SELECT 1'"],
        ),
        secret(PW=PASSWORD),
    ],
}


@pytest.mark.parametrize("documents", CASES.values(), ids=CASES)
def test_the_consumer_s_own_password(tmp_path: Path, documents: list[Any]) -> None:
    [one] = asked(tmp_path, *documents)
    assert one.live is not None and one.live.login is not None, one.unread
    login = one.live.login
    assert one.unread == ""
    assert (login.user, login.database) == ("web", "shop")
    assert login.password.reveal() == PASSWORD
    assert one.live.server == POOLED and one.live.pooler == "pg-pooler"


def test_a_text_from_a_secret_is_sent_as_it_stands(tmp_path: Path) -> None:
    """Nothing expands a reference there (X2)."""
    documents = [
        web(env=[key("PW"), key("DATABASE_URL")]),
        secret(PW="x", DATABASE_URL=f"postgresql://web:$(PW)@{POOLED}:5432/shop"),
    ]
    [one] = asked(tmp_path, *documents)
    assert one.live is not None and one.live.login is not None
    assert one.live.login.password.reveal() == "$(PW)"


def test_a_password_that_nothing_tells(tmp_path: Path) -> None:
    documents = [web(env=literal(DATABASE_URL=f"postgresql://web@{POOLED}:5432/shop"))]
    [one] = asked(tmp_path, *documents)
    assert one.unread.startswith("no password is told by")


def test_what_differs_from_the_repository_is_named_and_not_shown(tmp_path: Path) -> None:
    planned = [web(env=[key("DATABASE_URL")]), secret(DATABASE_URL=URL)]
    other = URL.replace("sslmode=require", "sslmode=disable").replace("web:", "app:")
    [one] = asked(
        tmp_path,
        web(env=[key("DATABASE_URL")]),
        secret(DATABASE_URL=other.replace(ENCODED, "other")),
        planned=planned,
    )
    assert differences(one) == ["role", "`sslmode`", "password"]
    (tmp_path / "same").mkdir()
    [same] = asked(tmp_path / "same", *planned, planned=planned)
    assert differences(same) == [] and same.same_password is True


def test_a_consumer_that_was_not_moved_has_no_live_side(tmp_path: Path) -> None:
    planned = [web(env=[key("DATABASE_URL")]), secret(DATABASE_URL=URL)]
    old = secret(DATABASE_URL=URL.replace(POOLED, OLD))
    [one] = asked(tmp_path, web(env=[key("DATABASE_URL")]), old, planned=planned)
    assert one.live is None and one.planned is not None and one.planned.server == POOLED


def test_copies_of_older_texts_are_not_read() -> None:
    document = web(env=literal(DATABASE_URL=URL))
    document["metadata"]["annotations"] = {
        "kubectl.kubernetes.io/last-applied-configuration": f"postgresql://old@{OLD}/x"
    }
    document["status"] = {"note": OLD}
    tree = ObjectTree([document])
    [path] = tree.paths()
    assert OLD.encode() not in tree.read(path) and b"managedFields" not in tree.read(path)


def test_nothing_that_holds_a_password_shows_it(tmp_path: Path) -> None:
    documents = CASES["a Secret's key"]
    [one] = asked(tmp_path, *documents)
    state = LiveState(held=dict(state_of(documents).held))
    for text in (repr(one), repr(state), repr(ObjectTree(documents))):
        assert PASSWORD not in text and ENCODED not in text


@pytest.mark.parametrize(
    ("refused", "verdict", "told"),
    [
        ({}, Verdict.FAIL, "does not name it"),
        ({("Secret", "shop", "db"): "may not get"}, Verdict.UNKNOWN, "Secret/db was not read"),
    ],
)
def test_a_connection_to_the_source_that_may_not_be_read_is_no_failure(
    tmp_path: Path, refused: dict[tuple[str, str, str], str], verdict: Verdict, told: str
) -> None:
    workspace = repository(tmp_path, {})
    config = workspace.config
    assert config is not None
    here = web(env=[key("DATABASE_URL")])
    before = secret(DATABASE_URL=f"postgresql://web:{ENCODED}@{OLD}:5432/shop")
    live = state_of([here])
    live.refused.update(refused)

    def cast_with(*several: Any) -> Any:
        return cast_of(workspace, config, "local", [*several, *target()], Evidence((), ()))

    scene = SimpleNamespace(
        actual=cast_with(*live.documents()),
        planned=cast_with(here, opened(before)),
        live=live,
        source=SimpleNamespace(is_own=lambda one: False),
    )

    [[check]] = named_checks(cast(Scenery, scene), ()).values()

    assert check.verdict is verdict
    assert told in check.observed


@pytest.mark.parametrize(
    ("has_it", "hidden", "verdict", "told"),
    [
        (False, "Secret/db was not read", Verdict.UNKNOWN, "Secret/db was not read"),
        (False, "", Verdict.SKIPPED, "the workload does not have it"),
        (True, "Secret/db was not read", Verdict.SKIPPED, "it waits, and logs nobody in"),
    ],
)
def test_what_is_not_asked_from_inside_says_why(
    monkeypatch: pytest.MonkeyPatch, has_it: bool, hidden: str, verdict: Verdict, told: str
) -> None:
    monkeypatch.setattr(in_cluster, "consumer_of", lambda scene, subject, asked: asked)
    subject = SimpleNamespace(live=object() if has_it else None, hidden=hidden)
    nothing: Any = None

    probe = in_cluster.Probe(cast(Subject, subject), None, "run")
    [check] = cast(Any, in_cluster._consumer(nothing, probe, nothing, nothing))

    assert (check.verdict, check.observed) == (verdict, told)
