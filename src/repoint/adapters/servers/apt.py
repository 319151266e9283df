"""apt under private settings: asks the distribution's archive about suites not installed here.

Everything that apt writes lies in one folder, so no root is needed and the system's own lists and
packages are never touched. The system's settings for proxies, keys and certificates still hold;
its hooks and its pinning do not.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

from repoint.adapters.runner import Result, run
from repoint.adapters.servers.apt_sources import AptSource, for_suites, own_archive, read_sources
from repoint.adapters.servers.binaries import complaint
from repoint.adapters.servers.pins import Archive
from repoint.errors import ToolFailed, ToolMissing

_APT_S = 300.0
_ETC = Path("/etc/apt")
_INST = re.compile(r"^Inst (\S+) (?:\[\S+\] )?\((\S+) ", re.MULTILINE)
_SETTINGS = """\
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Post-Invoke;
#clear DPkg::Pre-Invoke;
#clear DPkg::Pre-Install-Pkgs;
Dir::Etc::sourcelist "{folder}/our.sources";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Dir::State "{folder}/state";
Dir::State::lists "{folder}/state/lists";
Dir::State::status "{folder}/state/status";
Dir::Cache "{folder}/cache";
Dir::Cache::archives "{folder}/cache/archives";
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
Acquire::Languages "none";
Acquire::Retries "2";
APT::Install-Recommends "false";
APT::Default-Release "";
APT::Sandbox::User "{user}";
"""


class PrivateApt:
    """apt whose lists, settings and downloads lie in `folder`.

    It looks at the suites of `archive` in what of `sources` can be that archive.
    """

    def __init__(self, folder: Path, archive: Archive, sources: Iterable[AptSource]) -> None:
        self._folder = folder
        self._archive = archive
        self._sources = own_archive(sources, archive)
        self._config = folder / "apt.conf"

    def update(self) -> dict[str, dict[str, str]]:
        """Read the suites; what each offers: suite to package to version, for the packages used.

        Raises:
            ToolFailed: none of the suites could be read.
            ToolMissing: the machine has no source for the distribution's archive.
        """
        self._prepare()
        problem = ""
        for source in self._sources:
            text = for_suites(source, self._archive, self._archive.suites)
            (self._folder / "our.sources").write_text(text)
            shutil.rmtree(self._folder / "state" / "lists", ignore_errors=True)
            self._make_folders()
            done = self._run("apt-get", "--quiet", "update")
            offered = self._offered()
            if offered:
                return offered
            problem = complaint(done.stderr)
        if not problem:
            raise ToolMissing(
                f"apt has no source for the archive of {self._archive.distribution}",
                hint=f"see `{_ETC}`: the mirror, without its suites, is taken from there",
            )
        raise ToolFailed(
            f"apt could not read newer suites of the archive: {problem}",
            hint="check the network and the proxy of apt: `apt-get update`",
        )

    def closure(self, suite: str, package: str) -> dict[str, str]:
        """All that `package` of `suite` would bring on an empty machine: package to version.

        Raises:
            ToolFailed: apt's resolver found no answer.
        """
        done = self._checked(
            "apt-get", "--simulate", f"--target-release={suite}", "install", package
        )
        return dict(_INST.findall(done.stdout.decode()))

    def records(self, versions: dict[str, str]) -> str:
        """The archive's records of packages, one paragraph each."""
        names = [f"{name}={version}" for name, version in versions.items()]
        return self._checked("apt-cache", "show", *names).stdout.decode()

    def download(self, versions: dict[str, str], into: Path) -> list[Path]:
        """Bring `.deb` files, checked by apt against the signed lists, into a folder.

        Raises:
            ToolFailed: one could not be had.
        """
        names = [f"{name}={version}" for name, version in versions.items()]
        self._checked("apt-get", "--quiet", "download", *names, cwd=into)
        return sorted(into.glob("*.deb"))

    def _offered(self) -> dict[str, dict[str, str]]:
        done = self._run("apt-cache", "madison", "pgbouncer", *client_packages())
        return offered_in(done.stdout.decode(errors="replace"))

    def _prepare(self) -> None:
        self._make_folders()
        (self._folder / "state" / "status").touch()
        # Root's apt hands downloads to its own user, who must be able to write them.
        user = "_apt" if os.geteuid() != 0 else "root"
        self._config.write_text(_SETTINGS.format(folder=self._folder, user=user))

    def _make_folders(self) -> None:
        for name in ("state/lists/partial", "cache/archives/partial"):
            (self._folder / name).mkdir(parents=True, exist_ok=True)

    def _checked(self, *argv: str, cwd: Path | None = None) -> Result:
        done = self._run(*argv, cwd=cwd)
        if done.status != 0:
            raise ToolFailed(
                f"`{argv[0]}` could not do its part: {complaint(done.stderr)}",
                hint="check the network and the proxy of apt: `apt-get update`",
            )
        return done

    def _run(self, program: str, *args: str, cwd: Path | None = None) -> Result:
        return run(
            [program, f"--config-file={self._config}", *args],
            tool="apt",
            cwd=cwd or self._folder,
            env={"LC_ALL": "C", "LANGUAGE": ""},
            timeout=_APT_S,
        )


def offered_in(madison: str) -> dict[str, dict[str, str]]:
    """What `apt-cache madison` prints, by suite: the newest version of each package there."""
    offered: dict[str, dict[str, str]] = {}
    for line in madison.splitlines():
        package, version, place = ([*line.split("|"), "", ""])[:3]
        words = place.split()
        if len(words) >= 2 and words[-1] == "Packages":
            suite = words[1].partition("/")[0]
            offered.setdefault(suite, {}).setdefault(package.strip(), version.strip())
    return offered


def client_packages(majors: Sequence[int] = (18, 17)) -> Iterable[str]:
    """The packages with psql, newest PostgreSQL first."""
    return tuple(f"postgresql-client-{major}" for major in majors)


def machine_sources() -> tuple[AptSource, ...]:
    """Every source of packages that apt knows here."""
    parts = sorted((_ETC / "sources.list.d").glob("*"))
    paths = [_ETC / "sources.list", *(one for one in parts if one.suffix in (".list", ".sources"))]
    return read_sources(
        {str(path): path.read_text(errors="replace") for path in paths if path.is_file()}
    )
