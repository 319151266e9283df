"""No password is in anything that a rollout says, writes or starts, whatever goes wrong."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import yaml

from tests.cluster.control_plane import ControlPlane
from tests.cluster.hostile.canaries import CORE, PASSWORDS, found_below, found_in, watched
from tests.cluster.objects import logs_of
from tests.cluster.rolling_out.shop import Shop, command, new_shop
from tests.cluster.rolling_out.stand_in import operator
from tests.cluster.stages import RUN

pytestmark = pytest.mark.cluster


def dsn(password: str, host: str) -> str:
    return f"postgresql://web:{quote(password, safe='')}@{host}.svc.cluster.local:5432/shop"


@pytest.fixture
def shop(api: ControlPlane, tmp_path: Path) -> Iterator[Shop]:
    """A shop whose Secrets, annotations and variables are full of passwords."""
    root = tmp_path / "repository"
    root.mkdir()
    made = new_shop(api, root)
    pooled, direct = f"pooler.{made.namespace}", f"pg-rw.{made.namespace}"
    made.secrets = {
        "web": {
            "url": f"{dsn(PASSWORDS['marks'], pooled)}?sslmode=require",
            "direct": f"{dsn(PASSWORDS['marks'], direct)}?sslmode=require",
            **PASSWORDS,
        },
        "mail": {name: dsn(one, pooled) for name, one in PASSWORDS.items()},
    }
    for name in ("web", "mail"):
        made.objects[name]["metadata"]["annotations"] = {
            f"note-{kind}": f"dsn {dsn(one, pooled)}" for kind, one in PASSWORDS.items()
        }
        container = made.objects[name]["spec"]["template"]["spec"]["containers"][0]
        container.setdefault("env", []).extend(
            {"name": f"BACKUP_PASSWORD_{kind}", "value": one} for kind, one in PASSWORDS.items()
        )
    made.write()
    with operator(api, made.namespace):
        yield made


def run(shop: Shop, *argv: str) -> subprocess.CompletedProcess[str]:
    """Run a command with its own HOME and TMPDIR, its children looked at all the time."""
    home, temporary = shop.root.parent / "home", shop.root.parent / "tmp"
    for folder in (home, temporary):
        folder.mkdir(exist_ok=True)
    environment = {**shop.environment(), "HOME": str(home), "TMPDIR": str(temporary)}
    environment |= {"PGPASSWORD": PASSWORDS["plain"], "SOPS_AGE_KEY": CORE}
    with (
        subprocess.Popen(
            command(*argv),
            cwd=shop.root,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process,
        watched(process.pid) as seen,
    ):
        out, err = process.communicate(timeout=120)
    held = [text for text in seen if found_in(text) and not _is_own(text)]
    assert not held, held
    assert found_in(out) == [] and found_in(err) == [], (out, err)
    return subprocess.CompletedProcess(argv, process.returncode, out, err)


def _is_own(text: str) -> bool:
    """Whether it is the environment of repoint itself, which the test gave it."""
    return text.startswith("environ: ") and f"PGPASSWORD={PASSWORDS['plain']}" in text


def left(shop: Shop) -> list[str]:
    """What is on disk besides the repository's own sealed files."""
    repository = shop.root
    homes = [repository / "secrets", repository / "deploy", repository / ".git"]
    return found_below(shop.root.parent, but=homes)


def rollout(shop: Shop, *more: str) -> subprocess.CompletedProcess[str]:
    return run(shop, "rollout", "--env", "test", "--context", "test", "--yes", *more)


@pytest.mark.parametrize("form", ["human", "json"])
def test_a_rollout_that_fails_tells_no_password(shop: Shop, form: str) -> None:
    """The Job fails; its log, its pod's message, and events quote everything."""
    template = shop.objects["migrate"]["spec"]["template"]["metadata"]
    template["annotations"] = {RUN: "fail"}
    shop.write()
    dry = rollout(shop, "--dry-run", "--format", form)
    assert dry.returncode == 0, dry.stderr
    done = rollout(shop, "--format", form)
    assert done.returncode == 5, done.stderr
    assert left(shop) == []


def test_what_pods_and_events_quote_is_masked(shop: Shop) -> None:
    template = shop.objects["migrate"]["spec"]["template"]["metadata"]
    template["annotations"] = {RUN: "agent"}
    shop.write()
    environment = shop.environment()
    with subprocess.Popen(
        shop.argv("--format", "json"),
        cwd=shop.root,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        pods = f"/api/v1/namespaces/{shop.namespace}/pods?labelSelector=job-name"
        [pod] = shop.api.until("the Job's pod", lambda: shop.api.get(pods)["items"])
        tell_everything(shop, pod)
        out, err = process.communicate(timeout=120)
    assert process.returncode == 5, err
    assert "said by the pod" in err and "said by an event" in err and "said in the log" in err
    assert found_in(out) == [] and found_in(err) == []


def tell_everything(shop: Shop, pod: dict[str, Any]) -> None:
    """Have a pod fail with the passwords in its message, its log and an event about it."""
    name = pod["metadata"]["name"]
    said = " ".join(f"{one} {dsn(one, 'x')} {_in_base64(one)}" for one in PASSWORDS.values())
    lines = ["said in the log:"]
    for one in PASSWORDS.values():
        lines += [f"cannot connect to {dsn(one, 'x')}", json.dumps({"error": one})]
        lines += [f"the server took {line} for a password" for line in one.splitlines()]
        lines += [f"and {_in_base64(one)} in base64, and {quote(one)}"]
    log = shop.root.parent / f"{name}.log"
    log.write_text("".join(f"2026-01-02T03:04:05Z stdout F {line}\n" for line in lines))
    shop.api.create(logs_of(shop.namespace, name, "migrate", log))
    shop.api.create(
        {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": f"{name}.1", "namespace": shop.namespace},
            "type": "Warning",
            "reason": "Failed",
            "message": f"said by an event: {said}",
            "involvedObject": {"kind": "Pod", "name": name, "namespace": shop.namespace},
            "lastTimestamp": "2026-01-02T03:04:05Z",
        }
    )
    ended = {"exitCode": 1, "reason": "Error", "message": f"said by the pod: {said}"}
    status = {
        "phase": "Failed",
        "containerStatuses": [
            {
                "name": "migrate",
                "image": "x",
                "imageID": "",
                "ready": False,
                "restartCount": 0,
                "state": {"terminated": ended},
            }
        ],
    }
    path = f"/api/v1/namespaces/{shop.namespace}/pods/{name}/status"
    told, _ = shop.api.call(
        "PATCH", path, {"status": status}, content_type="application/merge-patch+json"
    )
    assert told == 200


def test_refusals_quote_nothing(shop: Shop) -> None:
    """A policy whose message quotes the whole object; an immutable field; a wrong type."""
    assert rollout(shop).returncode == 0
    shop.commit()
    admission = "admissionregistration.k8s.io/v1"
    policy = f"quotes-{shop.namespace}"
    rule = {
        "apiGroups": ["*"],
        "apiVersions": ["*"],
        "resources": ["deployments", "secrets"],
        "operations": ["CREATE", "UPDATE"],
    }
    expression = (
        "object.kind == 'Secret' ? string(object.data['url']) : "
        "object.spec.template.spec.containers.map(c, c.env.map(e, e.?value.orValue(''))"
        ".join(' ')).join(' ')"
    )
    shop.api.create(
        {
            "apiVersion": admission,
            "kind": "ValidatingAdmissionPolicy",
            "metadata": {"name": policy},
            "spec": {
                "matchConstraints": {"resourceRules": [rule]},
                "validations": [{"expression": "false", "messageExpression": expression}],
            },
        },
        {
            "apiVersion": admission,
            "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": {"name": policy},
            "spec": {
                "policyName": policy,
                "validationActions": ["Deny"],
                "matchResources": {
                    "namespaceSelector": {
                        "matchLabels": {"kubernetes.io/metadata.name": shop.namespace}
                    }
                },
            },
        },
    )
    shop.secrets["web"]["url"] += "&application_name=web"
    spec = shop.objects["mail"]["spec"]
    spec["template"]["spec"]["containers"][0]["imagePullPolicy"] = "Always"
    shop.write()

    def is_denied() -> bool:
        status, answer = shop.api.call(
            "PATCH",
            f"/api/v1/namespaces/{shop.namespace}/secrets/web?dryRun=All",
            {"data": {"x": "eA=="}},
            content_type="application/merge-patch+json",
        )
        return status == 422 and bool(found_in(json.dumps(answer)))

    shop.api.until("the policy counts", is_denied)
    done = rollout(shop)
    assert done.returncode == 1, done.stdout
    assert left(shop) == []
    shop.api.delete(f"/apis/{admission}/validatingadmissionpolicybindings/{policy}")
    shop.api.delete(f"/apis/{admission}/validatingadmissionpolicies/{policy}")


def test_what_a_rollout_leaves_in_the_cluster_has_no_password(shop: Shop) -> None:
    assert rollout(shop).returncode == 0
    lease = shop.get("lease", "repoint-test")
    secret = shop.get("secret", "web")
    assert found_in(json.dumps(lease)) == []
    assert found_in(json.dumps(secret["metadata"])) == []
    for name in ("web", "mail"):
        marks = shop.get("deployment", name)["spec"]["template"]["metadata"]["annotations"]
        assert found_in(json.dumps(marks)) == []
    assert found_in((shop.root / ".repoint" / "ledger.jsonl").read_text()) == []


def test_a_bug_in_the_middle_tells_no_password(shop: Shop) -> None:
    """A Python that raises within the adapter, with everything in local variables."""
    broken = shop.root.parent / "broken"
    broken.mkdir()
    (broken / "sitecustomize.py").write_text(
        "import repoint.adapters.kubeapi.api as api\n"
        "def write(self, method, verb, ref, document, *rest, **more):\n"
        "    raise KeyError(str(document))\n"
        "api.Api._write = write\n"
    )
    environment = {**shop.environment(), "PYTHONPATH": str(broken), "HOME": str(broken)}
    done = subprocess.run(
        shop.argv(), cwd=shop.root, env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 3, done.stderr
    assert found_in(done.stdout) == [] and found_in(done.stderr) == []
    assert list(broken.rglob("bug-*.log")), list(broken.iterdir())
    assert found_below(broken) == []


def test_the_canaries_are_found_where_they_were_put(shop: Shop) -> None:
    """The control, in each spelling that is looked for."""
    text = (shop.root / "secrets" / "web.yaml").read_text()
    assert found_in(text) and found_in(json.dumps(shop.objects["web"]))
    held = yaml.safe_load(text)["stringData"]
    for name, one in PASSWORDS.items():
        assert held[name] == one
        for before in ("", "x", "xy"):
            assert found_in(_in_base64(f"{before}{one}{one}"))


def _in_base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
