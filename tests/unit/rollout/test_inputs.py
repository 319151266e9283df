"""What workloads read, the tokens of it, and who restarts them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from repoint.model.tokens import CHANGED
from repoint.rollout.inputs import WHOLE, Input, inputs_digest, inputs_of, job_digest
from repoint.rollout.names import INPUTS
from repoint.rollout.restarts import Restart, by_reloader, decide
from repoint.rollout.values import changed_keys, normalised, tokens_of, values_of, with_tokens


def _workload(spec: dict[str, Any], **annotations: str) -> dict[str, Any]:
    return {
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "n", "annotations": annotations},
        "spec": {"template": {"metadata": {}, "spec": spec}},
    }


def _env(**ref: Any) -> dict[str, Any]:
    return {"containers": [{"env": [{"name": "URL", "valueFrom": ref}]}]}


_SECRET = {"name": "s", "key": "url"}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param(_env(secretKeyRef=_SECRET), [("Secret", "s", "url", False)], id="a key"),
        pytest.param(
            _env(configMapKeyRef=_SECRET), [("ConfigMap", "s", "url", False)], id="config"
        ),
        pytest.param(
            {"initContainers": [{"envFrom": [{"secretRef": {"name": "s"}}]}]},
            [("Secret", "s", WHOLE, False)],
            id="all keys, in an init container",
        ),
        pytest.param(
            {"volumes": [{"secret": {"secretName": "s"}}]},
            [("Secret", "s", WHOLE, True)],
            id="a volume",
        ),
        pytest.param(
            {"volumes": [{"configMap": {"name": "c", "items": [{"key": "a", "path": "b"}]}}]},
            [("ConfigMap", "c", "a", True)],
            id="one file of a volume",
        ),
        pytest.param(
            {
                "volumes": [
                    {"projected": {"sources": [{"secret": {"name": "s"}}, {"downwardAPI": {}}]}}
                ]
            },
            [("Secret", "s", WHOLE, True)],
            id="projected",
        ),
        pytest.param(_env(fieldRef={"fieldPath": "metadata.name"}), [], id="no input"),
        pytest.param({"containers": [{"env": [{"name": "A", "value": "b"}]}]}, [], id="a value"),
        pytest.param({"volumes": [{"emptyDir": {}}]}, [], id="an empty volume"),
    ],
)
def test_inputs(spec: dict[str, Any], expected: list[tuple[str, str, str, bool]]) -> None:
    found = inputs_of(_workload(spec))
    assert [(one.kind, one.name, one.key, one.mounted) for one in found] == expected
    assert {one.namespace for one in found} <= {"n"}


def test_inputs_of_a_cron_job_and_a_pod() -> None:
    spec = _env(secretKeyRef=_SECRET)
    cron = {
        "kind": "CronJob",
        "metadata": {},
        "spec": {"jobTemplate": {"spec": {"template": {"spec": spec}}}},
    }
    pod = {"kind": "Pod", "metadata": {}, "spec": spec}
    assert len(inputs_of(cron)) == len(inputs_of(pod)) == 1


def test_a_digest_follows_the_keys_that_are_read_and_no_others() -> None:
    one = (Input("Secret", "n", "s", "url"),)
    whole = (Input("Secret", "n", "s", WHOLE),)

    def digest(inputs: tuple[Input, ...], **tokens: str) -> str:
        return inputs_digest(inputs, lambda _: tokens)

    assert digest(one) == "" and digest(one, other="t1") == ""
    assert digest(one, url="t1") == digest(one, url="t1", other="t2") != ""
    assert digest(one, url="t1") != digest(one, url="t2")
    assert digest(whole, url="t1") != digest(whole, url="t1", other="t2")


def test_a_job_is_made_anew_by_its_spec_or_what_it_reads() -> None:
    job = {**_workload(_env(secretKeyRef=_SECRET)), "kind": "Job"}
    other = {**_workload({**_env(secretKeyRef=_SECRET), "x": 1}), "kind": "Job"}
    plain = job_digest(job, lambda _: {})
    assert plain and plain != job_digest(other, lambda _: {})
    assert plain == job_digest(job, lambda _: {"smtp": "t"})
    assert plain != job_digest(job, lambda _: {"url": "t"})


def _secret(**data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": data}


def test_a_secret_is_compared_by_values_however_they_are_spelled() -> None:
    live = {"kind": "Secret", "metadata": {}, "data": {"a": "eA==", "b": "eQ=="}}
    assert values_of(_secret(a="x", b="y")) == values_of(live)
    assert changed_keys(live, _secret(a="x", b="z")) == ("b",)
    assert changed_keys(None, _secret(a="x")) == ("a",)
    assert normalised(_secret(a="x"))["data"] == {"a": "eA=="}
    assert "stringData" not in normalised(_secret(a="x"))
    folded = {"kind": "Secret", "metadata": {}, "data": {"a": "eA\n=="}}
    assert changed_keys(live, folded) == ()


def test_a_changed_key_gets_a_token_and_the_others_keep_theirs() -> None:
    live = with_tokens(None, _secret(a="1", b="1"), "t1")
    assert tokens_of(live) == {"a": "t1", "b": "t1"}
    after = with_tokens(live, _secret(a="1", b="2"), "t2")
    assert tokens_of(after) == {"a": "t1", "b": "t2"}
    assert tokens_of(with_tokens(after, _secret(a="1"), "t3")) == {"a": "t1"}
    plain = {"kind": "Secret", "metadata": {}, "data": {"a": "MQ=="}}
    same = with_tokens(plain, _secret(a="1"), "t4")
    assert CHANGED not in same["metadata"]["annotations"]
    damaged = {"kind": "Secret", "metadata": {"annotations": {CHANGED: "no json"}}}
    assert tokens_of(damaged) == {}


def test_no_token_tells_of_a_value() -> None:
    marked = with_tokens(None, _secret(password="canary-hunter2"), "t1")
    assert json.loads(marked["metadata"]["annotations"][CHANGED]) == {"password": "t1"}


def _live(mark: str = "", workload_mark: str = "") -> dict[str, Any]:
    found = _workload({})
    found["metadata"]["annotations"] = {INPUTS: workload_mark} if workload_mark else {}
    found["spec"]["template"]["metadata"]["annotations"] = {INPUTS: mark} if mark else {}
    return found


@pytest.mark.parametrize(
    ("live", "digest", "template", "reloaded", "restart", "mark"),
    [
        pytest.param(None, "d", False, False, Restart.BY_APPLY, "d", id="it is new"),
        pytest.param(_live(), "", False, False, Restart.NONE, "", id="nothing ever changed"),
        pytest.param(
            _live("d"), "d", False, False, Restart.NONE, "d", id="restarted for it before"
        ),
        pytest.param(_live("c"), "d", False, False, Restart.BY_REPOINT, "d", id="it changed"),
        pytest.param(
            _live(), "d", False, False, Restart.BY_REPOINT, "d", id="it changed first time"
        ),
        pytest.param(_live("c"), "d", True, False, Restart.BY_APPLY, "d", id="a checksum changes"),
        pytest.param(_live("c"), "d", True, True, Restart.BY_APPLY, "d", id="a checksum, Reloader"),
        pytest.param(_live("c"), "d", False, True, Restart.BY_RELOADER, "c", id="Reloader"),
        pytest.param(
            _live("c", "d"), "d", False, True, Restart.NONE, "c", id="Reloader did it before"
        ),
        pytest.param(_live("c"), "", False, False, Restart.NONE, "c", id="a lost token"),
        pytest.param(
            _live("d"), "d", True, False, Restart.BY_APPLY, "d", id="its own change alone"
        ),
    ],
)
def test_who_restarts(
    live: Any, digest: str, template: bool, reloaded: bool, restart: Restart, mark: str
) -> None:
    found = decide(live, digest=digest, template_changes=template, reloaded=reloaded)
    assert (found.restart, found.mark) == (restart, mark)


_ONE = (Input("Secret", "n", "s", "url"),)
_R = "reloader.stakater.com/"


@pytest.mark.parametrize(
    ("marks", "own", "expected"),
    [
        pytest.param({}, {}, False, id="no annotation"),
        pytest.param({f"{_R}auto": "true"}, {}, True, id="auto"),
        pytest.param({f"{_R}auto": "false"}, {}, False, id="auto off"),
        pytest.param({f"secret.{_R}auto": "true"}, {}, True, id="auto for secrets"),
        pytest.param({f"configmap.{_R}auto": "true"}, {}, False, id="auto for the other kind"),
        pytest.param({f"secret.{_R}reload": "a, s"}, {}, True, id="named"),
        pytest.param({f"secret.{_R}reload": "other"}, {}, False, id="another is named"),
        pytest.param({f"secret.{_R}reload": "s.*"}, {}, True, id="a pattern"),
        pytest.param({f"secret.{_R}reload": "("}, {}, False, id="a broken pattern"),
        pytest.param({f"{_R}search": "true"}, {f"{_R}match": "true"}, True, id="search and match"),
        pytest.param({f"{_R}search": "true"}, {}, False, id="search without match"),
        pytest.param({}, {f"{_R}match": "true"}, False, id="match without search"),
        pytest.param({f"{_R}auto": "true"}, {f"{_R}ignore": "true"}, False, id="ignored"),
        pytest.param(
            {f"{_R}auto": "true", f"secrets.exclude.{_R}reload": "s"}, {}, False, id="excluded"
        ),
    ],
)
def test_reloader(marks: dict[str, str], own: dict[str, str], expected: bool) -> None:
    secret = {"metadata": {"annotations": own}}
    on_workload = _workload({}, **marks)
    assert by_reloader(on_workload, _ONE, {("Secret", "s"): secret}) is expected
    on_template = _workload({})
    on_template["spec"]["template"]["metadata"]["annotations"] = marks
    assert by_reloader(on_template, _ONE, {("Secret", "s"): secret}) is expected


def test_reloader_has_to_cover_everything_that_changed() -> None:
    workload = _workload({}, **{f"secret.{_R}reload": "s"})
    both = (*_ONE, Input("Secret", "n", "t", "x"))
    assert not by_reloader(workload, both, {})
    assert not by_reloader(workload, (), {})
