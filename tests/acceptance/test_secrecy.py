"""No password of the example or of its variants leaves the files that hold it."""

from __future__ import annotations

import re
import subprocess
import threading
import time
from pathlib import Path
from urllib.parse import unquote

import pytest
import yaml

from tests.acceptance.example import SECRETS, VARIANTS, Checkout, password_of

FORMS = {
    "scan": ("human", "json", "markdown", "sarif"),
    "plan": ("human", "json", "markdown", "sarif", "github", "gitlab", "diff"),
    "check": ("human", "json", "markdown", "sarif", "junit", "github", "gitlab"),
}
VARIANT_NAMES = sorted(path.name for path in VARIANTS.iterdir() if path.is_dir())


def secrets_of(checkout: Checkout) -> set[str]:
    """Everything that must not be seen, in every spelling that a file has for it."""
    found: set[str] = set()
    for path in SECRETS:
        for key, value in checkout.secret(path).items():
            if "://" in value:
                found.add(_user_info(value))
            elif key not in ("SMTP_FROM",):
                found.add(value)
            if "naytifedb" in value:
                found |= {password_of(value), unquote(password_of(value))}
    # `postgres` is the local password and a word on every line: it is looked for as a password
    return {":postgres@", "=postgres ", *(found - {"", "postgres"})}


def _user_info(url: str) -> str:
    password = url.partition("://")[2].rpartition("@")[0].partition(":")[2]
    return password if password != "postgres" else ""


def assert_clean(text: str, secrets: set[str], where: str) -> None:
    for number, secret in enumerate(sorted(secrets)):
        assert secret not in text, f"secret {number} of {len(secrets)} in {where}"


def test_the_secrets_are_known(before: Checkout) -> None:
    found = secrets_of(before)
    assert len(found) > 15
    assert {
        "st@ging%40/Nay#tife-Zürich",
        "hra87Kd50E23",
        "2VkFeTBccGwKNnBRKrGiK4CI_Lf-8hAf",
    } <= found


@pytest.mark.parametrize("verb", FORMS)
def test_no_output_holds_a_password(before: Checkout, moved: Checkout, verb: str) -> None:
    secrets = secrets_of(before)
    for checkout, forms in ((before, FORMS[verb]), (moved, ("json",))):
        for form in forms:
            done = checkout.run(verb, "--format", form, status=None)
            assert_clean(done.stdout, secrets, f"{verb} --format {form}")
            assert_clean(done.stderr, secrets, f"stderr of {verb} --format {form}")


def test_no_plan_receipt_or_repoint_file_holds_a_password(
    before: Checkout, moved: Checkout, plan_file: Path
) -> None:
    secrets = secrets_of(before)
    assert_clean(plan_file.read_text(), secrets, "plan.json")
    kept = [path for path in (moved.root / ".repoint").rglob("*") if path.is_file()]
    assert kept
    for path in kept:
        assert_clean(path.read_text(), secrets, path.name)
    assert_clean((before.root / "repoint.yaml").read_text(), secrets, "repoint.yaml")


def test_a_password_is_in_no_command_line_and_in_no_temporary_file(
    before: Checkout, plan_file: Path, tmp_path: Path
) -> None:
    checkout = before.copy(tmp_path / "naytife")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    secrets = secrets_of(before)
    seen: set[str] = set()
    temporary: dict[str, bytes] = {}
    stop = threading.Event()
    watcher = threading.Thread(target=_watch, args=(checkout.root, scratch, seen, temporary, stop))
    watcher.start()
    try:
        for arguments in (("apply", str(plan_file)), ("rollback", "--yes")):
            done = subprocess.run(
                checkout.argv(*arguments),
                env={**checkout.environment, "TMPDIR": str(scratch)},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stderr
            assert_clean(done.stdout + done.stderr, secrets, arguments[0])
    finally:
        stop.set()
        watcher.join()
    assert any("sops" in line and " set " in f" {line} " for line in seen), sorted(seen)
    for line in seen:
        assert_clean(line, secrets, "a command line")
    for name, content in temporary.items():
        assert_clean(content.decode(errors="replace"), secrets, name)
    assert not list(scratch.iterdir())


def _watch(
    root: Path, scratch: Path, seen: set[str], temporary: dict[str, bytes], stop: threading.Event
) -> None:
    """Collect the command lines below this process, and what passes through temporary files."""
    while not stop.is_set():
        for process in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                line = process.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if "sops" in line or str(root) in line:
                seen.add(line)
        for folder in (scratch, root / ".repoint", root / "deploy" / "secrets"):
            for path in list(folder.rglob("*")):
                try:
                    if path.is_file():
                        temporary[f"{path} {path.stat().st_mtime_ns}"] = path.read_bytes()
                except OSError:
                    continue
        time.sleep(0.002)


def test_a_failing_run_holds_no_password(before: Checkout, tmp_path: Path) -> None:
    checkout = before.copy(tmp_path / "naytife")
    path = checkout.root / "deploy/secrets/local/backend-secret.yaml"
    path.write_text(path.read_text().replace("mac: ENC[", "mac: ENC[broken"))
    secrets = secrets_of(before)
    for arguments in (("plan",), ("scan",), ("check",), ("apply", "--yes", "--allow-dirty")):
        done = checkout.run(*arguments, status=None)
        assert_clean(done.stdout + done.stderr, secrets, arguments[0])
    for log in checkout.root.rglob("*.log"):
        assert_clean(log.read_text(), secrets, log.name)


@pytest.mark.parametrize("variant", VARIANT_NAMES, indirect=True)
def test_no_canary_of_a_variant_is_seen(variant: Checkout) -> None:
    text = ""
    for arguments in (
        ("scan",),
        ("plan", "--format", "diff", "--output", ".repoint-plan.json"),
        ("apply", "--yes"),
    ):
        done = variant.run(*arguments, status=None)
        text += done.stdout + done.stderr
    text += variant.text(".repoint-plan.json")
    state = variant.root / ".repoint"
    text += "".join(path.read_text() for path in state.rglob("*") if path.is_file())
    assert "canary" not in text
    for word in _secret_words(variant):
        assert word not in text


def _secret_words(variant: Checkout) -> set[str]:
    """Base64 of the variant's own `data:` values: a password in other clothes."""
    found: set[str] = set()
    for path in variant.root.rglob("*secret*.yaml"):
        try:
            every = [one for one in yaml.safe_load_all(path.read_text()) if isinstance(one, dict)]
        except yaml.YAMLError:
            continue
        for one in every:
            values = one.get("data") or {}
            found |= {v for v in values.values() if re.fullmatch(r"[A-Za-z0-9+/=]{60,}", str(v))}
    return found
