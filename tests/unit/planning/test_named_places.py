"""Places that repoint.yaml names for an environment, where nothing is."""

from __future__ import annotations

from pathlib import Path

import pytest

from repoint.model.plan import Finding, Severity
from tests.unit.planning.small_repository import CONFIG, TARGETS, Trial, repository, workload

WEB = workload(
    "Deployment",
    "web",
    "containers:\n  - {name: web, image: acme/web, env: [{name: PGHOST, value: postgres}]}",
)
FILES = repository({"web.yaml": WEB}, {"kustomization.yaml": "resources: [../../base]\n"})
GENERATOR = (
    "configMapGenerator:\n  - name: env\n    literals: ['PG_URL=postgres://postgres/shop']\n"
)
FILES["base/kustomization.yaml"] += GENERATOR


def told(findings: tuple[Finding, ...]) -> list[str]:
    return [one.message for one in findings if one.code == "RP313"]


@pytest.mark.parametrize(
    ("key", "place"),
    [
        ("overlay", "overlays/devel"),
        ("overlay", "../overlays/dev/x"),
        ("secrets", "secrets/dev"),
        ("manifests", "k8s/dev"),
        ("values", "values-dev.yaml"),
    ],
)
def test_a_place_where_nothing_is_stands_in_the_way(tmp_path: Path, key: str, place: str) -> None:
    """X14: what cannot be read is told, and is no environment without consumers."""
    there = "overlays/dev" if key != "overlay" else place
    config = CONFIG.replace(
        "overlays/dev}", f"{there}, {key}: {place}}}" if key != "overlay" else f"{place}}}"
    )
    trial = Trial(tmp_path, FILES, config=config)

    found = trial.plan("dev").findings

    assert f"repoint.yaml: `environments.dev.{key}` names `{place}`" in " ".join(told(found))
    assert all(one.severity is Severity.ERROR for one in found if one.code == "RP313")
    assert told(trial.plan("prod").findings) == []


@pytest.mark.parametrize(
    ("key", "place", "glob"),
    [
        ("overlay", "overlays/dev", "overlays/dev/**"),
        ("manifests", "base", "base/*"),
        ("values", "base/web.yaml", "*.yaml"),
    ],
)
def test_a_place_that_is_left_out_is_not_said_to_be_empty(
    tmp_path: Path, key: str, place: str, glob: str
) -> None:
    there = "overlays/dev}" if key == "overlay" else f"overlays/dev, {key}: {place}}}"
    config = CONFIG.replace("overlays/dev}", there) + f"exclude: [nothing/**, '{glob}']\n"

    found = Trial(tmp_path, FILES, config=config).check("dev")

    wanted = f"{key}` names `{place}`, which `{glob}` under `exclude:` leaves out"
    assert [one.hint for one in found if one.code == "RP313" and one.message.endswith(wanted)] == [
        "let the pattern leave out less, or take the line out"
    ]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("wbe", "did you mean `web`?"),
        ("Job/web", "did you mean `"),
        ("billing", "write the name as"),
        ("web", None),
        ("Deployment/web", None),
        ("Deployment/web/web", None),
        ("base/web.yaml", None),
    ],
)
def test_a_choice_for_nobody_is_told(tmp_path: Path, name: str, hint: str | None) -> None:
    config = CONFIG + f"consumers: {{{name}: {{route: direct}}}}\n"
    trial = Trial(tmp_path, FILES, config=config)

    for findings in (trial.plan("dev").findings, trial.check("prod")):
        hints = [one.hint for one in findings if one.code == "RP108"]
        assert len(hints) == (hint is not None)
        assert all(one.startswith(hint or "") for one in hints)


@pytest.mark.parametrize(
    ("entry", "told_of"),
    [
        ("code: RP999", ["`accept[0].code`, `RP999`, is no finding's code"]),
        ("code: RP401", ["`accept[0].code`, `RP401`, is no finding's code"]),
        ("code: RP261, environment: qa", ["`accept[0].environment`, `qa`, is no environment"]),
        ("code: RP261, environment: dev", []),
        ("code: RP261", []),
    ],
)
def test_an_acceptance_of_nothing_is_told_and_blocks_nothing(
    tmp_path: Path, entry: str, told_of: list[str]
) -> None:
    config = f"{CONFIG}accept: [{{{entry}, reason: agreed}}]\n"
    trial = Trial(tmp_path, FILES, config=config)

    plan = trial.plan("dev")
    for findings in (plan.findings, trial.check("prod")):
        told = [one.message for one in findings if one.code == "RP108"]
        assert told == [f"repoint.yaml: {one}" for one in told_of]
    assert "RP108" not in {one.code for one in plan.blocking}


def test_a_choice_for_what_only_a_chart_or_a_compose_file_has_is_for_somebody(
    tmp_path: Path,
) -> None:
    """A sealed value may hide that they talk to PostgreSQL, so that no site tells of them."""
    template = workload("Deployment", "loom", "containers: [{name: spin, image: quay/loom:2}]")
    more = {
        "compose.yaml": "services:\n  shuttle: {image: quay/shuttle:1}\n",
        "chart/Chart.yaml": "apiVersion: v2\nname: mill\nversion: 1.0.0\n",
        "chart/templates/loom.yaml": template,
    }
    names = ("shuttle", "ComposeService/shuttle", "loom", "Deployment/loom/spin")
    chosen = "".join(f"  {name}: {{route: direct}}\n" for name in (*names, "warp"))
    trial = Trial(tmp_path, FILES | more, config=f"{CONFIG}consumers:\n{chosen}")
    told_of = [one.message for one in trial.check("dev") if one.code == "RP108"]
    assert len(told_of) == 1 and "`consumers.warp`" in told_of[0]


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("prod-mill-loom", "mill-loom"),
        ("prod-loom", "mill-loom"),
        ("Deployment/prod-loom", "mill-loom"),
        ("prod-mill/spin", "mill"),
        ("mill-loom", None),
        ("mill", None),
    ],
)
def test_the_name_in_a_release_leads_to_the_name_that_scan_shows(
    tmp_path: Path, name: str, wanted: str | None
) -> None:
    spin = "containers: [{name: spin, image: quay/loom:2}]"
    named = {
        "a": '{{ include "mill.fullname" . }}',
        "b": "{{ .Release.Name }}-loom",
    }
    chart = {
        f"chart/templates/{file}.yaml": workload("Deployment", "NAME", spin).replace("NAME", text)
        for file, text in named.items()
    }
    chart["chart/Chart.yaml"] = "apiVersion: v2\nname: mill\nversion: 1.0.0\n"
    config = f"{CONFIG}consumers:\n  {name}: {{route: direct}}\n"
    findings = Trial(tmp_path, FILES | chart, config=config).check("dev")

    hints = [one.hint for one in findings if one.code == "RP108"]
    assert len(hints) == (wanted is not None)
    assert all(one.startswith(f"write `{wanted}`: nothing tells") for one in hints)


def test_a_source_that_only_the_cluster_itself_is_filled_from_is_somebodys(tmp_path: Path) -> None:
    host = "postgres.shop-dev.svc"
    filled = (
        "spec:\n  bootstrap: {initdb: {import: {type: microservice, databases: [shop], "
        "source: {externalCluster: old}}}}\n"
        f"  externalClusters: [{{name: old, connectionParameters: {{host: {host}}}}}]\n  "
    )
    targets = TARGETS.replace("spec: {instances: 1, ", f"{filled}instances: 1\n  ")
    targets = targets.replace("postgresql:18.1}", "postgresql:18.1")
    files = repository({}, {}) | {"base/targets.yaml": targets}
    for known, told_of in ((host, []), ("postgers.shop-dev.svc", [f"did you mean `{host}`?"])):
        config = CONFIG.replace("[postgres]", f"[{known}]")
        found = Trial(tmp_path, files, config=config).check("dev")
        assert [one.hint for one in found if one.code == "RP113"] == told_of


@pytest.mark.parametrize("place", ["overlays/dev", "./overlays/dev/", ".", "base/web.yaml"])
def test_a_place_where_something_is_does_not(tmp_path: Path, place: str) -> None:
    config = CONFIG.replace("overlays/dev}", f"overlays/dev, manifests: {place}}}")

    assert told(Trial(tmp_path, FILES, config=config).plan("dev").findings) == []


@pytest.mark.parametrize(
    ("host", "hint"),
    [
        ("postgers", "did you mean `postgres`?"),
        ("mysql", None),
        ("postgres", None),
    ],
)
def test_a_source_that_nobody_names_is_told_when_a_name_is_near(
    tmp_path: Path, host: str, hint: str | None
) -> None:
    config = CONFIG.replace("[postgres]", f"[{host}]")
    trial = Trial(tmp_path, FILES, config=config)

    for findings in (trial.plan("dev").findings, trial.check("prod")):
        told_of = [(one.severity, one.hint) for one in findings if one.code == "RP113"]
        assert told_of == ([(Severity.WARNING, hint)] if hint else [])


def test_where_somebody_names_the_target_nobody_has_to_name_the_source(tmp_path: Path) -> None:
    config = CONFIG.replace("[postgres]", "[postgers]")
    moved = WEB.replace("name: web", "name: api").replace("value: postgres", "value: pg-rw")
    files = FILES | {"overlays/dev/api.yaml": moved}
    files["overlays/dev/kustomization.yaml"] = "resources: [../../base, api.yaml]\n"

    trial = Trial(tmp_path, files, config=config)

    assert "RP113" not in {one.code for one in trial.plan("dev").findings}
