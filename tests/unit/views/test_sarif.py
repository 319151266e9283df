"""SARIF against the real schema: rules, places, fingerprints, suppressions; twice the same."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import jsonschema
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from repoint.errors import FileRefused
from repoint.model.plan import Finding, Severity
from repoint.model.source import Location
from repoint.rules.catalog import ALL_RULES
from repoint.views import annotations, codequality, sarif
from repoint.views.markup import Scope
from repoint.views.places import Places
from tests.cli import samples

SCHEMAS = Path(__file__).parents[2] / "schemas"
URL = "postgresql://app:canary-1@old.svc:5432/app"
MANIFEST = f'kind: Deployment\n  value: "{URL}"\n  größe: "ä old.svc"\n'
HOST = MANIFEST.splitlines()[1].index("old.svc") + 1
CONFIG = "environments:\n  local: {}\n  staging: {}\n"


class Files:
    """A tree of a few files."""

    def __init__(self, **files: str | bytes) -> None:
        self.files = {
            name: text.encode() if isinstance(text, str) else text for name, text in files.items()
        }

    def paths(self) -> tuple[str, ...]:
        return tuple(self.files)

    def read(self, path: str) -> bytes:
        if path not in self.files:
            raise FileRefused(f"`{path}` is missing")
        return self.files[path]

    glance = read

    def exists(self, path: str) -> bool:
        return path in self.files


def tree(**more: str | bytes) -> Files:
    return Files(
        **{"a b/ü.yaml": MANIFEST, "repoint.yaml": CONFIG, "o/kustomization.yaml": "x\n", **more}
    )


def found(message: str = "`URL` names the source", **fields: Any) -> Finding:
    where = Location("a b/ü.yaml", 2, HOST, "/0/value")
    made = Finding("RP110", Severity.ERROR, message, "run it", where, "local", "Deployment/web")
    return replace(made, **fields)


@cache
def validator() -> jsonschema.Draft7Validator:
    schema = json.loads((SCHEMAS / "sarif-schema-2.1.0.json").read_text("utf-8"))
    return jsonschema.Draft7Validator(schema, format_checker=jsonschema.FormatChecker())


def run_of(text: str) -> dict[str, Any]:
    document = json.loads(text)
    validator().validate(document)
    (run,) = document["runs"]
    return dict(run)


def check(
    *findings: Finding, files: Files | None = None, prefix: str = "", **more: Any
) -> dict[str, Any]:
    return run_of(sarif.check(findings, Places(files or tree(), prefix), **more))


def region(result: dict[str, Any]) -> dict[str, Any]:
    return dict(result["locations"][0]["physicalLocation"].get("region", {}))


def uri(result: dict[str, Any]) -> str:
    return str(result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"])


def test_a_finding_stands_at_the_host() -> None:
    (result,) = check(found())["results"]
    assert region(result) == {
        **{"startLine": 2, "startColumn": HOST, "endLine": 2, "endColumn": HOST + len("old.svc")}
    }
    artifact = result["locations"][0]["physicalLocation"]["artifactLocation"]
    assert artifact == {"uri": "a%20b/%C3%BC.yaml", "uriBaseId": "%SRCROOT%"}
    assert unquote(artifact["uri"]) == "a b/ü.yaml"
    assert result["level"] == "error"
    assert result["message"]["text"] == "`URL` names the source\nrun it"
    logical = result["locations"][0]["logicalLocations"][0]
    assert logical["fullyQualifiedName"] == "local/Deployment/web"


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (Location("a b/ü.yaml", 2, 1, ""), (2, 3, len(MANIFEST.splitlines()[1]) + 1)),
        (Location("a b/ü.yaml", 3, 13, ""), (3, 13, 20)),
        (Location("a b/ü.yaml", 3, 10, ""), (3, 3, 21)),
        (Location("a b/ü.yaml", 2, HOST + 2, ""), (2, 3, len(MANIFEST.splitlines()[1]) + 1)),
        (Location("sealed.yaml", 1, 6, ""), (1, 1, 28)),
        (Location("a b/ü.yaml", 99, 1, ""), ()),
        (Location("gone.yaml", 1, 1, ""), ()),
        (Location("empty line.yaml", 2, 1, ""), (2,)),
    ],
)
def test_the_region_is_the_word_or_the_line(where: Location, expected: tuple[int, ...]) -> None:
    sealed = "dsn: ENC[AES256_GCM,data:x]\n"
    files = tree(**{"empty line.yaml": "a: b\n\n", "sealed.yaml": sealed})
    (result,) = check(found(location=where), files=files)["results"]
    got = region(result)
    assert (
        tuple(got[key] for key in ("startLine", "startColumn", "endColumn") if key in got)
        == expected
    )


@pytest.mark.parametrize("raw", [MANIFEST.encode("utf-8-sig"), MANIFEST.encode("utf-16")])
def test_marks_at_a_files_beginning_shift_no_column(raw: bytes) -> None:
    (result,) = check(found(), files=tree(**{"a b/ü.yaml": raw}))["results"]
    assert region(result)["startColumn"] == HOST


def test_a_folder_below_the_top_and_a_folder_that_is_built() -> None:
    overlay = found(location=Location("o", 1, 1, ""))
    results = check(found(), overlay, prefix="infra/x/")["results"]
    assert [uri(one) for one in results] == [
        "infra/x/a%20b/%C3%BC.yaml",
        "infra/x/o/kustomization.yaml",
    ]


def test_a_finding_without_a_place_stands_at_its_environment() -> None:
    results = check(
        found(location=None, environment="staging"), found(location=None, environment="")
    )
    assert [(uri(one), region(one)["startLine"]) for one in results["results"]] == [
        ("repoint.yaml", 3),
        ("repoint.yaml", 1),
    ]
    files = Files()
    assert (
        "physicalLocation"
        not in check(found(location=None), files=files)["results"][0]["locations"][0]
    )


def test_each_rule_is_told_once_with_its_page() -> None:
    codes = [rule.code for rule in ALL_RULES]
    findings = [found(code=code) for code in (*reversed(codes), *codes)]
    run = check(*findings, pages="https://docs.example/rules/")
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == sorted(codes)
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
    assert rules[0]["helpUri"] == f"https://docs.example/rules/{rules[0]['id']}.md"
    assert rules[0]["help"]["markdown"].startswith(f"# {rules[0]['id']}: ")
    assert "helpUri" not in check(found())["tool"]["driver"]["rules"][0]
    assert all(len(rule["properties"]["tags"]) <= 20 for rule in rules)


def prints(*findings: Finding, files: Files | None = None) -> list[str]:
    results = check(*findings, files=files)["results"]
    return [one["partialFingerprints"][sarif.FINGERPRINT] for one in results]


def test_a_fingerprint_survives_lines_that_move_and_nothing_else() -> None:
    (before,) = prints(found("`a` line 2: x"))
    moved = found("`a` line 9: x", location=Location("a b/ü.yaml", 9, 3, "/1/value"))
    longer = tree(**{"a b/ü.yaml": "\n" * 7 + MANIFEST})
    assert prints(moved, files=longer) == [before]
    others = [
        found("`a` line 2: x", code="RP111"),
        found("`a` line 2: x", environment="staging"),
        found("`a` line 2: x", consumer="Job/web"),
        found("`b` line 2: x"),
        found("`a` line 2: x", location=Location("repoint.yaml", 2, 1, "")),
    ]
    assert len({before, *prints(*others)}) == 6
    assert len(set(prints(found(), found(), found()))) == 3
    assert prints(found(), found())[0] == prints(found())[0]


def test_what_somebody_accepted_is_suppressed() -> None:
    (result,) = check(found(accepted="until May"))["results"]
    assert result["suppressions"] == [
        {"kind": "external", "status": "accepted", "justification": "until May"}
    ]
    assert "suppressions" not in check(found())["results"][0]


def test_what_could_not_be_read_is_notified() -> None:
    sealed = found(code="RP312", severity=Severity.WARNING, location=Location("s.yaml", 1, 1, ""))
    (told,) = check(sealed, found())["invocations"][0]["toolExecutionNotifications"]
    assert told["level"] == "warning"
    assert told["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "s.yaml"
    inventory = samples.inventory()
    run = run_of(sarif.scan(inventory, Places(tree())))
    (told,) = run["invocations"][0]["toolExecutionNotifications"]
    assert told["message"]["text"] == "deploy/secrets/staging/api.yaml: no key opens it"
    assert [one["ruleId"] for one in run["results"]] == [one.code for one in inventory.findings]


def test_a_plan_tells_of_proofs_that_failed() -> None:
    value = samples.plan()
    broken = replace(value.proofs[0], unexplained=("Deployment/app/api#/spec/replicas",))
    run = run_of(sarif.plan(replace(value, proofs=(broken,)), Places(tree())))
    levels = [one["level"] for one in run["invocations"][0]["toolExecutionNotifications"]]
    assert levels == ["warning", "error"]


def test_runs_are_told_apart_by_verb_environment_and_folder() -> None:
    assert check()["automationDetails"]["id"] == "repoint/check/"
    scope = Scope(("local",), "apps/a")
    assert check(scope=scope)["automationDetails"]["id"] == "repoint/check/apps/a/local/"


def test_the_same_tree_gives_the_same_bytes_and_no_path_of_the_machine() -> None:
    texts = {sarif.check([found(), found(accepted="x")], Places(tree())) for _ in range(3)}
    (text,) = texts
    assert str(Path.cwd()) not in text
    assert "canary-" not in text


def test_more_results_than_a_run_holds_are_counted() -> None:
    findings = [found(f"`{n}`") for n in range(sarif.MOST_RESULTS + 3)]
    document = json.loads(sarif.check(findings, Places(tree())))
    (run,) = document["runs"]
    assert len(run["results"]) == sarif.MOST_RESULTS
    (told,) = run["invocations"][0]["toolExecutionNotifications"]
    assert told["message"]["text"].startswith("3 findings are left out")


TEXTS = st.text(st.characters(), max_size=20)
# A file whose name is no UTF-8 is told of as not read, and has no findings.
NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(NAMES, TEXTS, TEXTS)
@example("x", "\ud800", "\ud800")
def test_any_name_makes_a_valid_document(path: str, message: str, environment: str) -> None:
    assume(path != "o")  # the one folder here, which is shown at its kustomization
    odd = found(message, location=Location(path or "x", 1, 1, ""), environment=environment)
    run = check(odd, found(f"{URL} {message}", accepted=message))
    assert "canary-" not in json.dumps(run)
    assert unquote(uri(run["results"][0]), errors="surrogateescape") == (path or "x")


def test_annotations_name_the_line_and_cannot_be_forged() -> None:
    lines = annotations.commands(
        [
            found("one\n::error::two % of `x`, y"),
            found(
                severity=Severity.WARNING, location=Location("a,b:c", 1, 1, ""), environment="e,f"
            ),
            found(severity=Severity.NOTE, location=None),
            found(accepted="fine"),
            found(URL),
        ],
        Places(tree(), "in/"),
    ).splitlines()
    assert lines[0] == (
        f"::error title=RP110 local,file=in/a b/ü.yaml,line=2,col={HOST},endColumn={HOST + 6}"
        "::one%0A::error::two %25 of `x`, y%0Arun it"
    )
    assert lines[1].startswith("::warning title=RP110 e%2Cf,file=in/a%2Cb%3Ac::")
    assert lines[2].startswith("::notice title=RP110 local,file=in/repoint.yaml,line=2,")
    assert len(lines) == 4
    assert "canary-" not in lines[3]


def test_gitlab_reads_a_report_of_quality() -> None:
    findings = [
        found(),
        found(severity=Severity.WARNING, location=Location("gone.yaml", 4, 1, "")),
        found(severity=Severity.NOTE, message=f"{URL}\x1b"),
        found(accepted="fine"),
    ]
    entries = json.loads(codequality.report(findings, Places(tree(), "in/")))
    assert entries[0] == {
        "description": "`URL` names the source; run it",
        "check_name": "RP110",
        "fingerprint": entries[0]["fingerprint"],
        "severity": "major",
        "location": {"path": "in/a b/ü.yaml", "lines": {"begin": 2}},
    }
    assert [one["severity"] for one in entries] == ["major", "minor", "info"]
    assert entries[1]["location"]["lines"] == {"begin": 1}
    assert len({one["fingerprint"] for one in entries}) == 3
    assert "canary-" not in entries[2]["description"]
    assert "\x1b" not in entries[2]["description"]
