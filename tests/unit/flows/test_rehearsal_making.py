"""The connections of a rehearsal as their drivers make them: roles, passwords, packets."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from repoint.adapters.filetree import FileTree
from repoint.adapters.sops import Sops
from repoint.flows.planning import make_plan
from repoint.flows.rehearsing.flow import prepare
from tests.unit.flows.rehearsal_shop import (
    CNPG,
    CONFIG,
    OLD,
    PLAIN,
    POOLED,
    URL,
    app,
    by_name,
    env,
    from_secret,
    prepared,
    repository,
    scene,
    secret,
)


@pytest.mark.parametrize(
    ("url", "variables", "variable"),
    [
        pytest.param(URL.replace("canary-plain", "${PASSWORD}"), {}, "${PASSWORD}", id="a shell's"),
        pytest.param(
            URL.replace("canary-plain", "$(PASSWORD)"), {"PASSWORD": "x"}, "", id="kubelet's"
        ),
        pytest.param(URL, {}, "", id="none"),
    ],
)
def test_a_variable_that_nothing_expands_is_sent_as_it_stands(
    tmp_path: Path, url: str, variables: dict[str, str], variable: str
) -> None:
    """X2."""
    found = prepared(tmp_path, {"web.yaml": app("web", env=env(**variables, DATABASE_URL=url))})

    client = by_name(found)["web"]

    assert client.variable == variable
    assert client.login is not None
    sent = client.login.password.reveal()
    assert (sent == variable) is bool(variable)


def test_a_throwaway_password_has_the_awkward_characters_of_the_real_one(tmp_path: Path) -> None:
    awkward = URL.replace("web:canary-plain", "odd:s%40cret%2F")
    files = {
        "secret.yaml": secret(url=URL, odd=awkward),
        "web.yaml": app("web", env=from_secret("url")),
        "odd.yaml": app("odd", env=from_secret("odd")),
    }

    passwords = scene(prepared(tmp_path, files)).passwords

    assert set(passwords.by_role) == {"keeper", "web", "odd"}
    assert "@" in passwords.of("odd").reveal() and "@" not in passwords.of("web").reveal()
    made = [one.reveal() for one in passwords.by_role.values()]
    assert len(set(made)) == 3 and not any("cret" in one for one in made)


def test_an_encoded_secret_s_password_is_looked_at_decoded(tmp_path: Path) -> None:
    awkward = URL.replace("web:canary-plain", "web:s%40cret")
    encoded = base64.b64encode(awkward.encode()).decode()
    text = secret(url=encoded).replace("stringData", "data")
    files = {"secret.yaml": text, "web.yaml": app("web", env=from_secret("url"))}

    assert "@" in scene(prepared(tmp_path, files)).passwords.of("web").reveal()


def test_what_a_string_leaves_out_is_taken_from_repoint_yaml(tmp_path: Path) -> None:
    bare = env(PGHOST=OLD, PGUSER="web")
    config = CONFIG.replace("sslmode:", "database: reports, sslmode:")
    files = {"web.yaml": app("web", env=bare)}

    here = scene(prepared(tmp_path, files, config))

    [client] = here.clients
    assert client.login is not None
    assert (client.login.user, client.login.database) == ("web", "reports")
    assert "`PGHOST` does not tell its database: `reports` was taken" in here.notes


def test_what_nothing_tells_is_taken_from_the_cluster(tmp_path: Path) -> None:
    here = scene(prepared(tmp_path, {"web.yaml": app("web", env=env(PGHOST=OLD))}))

    [client] = here.clients
    assert client.login is not None
    assert (client.login.user, client.login.database) == ("keeper", "shop")


def test_where_nothing_tells_a_role_it_cannot_be_rehearsed(tmp_path: Path) -> None:
    files = {"web.yaml": app("web", env=env(PGHOST=OLD))}
    made = repository(tmp_path, files)
    path = tmp_path / "deploy/cnpg.yaml"
    path.write_text(CNPG.replace("bootstrap: {initdb:", "other: {initdb:"))

    found = prepare(make_plan(made), made, FileTree(tmp_path), Sops(FileTree(tmp_path)))

    [(_, scenes, [stranger])] = found.scenes
    assert scenes == ()
    assert stranger.reason == "nothing tells the role or the database of `PGHOST`"
    assert (stranger.route, stranger.server) == ("pooled", POOLED)


def test_a_string_that_the_driver_does_not_take_has_no_login(tmp_path: Path) -> None:
    """X16: psql is libpq, which knows no `search_path` in a URL."""
    command = ["psql", "$(DATABASE_URL)", "-c", "SELECT 1"]
    files = {"web.yaml": app("web", env=env(DATABASE_URL=URL), command=command)}

    client = by_name(prepared(tmp_path, files))["web"]

    assert client.login is None and client.driver == "libpq"
    assert client.refused == 'invalid URI query parameter: "search_path"'


def test_a_wait_loop_that_logs_nobody_in_only_waits(tmp_path: Path) -> None:
    """Twice the same wait is one."""
    wait = ["sh", "-c", f"until pg_isready -h {OLD}; do sleep 1; done; pg_isready -h {OLD}"]
    files = {
        "web.yaml": app("web", env=env(DATABASE_URL=URL)),
        "wait.yaml": app("wait", command=wait),
    }

    found = by_name(prepared(tmp_path, files))

    assert found["wait"].login is None and found["wait"].purpose == "probe"
    assert len(found) == 2


def test_a_connection_is_made_as_each_of_the_drivers_makes_it(tmp_path: Path) -> None:
    """What nobody measured is told, and so is what PostgreSQL would refuse as well (MG12)."""
    url = f"{PLAIN}?pool_max_conns=5"
    mod = "module web\n\nrequire github.com/jackc/pgx/v5 v5.7.1\n"
    package = '{"dependencies": {"pg": "8.0.0"}}'
    files = {
        "web.yaml": app("web", env=env(DATABASE_URL=url)),
        "odd.yaml": app("odd", env=env(DATABASE_URL=PLAIN)),
        "apps/web/go.mod": mod,
        "apps/web/package.json": package,
        "apps/odd/Cargo.toml": '[dependencies]\ntokio-postgres = "0.7"\n',
    }

    here = scene(prepared(tmp_path, files))

    drivers = [(one.facts.name, one.driver, one.driver_known) for one in here.clients]
    assert sorted(drivers) == [
        ("odd", "tokio-postgres", True),
        ("web", "node-postgres", True),
        ("web", "pgx", True),
    ]
    assert "what tokio-postgres sends was read, not measured" in here.notes
    [left_out] = [note for note in here.notes if "was not sent" in note]
    assert left_out.startswith("`pool_max_conns` of `DATABASE_URL` was not sent")


def test_a_variable_is_no_role_and_no_database(tmp_path: Path) -> None:
    url = PLAIN.replace("web:canary-plain", "${USER}:canary-plain").replace("/shop", "/${DATABASE}")
    files = {"secret.yaml": secret(url=url), "web.yaml": app("web", env=from_secret("url"))}

    [client] = scene(prepared(tmp_path, files)).clients

    assert client.login is not None
    assert (client.login.user, client.login.database) == ("keeper", "shop")


RUN = {"script": "run.sh", "bare": "start", "settings": "run.conf"}


def scripts(**data: str) -> str:
    """A ConfigMap with these files."""
    held = json.dumps(data)
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: run}}\ndata: {held}\n"


def run(name: str, key: str) -> str:
    """A Deployment that mounts one file of that ConfigMap."""
    spec = {
        "volumes": [
            {"name": "run", "configMap": {"name": "run", "items": [{"key": key, "path": "r"}]}}
        ],
        "containers": [
            {"name": name, "image": "x/web:1", "volumeMounts": [{"name": "run", "mountPath": "/r"}]}
        ],
    }
    made = {"spec": {"template": {"spec": spec}}, "metadata": {"name": name}}
    return json.dumps({"apiVersion": "apps/v1", "kind": "Deployment", **made})


def test_who_expands_a_variable_in_a_password(tmp_path: Path) -> None:
    """X2: the shell in a command or a script, the kubelet in a literal, and nobody else."""
    shell = f"psql postgresql://web:$PASSWORD@{OLD}/shop -c 'SELECT 1'"
    url = PLAIN.replace("canary-plain", "$(PASSWORD)")
    plain = f"DATABASE_URL={PLAIN.replace('canary-plain', '${PASSWORD}')}\n"
    script = f"#!/bin/sh\nexport {plain}exec web\n"
    files = {
        "secret.yaml": secret(url=url),
        "shell.yaml": app("shell", command=["sh", "-c", shell]),
        "kubelet.yaml": app("kubelet", env=env(PASSWORD="x", DATABASE_URL=url)),
        "nobody.yaml": app("nobody", env=from_secret("url")),
        "run.yaml": scripts(**{"run.sh": script, "start": script, "run.conf": plain}),
        **{f"{name}.yaml": run(name, key) for name, key in RUN.items()},
    }

    found = by_name(prepared(tmp_path, files))

    assert {name: one.variable for name, one in found.items()} == {
        "shell": "",
        "kubelet": "",
        "nobody": "$(PASSWORD)",
        "script": "",
        "bare": "",
        "settings": "${PASSWORD}",
    }
