"""RP290 to RP297: in which order a controller brings the change, and what it deletes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from repoint.model.plan import Severity
from repoint.rules.delivered import Delivered, DeliveredObject, Deliverer, Input, Phase, Reader
from repoint.rules.delivery_order import check
from repoint.rules.facts import EnvironmentFacts
from tests.unit.rules.build import codes, environment

HOOK, WAVE = "argocd.argoproj.io/hook", "argocd.argoproj.io/sync-wave"
OPTIONS, POLICY = "argocd.argoproj.io/sync-options", "argocd.argoproj.io/hook-delete-policy"
HELM, WEIGHT = "helm.sh/hook", "helm.sh/hook-weight"
FLUX = "kustomize.toolkit.fluxcd.io"
ARGO_APP = Deliverer("argocd", "shop", "argocd")
FLUX_APPS = Deliverer("flux", "apps", "flux-system", after=("flux-system/db",))
FLUX_DB = Deliverer("flux", "db", "flux-system", waits=True)
CHART = Deliverer("helm", "chart")


def thing(kind: str, by: Deliverer | None = ARGO_APP, **marks: str) -> DeliveredObject:
    """An object that `by` brings; marks are spelled `hook`, `wave`, `helm`, .."""
    names = {"hook": HOOK, "wave": WAVE, "options": OPTIONS, "policy": POLICY}
    names |= {"helm": HELM, "weight": WEIGHT, "helmpolicy": "helm.sh/hook-delete-policy"}
    names |= {"force": f"{FLUX}/force", "ssa": f"{FLUX}/ssa", "prune": f"{FLUX}/prune"}
    names |= {"reconcile": f"{FLUX}/reconcile"}
    given = tuple((names[key], value) for key, value in marks.items())
    unit = by.id if by is not None else "deploy"
    return DeliveredObject(kind, "shop", kind.lower(), given, by, unit)


def job(by: Deliverer | None = ARGO_APP, **marks: str) -> Reader:
    """A migration Job that reads nothing yet and stays as it is."""
    return Reader("Job/shop/migrate", thing("Job", by, **marks), "migration")


def web(by: Deliverer | None = ARGO_APP, **marks: str) -> Reader:
    """A Deployment."""
    return Reader("Deployment/shop/web", thing("Deployment", by, **marks))


def reading(reader: Reader, secret: DeliveredObject, *, changes: bool = True) -> Reader:
    """The same reader with a Secret that the plan changes, or not."""
    return replace(reader, inputs=(*reader.inputs, Input(secret, "url", changes)))


def changed(reader: Reader, **given: Any) -> Reader:
    """The same reader, whose manifest the plan changes."""
    return replace(reader, changes=True, **given)


def facts(*readers: Reader, **given: Any) -> EnvironmentFacts:
    """An environment with these readers, in mode gitops."""
    known = Delivered(gitops=True, readers=readers, deliverers=(FLUX_APPS, FLUX_DB))
    return environment(delivered=replace(known, **given))


SECRET = thing("Secret")
EARLY = thing("Secret", hook="PreSync", wave="-1")
LATE_POOLER = thing("Pooler", wave="5")

FOUND = [
    pytest.param(facts(reading(job(hook="PreSync"), SECRET)), ["RP290"], id="GO1 PreSync"),
    pytest.param(
        facts(reading(job(hook="PreSync,PostSync"), SECRET)), ["RP290"], id="GO1 two phases"
    ),
    pytest.param(
        facts(reading(job(hook="PreSync"), thing("Secret", wave="-5"))),
        ["RP290"],
        id="GO2 a wave of Sync is no wave of PreSync",
    ),
    pytest.param(
        facts(reading(job(hook="PreSync", wave="-2"), EARLY)), ["RP290"], id="GO2 a later wave"
    ),
    pytest.param(
        facts(reading(job(wave="1"), thing("Secret", wave="2"))), ["RP290"], id="GO2 waves of Sync"
    ),
    pytest.param(
        facts(reading(job(hook="PreSync"), thing("SealedSecret"))), ["RP290"], id="GO1 its maker"
    ),
    pytest.param(
        facts(reading(job(helm="pre-install,pre-upgrade"), SECRET)), ["RP290"], id="GO3 in Argo CD"
    ),
    pytest.param(
        facts(reading(job(CHART, helm="pre-upgrade"), thing("Secret", CHART))),
        ["RP290"],
        id="GO3 in Helm",
    ),
    pytest.param(
        facts(reading(job(CHART, helm="pre-upgrade"), thing("ConfigMap", CHART))),
        ["RP290"],
        id="GO3 a ConfigMap",
    ),
    pytest.param(facts(job(wave="2"), web(wave="1")), ["RP291"], id="GO2 workloads first"),
    pytest.param(facts(job(hook="PostSync"), web()), ["RP291"], id="GO2 PostSync"),
    pytest.param(facts(web(), targets=(LATE_POOLER,)), ["RP292"], id="GO4 a later wave"),
    pytest.param(
        facts(job(hook="PreSync"), targets=(thing("Cluster"),)), ["RP292"], id="GO4 PreSync"
    ),
    pytest.param(facts(changed(job())), ["RP293"], id="GO5 a plain Job"),
    pytest.param(facts(changed(job(options="Replace=true"))), ["RP293"], id="GO5 Replace alone"),
    pytest.param(
        facts(changed(job(hook="PreSync", policy="HookFailed"))), ["RP293"], id="GO6 HookFailed"
    ),
    pytest.param(facts(changed(job(FLUX_APPS))), ["RP293"], id="GO8 Flux"),
    pytest.param(
        facts(changed(job(FLUX_APPS, hook="PreSync"))), ["RP293"], id="GO7 Flux knows no hooks"
    ),
    pytest.param(facts(changed(job(CHART))), ["RP293"], id="GO5 Helm"),
    pytest.param(facts(changed(job(None))), ["RP293"], id="GO5 nobody known"),
    pytest.param(
        facts(web(replace(FLUX_APPS, after=())), targets=(thing("Pooler", FLUX_DB),)),
        ["RP294"],
        id="GO9 side by side",
    ),
    pytest.param(
        facts(web(FLUX_APPS), targets=(thing("Pooler", replace(FLUX_DB, waits=False)),)),
        ["RP294"],
        id="GO9 ready once applied",
    ),
    pytest.param(
        facts(reading(web(FLUX_APPS), thing("Secret", FLUX_APPS, ssa="IfNotPresent"))),
        ["RP295"],
        id="GO10 a Secret that stays",
    ),
    pytest.param(
        facts(changed(web(FLUX_APPS, reconcile="disabled"))), ["RP295"], id="GO10 a workload"
    ),
    pytest.param(
        facts(changed(job(FLUX_APPS, ssa="Ignore"))), ["RP295"], id="GO10 a Job, told once"
    ),
    pytest.param(facts(changed(web(hook="Skip"))), ["RP295"], id="GO10 Skip"),
    pytest.param(
        facts(changed(web(replace(FLUX_APPS, suspended=True)))), ["RP295"], id="GO10 suspended"
    ),
    pytest.param(
        facts(source=(thing("StatefulSet", replace(FLUX_DB, prune=True)),)),
        ["RP296"],
        id="GO11 Flux",
    ),
    pytest.param(
        facts(source=(thing("PersistentVolumeClaim", replace(ARGO_APP, prune=True)),)),
        ["RP296"],
        id="GO11 Argo CD",
    ),
    pytest.param(facts(web(), gitops=False), ["RP297"], id="GO12"),
]

FINE = [
    pytest.param(environment(), id="nothing is delivered"),
    pytest.param(
        facts(reading(job(hook="Sync", wave="1"), SECRET), web(wave="2")), id="GO2 the remedy"
    ),
    pytest.param(facts(reading(job(hook="PreSync"), EARLY)), id="GO1 the Secret is earlier"),
    pytest.param(
        facts(reading(job(hook="PreSync"), thing("Secret", hook="PreSync"))),
        id="GO2 a wave sorts by kind",
    ),
    pytest.param(
        facts(reading(job(hook="PreSync"), thing("Secret", None))), id="GO1 another way in"
    ),
    pytest.param(
        facts(reading(job(FLUX_APPS, hook="PreSync"), thing("Secret", FLUX_APPS))),
        id="GO7 Flux knows no hooks",
    ),
    pytest.param(
        facts(reading(job(None, helm="pre-upgrade"), thing("Secret", None))),
        id="GO7 kubectl knows no hooks",
    ),
    pytest.param(
        facts(reading(job(CHART, helm="post-upgrade"), thing("Secret", CHART))), id="GO3 post"
    ),
    pytest.param(
        facts(
            reading(
                job(CHART, helm="pre-upgrade", weight="1"),
                thing("Secret", CHART, helm="pre-upgrade", weight="-1"),
            )
        ),
        id="GO3 the Secret is a hook too",
    ),
    pytest.param(
        facts(reading(web(wave="1"), thing("Secret", wave="2"))), id="a Deployment is restarted"
    ),
    pytest.param(facts(job(), web()), id="GO2 the same wave"),
    pytest.param(facts(job(wave="1"), web(wave="2")), id="GO2 in order"),
    pytest.param(
        facts(web(), targets=(thing("Pooler", wave="-1"), thing("Cluster"))), id="GO4 in order"
    ),
    pytest.param(facts(job()), id="GO5 a Job that stays"),
    pytest.param(facts(changed(job(options="Force=true,Replace=true"))), id="GO5 made anew"),
    pytest.param(facts(changed(job(replace(ARGO_APP, force=True)))), id="GO5 by its Application"),
    pytest.param(facts(changed(job(hook="PreSync"))), id="GO6 the default"),
    pytest.param(facts(changed(job(hook="Sync", policy="BeforeHookCreation"))), id="GO6 said so"),
    pytest.param(
        facts(changed(job(CHART, helm="post-upgrade", helmpolicy="before-hook-creation"))),
        id="GO6 Helm",
    ),
    pytest.param(facts(changed(job(FLUX_APPS, force="enabled"))), id="GO8 the annotation"),
    pytest.param(facts(changed(job(replace(FLUX_APPS, force=True)))), id="GO8 spec.force"),
    pytest.param(facts(changed(job(), keeps_name=False)), id="GO5 a new name"),
    pytest.param(facts(changed(job(), expires=True)), id="GO5 it expires"),
    pytest.param(facts(changed(job(None)), gitops=False), id="repoint re-creates it"),
    pytest.param(facts(changed(web())), id="a Deployment can change"),
    pytest.param(facts(web(FLUX_APPS), targets=(thing("Pooler", FLUX_DB),)), id="GO9 in order"),
    pytest.param(
        facts(
            web(replace(FLUX_APPS, after=("flux-system/mid",))),
            targets=(thing("Pooler", FLUX_DB),),
            deliverers=(
                Deliverer("flux", "mid", "flux-system", after=("flux-system/db",)),
                FLUX_DB,
            ),
        ),
        id="GO9 through another",
    ),
    pytest.param(facts(web(FLUX_APPS), targets=(thing("Pooler", FLUX_APPS),)), id="GO9 one"),
    pytest.param(
        facts(reading(web(FLUX_APPS), thing("Secret", FLUX_APPS, ssa="Merge"))), id="GO10 merged"
    ),
    pytest.param(
        facts(reading(web(FLUX_APPS), thing("Secret", FLUX_APPS, ssa="Ignore"), changes=False)),
        id="GO10 nothing to bring",
    ),
    pytest.param(
        facts(
            source=(
                thing("StatefulSet", replace(FLUX_DB, prune=True), prune="disabled"),
                thing(
                    "PersistentVolumeClaim", replace(ARGO_APP, prune=True), options="Prune=false"
                ),
                thing("Service", replace(FLUX_DB, prune=True)),
                thing("StatefulSet", FLUX_DB),
            )
        ),
        id="GO11 kept",
    ),
    pytest.param(facts(web(None), gitops=False), id="GO12 nobody else"),
    pytest.param(facts(web(CHART), gitops=False), id="GO12 Helm is no controller"),
]


@pytest.mark.parametrize(("given", "expected"), FOUND)
def test_finds(given: EnvironmentFacts, expected: list[str]) -> None:
    assert codes(check(given)) == expected


@pytest.mark.parametrize("given", FINE)
def test_leaves_alone(given: EnvironmentFacts) -> None:
    assert codes(check(given)) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param(True, Severity.ERROR, id="now"),
        pytest.param(False, Severity.WARNING, id="next"),
    ],
)
def test_reading_the_old_secret_is_an_error_only_where_the_plan_changes_it(
    changes: bool, expected: Severity
) -> None:
    (found,) = check(facts(reading(job(hook="PreSync"), SECRET, changes=changes)))
    assert found.severity is expected
    assert ("the old one is read" in found.message) is changes


def test_an_unknown_controller_makes_an_immutable_job_a_warning() -> None:
    (found,) = check(facts(changed(job(None))))
    assert found.severity is Severity.WARNING


def test_a_cluster_that_comes_late_is_an_error_where_it_does_not_stand() -> None:
    given = facts(web(), targets=(LATE_POOLER,), new_cluster=True)
    assert [one.severity for one in check(given)] == [Severity.ERROR]


def test_a_cluster_that_depends_on_its_consumers_is_an_error() -> None:
    database = replace(FLUX_DB, after=("flux-system/apps",))
    (found,) = check(
        facts(
            web(FLUX_APPS), targets=(thing("Pooler", database),), deliverers=(FLUX_APPS, database)
        )
    )
    assert (found.code, found.severity) == ("RP294", Severity.ERROR)


def test_two_kustomizations_that_wait_for_each_other_do_not_hang_the_check() -> None:
    one = Deliverer("flux", "apps", "flux-system", after=("flux-system/mid",))
    mid = Deliverer("flux", "mid", "flux-system", after=("flux-system/apps",))
    given = facts(web(one), targets=(thing("Pooler", FLUX_DB),), deliverers=(one, mid, FLUX_DB))
    assert codes(check(given)) == ["RP294"]


@pytest.mark.parametrize(
    ("hook", "expected"),
    [
        pytest.param("PreSync", Phase.BEFORE, id="before"),
        pytest.param("Sync", Phase.SYNC, id="sync"),
        pytest.param("PostSync", Phase.AFTER, id="after"),
        pytest.param("SyncFail", None, id="never with a sync"),
        pytest.param("Skip", None, id="never"),
    ],
)
def test_the_phase_of_a_hook(hook: str, expected: Phase | None) -> None:
    assert thing("Job", hook=hook).phase is expected


def test_a_wave_that_is_no_number_is_the_first() -> None:
    assert thing("Job", wave="soon").wave == 0
