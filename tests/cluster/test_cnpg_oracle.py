"""CloudNativePG's own code makes the same files of a Pooler as `repoint.rehearsal.ini`.

Compared are whole texts, with the paths of a Pooler's pod: `pgbouncer.ini` and `pg_hba.conf`.
Two things are not ours to know, and are put in before comparing: the name of the user who looks
passwords up where the Pooler brings its own, which stands in a Secret, and `userlist.txt` with
that user's password, which is never rendered: here only whether there is one is held against
`auth_file`.

The Poolers go through the code that reads a repository; CloudNativePG reads the same YAML. The
API server's defaults (`poolMode: session`, `type: rw`) are put in for it: it never sees a Pooler
without them.
"""

from __future__ import annotations

import base64
import json
import re
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from repoint.adapters.lab.certificates import Authority
from repoint.formats.read import read_file
from repoint.kube.effective import effective
from repoint.kube.resource import Resource
from repoint.planning.config import Config, Source, Target
from repoint.planning.environment_facts import pooler_facts
from repoint.rehearsal.ini import pgbouncer_hba, pgbouncer_ini
from repoint.rehearsal.lab import BouncerSpec
from repoint.rehearsal.spec import Ground, lab_spec
from repoint.rules.cnpg import ALLOWED, FIXED
from repoint.rules.facts import ClusterFacts
from scripts.cluster import PARTS
from tests.cluster.fix_api import need_parts
from tests.cluster.objects import pooler

pytestmark = pytest.mark.cluster

_CONFIGS = "/controller/configs"
_CONFIG = Config(Source(["postgres"]), Target("pg", "pooler"))
_USER = "the_asker"
_QUERY = "SELECT u, p FROM lookup($1)"
_OWN = {"authQuery": _QUERY, "authQuerySecret": {"name": "asker"}}
_OWN_TLS = {"authQuery": _QUERY, "serverTLSSecret": {"name": "asker"}}

# What stands in `spec.pgbouncer`, by what is looked at.
POOLERS: dict[str, dict[str, Any]] = {
    "nothing but the defaults": {},
    "session": {"poolMode": "session"},
    "transaction": {"poolMode": "transaction"},
    "parameters": {"parameters": {"max_client_conn": "1000", "default_pool_size": "20"}},
    "every parameter that may be set": {"parameters": dict.fromkeys(sorted(ALLOWED), "7")},
    "empty parameters": {"parameters": {}},
    "an empty value": {"parameters": {"server_reset_query": ""}},
    "a default replaced": {"parameters": {"log_stats": "1", "auth_type": "scram-sha-256"}},
    "clients must use TLS": {"parameters": {"client_tls_sslmode": "require"}},
    "clients may not use TLS": {"parameters": {"client_tls_sslmode": "disable"}},
    "server's certificate unchecked": {"parameters": {"server_tls_sslmode": "require"}},
    "ignored parameters": {"parameters": {"ignore_startup_parameters": "search_path"}},
    "ignored twice": {"parameters": {"ignore_startup_parameters": "options,extra_float_digits"}},
    "ignored with spaces": {
        "parameters": {"ignore_startup_parameters": " search_path , TimeZone "}
    },
    "ignored and empty": {"parameters": {"ignore_startup_parameters": ""}},
    "tracked": {"parameters": {"track_extra_parameters": "search_path,IntervalStyle"}},
    "prepared statements": {"parameters": {"max_prepared_statements": "0"}},
    "line breaks": {
        "parameters": {"server_check_query": "a\nb\r\nc\rd\x0be\x0cf\x85g\u2028h\u2029i"}
    },
    "other white space": {"parameters": {"server_check_query": " a\t b\u00a0\x1c "}},
    "not ASCII": {"parameters": {"server_check_query": "select 'ä', '名', '\U0001f418'"}},
    "quotes and signs": {"parameters": {"server_check_query": "select '%s', \"x\" <&> {{.}} #;"}},
    "names in no order": {
        "parameters": {"verbose": "1", "autodb_idle_timeout": "2", "pkt_buf": "3"}
    },
    "what may not be set": {"parameters": {"listen_port": "1", "admin_users": "x", "Zeta": "1"}},
    "one HBA line": {"pg_hba": ["host all app 10.0.0.0/8 scram-sha-256"]},
    "HBA lines": {"pg_hba": ["hostssl all all 0.0.0.0/0 cert", "host all all all reject"]},
    "HBA lines with white space": {"pg_hba": ["  local all all trust ", "host all all all md5\t"]},
    "HBA lines with breaks": {"pg_hba": ["host a a all md5\n", "\n# note\nhost b b all md5\n\n"]},
    "an empty HBA line": {"pg_hba": ["", "host all all all md5"]},
    "no HBA lines": {"pg_hba": []},
    "HBA of every sign": {"pg_hba": ["host \"a b\" 'c' all md5 # <&> {{.}}"]},
    "a certificate of its own": {"clientTLSSecret": {"name": "pooler-tls"}},
    "CAs of its own": {"clientCASecret": {"name": "ca"}, "serverCASecret": {"name": "ca"}},
    "paused": {"paused": True},
    "own login": _OWN,
    "own login, and parameters": {**_OWN, "parameters": {"max_client_conn": "5", "log_stats": "1"}},
    "own login, query of many lines": {**_OWN, "authQuery": "SELECT a,\n  b\nFROM c($1)"},
    "own certificate to log in": _OWN_TLS,
    "own certificate before own password": {**_OWN_TLS, **_OWN},
    "own certificate, transaction": {**_OWN_TLS, "poolMode": "transaction"},
}
TYPES = {"read-write": "rw", "read-only": "ro", "any": "r"}


@pytest.fixture(scope="module")
def ask(pytestconfig: pytest.Config) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """CloudNativePG's answer to a Pooler: the files by path."""
    need_parts(pytestconfig, "cnpg")
    secrets = _secrets()

    def asked(one: dict[str, Any]) -> dict[str, Any]:
        given = dict(secrets)
        if "serverTLSSecret" in one["spec"]["pgbouncer"]:
            # As the operator's own getSecrets: then it looks for no other login.
            given["serverTLS"] = _tls(_USER)
        elif "authQuerySecret" in one["spec"]["pgbouncer"]:
            data = {"username": _USER, "password": 'canary-"quoted"'}
            given["authQuery"] = _secret("kubernetes.io/basic-auth", data)
        else:
            given["authQuery"] = _tls("cnpg_pooler_pgbouncer")
        done = subprocess.run(
            [PARTS["cnpg"].program, "ini"],
            input=json.dumps({"pooler": one, "secrets": given}),
            capture_output=True,
            text=True,
            check=True,
        )
        answer = json.loads(done.stdout)
        assert "error" not in answer, answer
        return dict(answer["files"])

    return asked


@pytest.mark.parametrize("name", POOLERS)
def test_the_same_files(ask: Callable[..., dict[str, Any]], name: str) -> None:
    _compare(ask, pooler("shop", **POOLERS[name]))


@pytest.mark.parametrize("name", TYPES)
@pytest.mark.parametrize("login", [{}, _OWN, _OWN_TLS], ids=["operator's", "own", "own TLS"])
def test_the_same_files_for_each_type(
    ask: Callable[..., dict[str, Any]], name: str, login: dict[str, Any]
) -> None:
    one = pooler("shop", **login)
    one["spec"]["type"] = TYPES[name]
    _compare(ask, one)


def test_parameters_that_may_be_set_are_cloudnativepg_s(pytestconfig: pytest.Config) -> None:
    need_parts(pytestconfig, "cnpg")
    text = (PARTS["cnpg"].place / "sources" / "pooler_webhook.go").read_text()
    told = text.partition("AllowedPgbouncerGenericConfigurationParameters = ")[2].partition("})")[0]
    assert set(re.findall(r'"(\w+)"', told)) == ALLOWED


def test_parameters_that_are_the_operator_s_are_cloudnativepg_s(
    pytestconfig: pytest.Config,
) -> None:
    need_parts(pytestconfig, "cnpg")
    text = (PARTS["cnpg"].place / "sources" / "configuration.go").read_text()
    told = text.partition("FixedConfigurationParameters = map[string]string{")[2]
    names = re.findall(r'"(\w+)":\s+(\w+),', told.partition("\n\t}")[0])
    assert {name for name, kind in names if kind != "any"} == FIXED


def _compare(ask: Callable[..., dict[str, Any]], one: dict[str, Any]) -> None:
    theirs = ask(one)
    ours = _spec(one)
    ini = pgbouncer_ini(ours).replace("<the user of Secret `asker`>", _USER)
    assert ini == theirs[f"{_CONFIGS}/pgbouncer.ini"]
    assert pgbouncer_hba(ours) == theirs[f"{_CONFIGS}/pg_hba.conf"]
    assert ("auth_file = " in ini) == (f"{_CONFIGS}/userlist.txt" in theirs)
    # Every file that the ini names is one that the pod gets, and the other way round.
    named = set(re.findall(rf"= ({_CONFIGS}/\S+)$", ini, re.MULTILINE))
    assert named | {f"{_CONFIGS}/pgbouncer.ini"} | _unnamed(one) == set(theirs)


def _unnamed(one: dict[str, Any]) -> set[str]:
    """Files that CloudNativePG writes and names nowhere."""
    if "serverTLSSecret" not in one["spec"]["pgbouncer"]:
        return set()
    return {f"{_CONFIGS}/authUser/tls.{kind}" for kind in ("crt", "key")}


def _spec(one: dict[str, Any]) -> BouncerSpec:
    """The Pooler as repoint reads it from a file."""
    root = read_file("pooler.yaml", yaml.safe_dump(one, allow_unicode=True).encode()).documents[0]
    assert root.root is not None
    body = effective(root.root, "pooler.yaml", (0,))
    assert isinstance(body, dict)
    rendered = Resource(body, "pooler.yaml")
    cluster = ClusterFacts("pg", "shop", 18, 1, 100, (), own_server_certificate=False)
    facts = pooler_facts(rendered, _CONFIG)
    ground = Ground("local", cluster, None, ((facts, rendered),), "cluster.local")
    return lab_spec(ground, (), {}).bouncers[0]


def _secrets() -> dict[str, Any]:
    authority = _secret("Opaque", {"ca.crt": Authority("ca").certificate.decode()})
    return {"serverCA": authority, "clientCA": authority, "clientTLS": _tls("pg-rw")}


def _tls(name: str) -> dict[str, Any]:
    pair = Authority("ca").client(name)
    data = {"tls.crt": pair.certificate.decode(), "tls.key": pair.key.decode()}
    return _secret("kubernetes.io/tls", data)


def _secret(kind: str, data: dict[str, str]) -> dict[str, Any]:
    coded = {name: base64.b64encode(text.encode()).decode() for name, text in data.items()}
    return {"apiVersion": "v1", "kind": "Secret", "type": kind, "data": coded}
