"""RP30x and RP31x: secrets in clear text, values nothing expands, files that resist."""

from __future__ import annotations

from pathlib import Path

import pytest

from repoint.formats.read import read_file
from repoint.model.plan import Severity
from repoint.model.source import Location, Unreadable
from repoint.rules.hygiene import cannot_open, elsewhere, overlay_broken, template, unparsed
from repoint.rules.printing import prints_dsn
from repoint.rules.sealing import (
    CreationRule,
    Unexpanded,
    clear_passwords,
    password_findings,
    sops_rules,
    unexpanded_findings,
    unexpanded_names,
    wants_sealed,
)

ROOT = Path(__file__).parents[3]
HERE = Location("deploy/a.yaml", 3, 5, "/0/a")
RULES = sops_rules(
    """creation_rules:
  - path_regex: secrets/local/.*\\.yaml$
    encrypted_regex: ^(data|stringData)$
  - path_regex: secrets/
    age: age1
"""
)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param("secrets/local/db.yaml", 0, id="X13 the first rule that is found"),
        pytest.param("deploy/secrets/local/db.yaml", 0, id="X13 a regex is searched, not matched"),
        pytest.param("secrets/local/db.json", 1, id="X13 the next rule"),
        pytest.param("deploy/db.yaml", None, id="X13 no rule"),
    ],
)
def test_wants_sealed(path: str, expected: int | None) -> None:
    assert wants_sealed(path, RULES) == (None if expected is None else RULES[expected])


@pytest.mark.parametrize(
    ("rule", "keys", "expected"),
    [
        pytest.param(CreationRule(""), ("metadata", "name"), True, id="everything by default"),
        pytest.param(CreationRule(""), ("a_unencrypted",), False, id="sops' own suffix"),
        pytest.param(CreationRule("", encrypted_regex="^data$"), ("data", "a"), True, id="below"),
        pytest.param(CreationRule("", encrypted_regex="^data$"), ("kind",), False, id="beside"),
        pytest.param(CreationRule("", unencrypted_regex="^kind$"), ("kind",), False, id="spared"),
        pytest.param(CreationRule("", unencrypted_regex="^kind$"), ("data",), True, id="the rest"),
        pytest.param(CreationRule("", encrypted_suffix="_s"), ("a_s",), True, id="suffix"),
        pytest.param(CreationRule("", encrypted_suffix="_s"), ("a",), False, id="no suffix"),
        pytest.param(CreationRule("", unencrypted_suffix="_p"), ("a_p",), False, id="plain suffix"),
    ],
)
def test_which_keys_a_rule_seals(rule: CreationRule, keys: tuple[str, ...], expected: bool) -> None:
    assert rule.seals(keys) is expected


@pytest.mark.parametrize("text", ["", "a: [", "creation_rules: 3", "- x", "creation_rules: [x]"])
def test_a_broken_sops_config_has_no_rules(text: str) -> None:
    assert sops_rules(text) == ()


def test_a_sops_config_below_the_root_speaks_for_its_directory() -> None:
    rules = sops_rules("creation_rules: [{age: a}]", "apps/shop")
    assert wants_sealed("apps/shop/x.yaml", rules)
    assert wants_sealed("apps/other/x.yaml", rules) is None


def found(path: str, text: str) -> list[tuple[str, Severity, str]]:
    """Findings on one file: code, severity, key."""
    passwords = clear_passwords(read_file(path, text.encode()))
    findings = password_findings(passwords, RULES)
    assert "canary" not in repr(findings)
    return [(f.code, f.severity, p.key) for f, p in zip(findings, passwords, strict=True)]


@pytest.mark.parametrize(
    ("path", "text", "code", "key"),
    [
        pytest.param(
            "secrets/local/a.yaml",
            "stringData: {url: 'postgres://u:canary-1@pg/d'}",
            "RP301",
            "url",
            id="X13 a URL in a file to be sealed",
        ),
        pytest.param(
            "secrets/a.yaml",
            "POSTGRES_PASSWORD: canary-1",
            "RP301",
            "POSTGRES_PASSWORD",
            id="X13 a password by its key",
        ),
        pytest.param(
            "deploy/a.yaml",
            "env:\n- {name: PGPASSWORD, value: canary-1}",
            "RP303",
            "PGPASSWORD",
            id="a container's environment",
        ),
        pytest.param(
            "deploy/a.yaml",
            "POSTGRES_PASSWORD: ${env:-canary-1}",
            "RP303",
            "POSTGRES_PASSWORD",
            id="a default",
        ),
        pytest.param(
            "deploy/a.yaml",
            "dsn: host=pg user=u password=canary-1 dbname=d",
            "RP303",
            "dsn",
            id="keyword and value",
        ),
        pytest.param(
            "secrets/local/a.yaml",
            "metadata: {note: 'postgres://u:canary-1@pg/d'}",
            "RP303",
            "note",
            id="beside the keys that the rule seals",
        ),
    ],
)
def test_finds_a_clear_password(path: str, text: str, code: str, key: str) -> None:
    ((is_code, _, is_key),) = found(path, text)
    assert (is_code, is_key) == (code, key)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        pytest.param("deploy/a.yaml", "url: postgres://u:${PASSWORD}@pg/d", id="a variable"),
        pytest.param("deploy/a.yaml", "url: postgres://u@pg/d", id="no password"),
        pytest.param("deploy/a.yaml", "url: postgres://u:$(PW)@pg/d", id="composed by Kubernetes"),
        pytest.param("secrets/a.yaml", "password: ENC[AES256_GCM,data:x,type:str]", id="sealed"),
        pytest.param(
            "secrets/a.yaml",
            "url: ENC[AES256_GCM,data:9HWV,iv:CYeDYPCKkceN7y5eKb4=,tag:PIO2hVpn2yPwd==,type:str]",
            id="sealed, and its base64 ends like a password's name",
        ),
        pytest.param("deploy/a.yaml", "password: ''", id="empty"),
        pytest.param("deploy/a.yaml", "# password: canary-1\na: b", id="a comment"),
        pytest.param("deploy/a.yaml", "passwordSecretRef: {name: x}", id="a reference"),
    ],
)
def test_leaves_alone(path: str, text: str) -> None:
    assert found(path, text) == []


def test_a_password_of_this_machine_is_a_note() -> None:
    ((code, severity, _),) = found("a.env", "DATABASE_URL=postgres://u:canary-1@localhost/d\n")
    assert (code, severity) == ("RP303", Severity.NOTE)


def test_X13_the_variant_has_two_files_in_clear_text() -> None:
    root = ROOT / "tests/variants/x13-cleartext"
    rules = sops_rules((root / ".sops.yaml").read_text())
    codes = {}
    for path in sorted(root.glob("secrets/**/*.yaml")):
        parsed = read_file(str(path.relative_to(root)), path.read_bytes())
        codes[path.name] = [f.code for f in password_findings(clear_passwords(parsed), rules)]
    assert codes == {"auth-db.yaml": [], "mixed.yaml": ["RP301"], "shop-db.yaml": ["RP301"]}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        pytest.param("postgres://u:${PASSWORD}@pg", ("PASSWORD",), id="X2 the plan's letter"),
        pytest.param("${A}${B}${A}", ("A", "B"), id="X2 each once"),
        pytest.param("${A:-x}", ("A",), id="X2 with a default"),
        pytest.param("$(PASSWORD)", (), id="X2 Kubernetes' own form"),
        pytest.param("$${PASSWORD}", (), id="X2 escaped"),
        pytest.param("$PASSWORD", (), id="X2 a bare dollar"),
    ],
)
def test_unexpanded_names(text: str, names: tuple[str, ...]) -> None:
    assert unexpanded_names(text) == names


def test_X2_a_substitution_before_kubernetes_lifts_the_finding() -> None:
    value = Unexpanded(HERE, "DATABASE_URL", ("PASSWORD",))
    (finding,) = unexpanded_findings((value,), environment="local")
    assert (finding.code, finding.severity) == ("RP302", Severity.ERROR)
    assert "`${PASSWORD}`" in finding.message
    assert unexpanded_findings((value,), substituted=True) == ()
    assert unexpanded_findings((Unexpanded(HERE, "A", ()),)) == ()


def test_what_resists_is_reported() -> None:
    remote = overlay_broken("staging", "deploy", "`k.yaml`: remote base `a/b` is not seen")
    assert "render: {remote: true}" in remote.hint
    broken = overlay_broken("staging", "deploy/overlays/staging", "missing patch")
    assert "kubectl kustomize" in broken.hint
    assert (broken.code, broken.environment) == ("RP311", "staging")
    assert cannot_open("a.yaml").severity is Severity.WARNING
    assert cannot_open("a.yaml", needed=True).severity is Severity.ERROR
    assert "no key at hand fits" in cannot_open("a.yaml", "sealed, and not opened: x").message
    for missing in ("`sops` is needed and was not found", "`REPOINT_SOPS` names no program that"):
        closed = cannot_open("a.yaml", f"sealed, and not opened: {missing}")
        assert closed.message == f"`a.yaml` is sealed and was not tried: {missing}"
        assert "repoint[tools]" in closed.hint and "key" not in closed.message
    assert [f.code for f in unparsed([Unreadable("a.yaml", "line 3")])] == ["RP313"]
    assert unparsed([]) == ()
    assert template(HERE, "url").code == "RP314"
    assert elsewhere("ExternalSecret", "db", "url", HERE).code == "RP315"


PRINTS = [
    pytest.param("echo $DATABASE_URL", id="X12 echo"),
    pytest.param('echo "url: ${DATABASE_URL}"', id="X12 echo in quotes"),
    pytest.param("\t@echo $(DATABASE_URL)", id="X12 make variable"),
    pytest.param("printf '%s\\n' \"$HYDRA_DSN\"", id="X12 printf"),
    pytest.param("printenv DATABASE_URL", id="X12 printenv"),
    pytest.param(
        "kubectl get secret s -o jsonpath='{.data.url}' | base64 -d; echo", id="X12 a Secret's key"
    ),
    pytest.param("kubectl get secret s \\\n  -o jsonpath='{.data.dsn}'|base64 -d", id="continued"),
    pytest.param("kubectl get secret s -o json | jq -r .data.url | base64 -d", id="X12 by jq"),
    pytest.param("echo postgres://u:canary-1@pg/d", id="X12 a literal"),
    pytest.param("echo $DATABASE_URL >&2", id="X12 to the other stream"),
]
PRINTS_NOT = [
    pytest.param("# echo $DATABASE_URL", id="a comment"),
    pytest.param("echo $DATABASE_URL > .env", id="into a file"),
    pytest.param("echo $DATABASE_URL | sed 's/:[^@]*@/:***@/'", id="through a filter"),
    pytest.param("echo $DATABASE_HOST", id="the host only"),
    pytest.param("URL=$(kubectl get secret s -o jsonpath='{.data.url}' | base64 -d)", id="kept"),
    pytest.param("psql $DATABASE_URL -c 'select 1'", id="used"),
    pytest.param("kubectl get secret s -o jsonpath='{.data.tls\\.crt}' | base64 -d", id="a cert"),
    pytest.param("echo postgres://u:***@pg/d", id="masked"),
    pytest.param("export DATABASE_URL=postgres://u:canary-1@pg/d", id="an assignment"),
]


@pytest.mark.parametrize("text", PRINTS)
def test_a_printed_connection_string(text: str) -> None:
    (finding,) = prints_dsn("scripts/show.sh", text)
    assert (finding.code, finding.location and finding.location.line) == ("RP131", 1)
    assert "canary" not in repr(finding)


@pytest.mark.parametrize("text", PRINTS_NOT)
def test_nothing_is_printed(text: str) -> None:
    assert prints_dsn("scripts/show.sh", text) == ()


def test_X12_the_examples_script_prints_the_url() -> None:
    path = ROOT / "examples/naytife/scripts/show-db-url.sh"
    (finding,) = prints_dsn("scripts/show-db-url.sh", path.read_text())
    assert finding.location is not None
    assert finding.location.line == 5


def test_a_password_for_two_machines_is_not_local() -> None:
    ((_, severity, _),) = found("a.env", "U=postgres://u:canary-1@localhost,pg/d\n")
    assert severity is Severity.WARNING


def test_a_pattern_that_is_no_pattern_covers_nothing() -> None:
    assert wants_sealed("a.yaml", (CreationRule("("),)) is None


@pytest.mark.parametrize(
    "text", ["${secrets:shop-cdc/login:password}", "${file:/etc/cdc.properties:pw}", "${env:PW}"]
)
def test_what_kafka_connect_looks_up_is_no_password(text: str) -> None:
    assert found("deploy/a.yaml", f"config: {{database.password: '{text}'}}") == []
