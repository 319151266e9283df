"""How git is called: what a repository may not make it do, and what it is asked for.

Without imports, since a repeated scan asks git for its settings before anything else is loaded.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

QUIET = {
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ALLOW_PROTOCOL": "",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "LC_ALL": "C",
}
"""Variables of every call."""
# A repository's own configuration may name programs for git to run. None of them is.
SAFE = (
    *("git", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"),
    *("-c", "safe.bareRepository=explicit", "-c", "core.pager=cat", "-c", "diff.external="),
    *("-c", "submodule.recurse=false", "-c", "core.alternateRefsCommand="),
)
"""The start of every call."""
# With less of a file's state to compare, one whose time was set back would pass for unchanged.
_WHOLE_STATE = ("-c", "core.trustctime=true", "-c", "core.checkStat=default")


def tracked_cmd() -> list[str]:
    """Every entry of the index with its mode, blob and marks, NUL-separated."""
    return [*SAFE, "ls-files", "-z", "-s", "-v"]


def changed_cmd(filters: Sequence[str] = ()) -> list[str]:
    """The tracked files whose bytes may not be the index's, gone ones too, NUL-separated.

    In a copied work tree these are all. `git diff` would look into them, but after what checking
    in does to a file: one whose line ends alone have changed it does not name.
    """
    diff = ["diff-files", "--name-only", "-z", "--relative", "--ignore-submodules=all"]
    return [*SAFE, *_WHOLE_STATE, *_without(filters), *diff]


def untracked_cmd() -> list[str]:
    """Every file that git neither tracks nor ignores, NUL-separated."""
    return [*SAFE, "ls-files", "-z", "-o", "--exclude-standard"]


def settings_cmd() -> list[str]:
    """Every setting that holds here, with the scope that makes it, NUL-separated."""
    return [*SAFE, "config", "-z", "--list", "--show-scope", "--includes"]


def ignored_cmd() -> list[str]:
    """For paths on stdin, NUL-separated, the pattern that decides: file, line, pattern, path."""
    return [*SAFE, "check-ignore", "-z", "-v", "--no-index", "--stdin"]


def places_cmd() -> list[str]:
    """The way up to the work tree's top, the index, and the private ignore file: a line each."""
    places = ["--show-cdup", "--git-path", "index", "--git-path", "info/exclude"]
    return [*SAFE, "rev-parse", *places]


def status_cmd(paths: Sequence[str], filters: Sequence[str] = ()) -> list[str]:
    """The state of `paths` against the last commit, NUL-separated.

    The programs of `filters`, names as in `filter.NAME.clean`, are not run.
    """
    status = ["status", "--porcelain", "-z", "-uall", "--ignore-submodules=all", "--", *paths]
    return [*SAFE, *_without(filters), "--literal-pathspecs", *status]


def _without(filters: Sequence[str]) -> list[str]:
    """Settings by which no program of `filters` is run, names as in `filter.NAME.clean`."""
    return [
        part
        for name in filters
        for key, value in (("clean", ""), ("smudge", ""), ("process", ""), ("required", "false"))
        for part in ("-c", f"filter.{name}.{key}={value}")
    ]
