"""Every place that starts a program says what it sees: nothing is inherited by default."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[3] / "src" / "repoint"
STARTS = {"run", "Popen", "call", "check_call", "check_output", "getoutput", "getstatusoutput"}
# A fork alone starts no program: it is this process again.
OTHER_WAYS = {"system", "popen", "startfile"}
# Their third argument is the environment.
GIVEN = {"posix_spawn", "posix_spawnp"}


def started_without(text: str) -> list[int]:
    """The lines of a module's text that start a program and leave its environment open."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and (
            (
                node.func.value.id == "subprocess"
                and node.func.attr in STARTS
                and not any(one.arg == "env" for one in node.keywords)
            )
            or (
                node.func.value.id == "os"
                and (
                    node.func.attr in OTHER_WAYS
                    or node.func.attr.startswith(("exec", "spawn"))
                    or (node.func.attr in GIVEN and not isinstance(node.args[2], ast.Name))
                )
            )
        )
    ]


def test_every_program_gets_an_environment_of_its_own() -> None:
    found = {path: started_without(path.read_text()) for path in SOURCE.rglob("*.py")}

    assert {str(path): lines for path, lines in found.items() if lines} == {}


def test_only_subprocess_under_its_own_name_is_used() -> None:
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                assert node.module not in {"subprocess", "pty"}, path
            if isinstance(node, ast.Import):
                named = {one.name: one.asname for one in node.names}
                assert named.get("subprocess") is None and "pty" not in named, path


@pytest.mark.parametrize(
    "text",
    [
        "subprocess.run(['x'])",
        "subprocess.Popen(['x'], cwd='/')",
        "os.system('x')",
        "os.execv('x', ['x'])",
        "os.posix_spawn('x', ['x'], os.environ)",
        "os.posix_spawnp('x', ['x'], dict(os.environ))",
    ],
)
def test_the_look_sees_it(text: str) -> None:
    assert started_without(text) == [1]
