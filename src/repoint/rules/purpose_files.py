"""The purpose of sites that no workload reads: Makefiles, scripts, CI, Terraform, settings."""

from __future__ import annotations

import re
from functools import lru_cache

from repoint.dsn.parse import find
from repoint.model.consumer import Certainty, Purpose
from repoint.model.globs import fits
from repoint.model.knowledge import in_force, remembered, told_by
from repoint.rules.purpose_blocks import block_clue, block_owner, is_nomad, task_around
from repoint.rules.purpose_clues import Clue, PurposeVerdict, base_name, strongest
from repoint.rules.purpose_commands import classify, read, script_commands
from repoint.rules.purpose_names import name_clue, object_clue, user_clue, words_of

_LOCAL_HOST = re.compile(
    r"localhost|127\.0\.0\.1|\[?::1\]?|host\.docker\.internal|0\.0\.0\.0|/var/run/postgresql|/tmp"
)
_MAKEFILE = re.compile(r"(?:^|/)(?:GNUm|M|m)akefile[\w.\-]*$|\.mk$|(?:^|/)\.?[Jj]ustfile$")
_LIST_ITEM = re.compile(r"^\s*(?:-\s+)?(?:(?:run|script|command)\s*:\s*\|?\s*)?")
_CI = re.compile(
    r"(?:^|/)(?:\.github/workflows/|\.gitea/workflows/|\.forgejo/workflows/|\.gitlab-ci|\.circleci/"
    r"|azure-pipelines|bitbucket-pipelines|cloudbuild|\.drone|\.woodpecker|buildspec|Jenkinsfile"
    r"|\.travis|\.buildkite/|\.tekton/|[Tt]askfile[\w.\-]*\.ya?ml$)"
)
_TASKFILE = re.compile(r"(?:^|/)[Tt]askfile[\w.\-]*\.ya?ml$")
# A directory `overlays/local` or `env/dev` is a cluster's environment, not a developer's file.
_LOCAL_FILE = re.compile(
    r"(?:^|/)(?:docker-)?compose(?:\.[\w.\-]*)?\.ya?ml$|(?:^|/)\.devcontainer/|(?:^|/)\.env$"
    r"|(?:^|/)(?:\.env|appsettings|application|settings|config)[\w.\-]*?"
    r"[.\-_](?:local|dev|develop|development|test|testing|ci)(?:[.\-_]\w+)*$"
    r"|[.\-_](?:local|example|sample|dist|template)(?:\.\w+)*$"
    r"|(?:^|/)(?:Tiltfile|skaffold\.ya?ml|devspace\.ya?ml|package\.json|Procfile\.dev)$"
    r"|(?:^|/)\.(?:vscode|idea)/",
    re.IGNORECASE,
)
_DEPLOYED = re.compile(
    r"(?:^|[./_\-])(?:prod|production|prd|live|stag|stage|staging|stg|preprod|uat|qa)(?:[./_\-]|$)",
    re.IGNORECASE,
)
_MIGRATOR_FILE = re.compile(
    r"(?:^|/)(?:atlas\.hcl|sqitch\.conf|liquibase[\w.\-]*\.properties|flyway[\w.\-]*\.(?:conf|toml)"
    r"|alembic\.ini|dbconfig\.ya?ml|diesel\.toml|\.?dbmate[\w.\-]*|tern\.conf|phinx\.\w+|knexfile\.\w+"
    r"|drizzle\.config\.\w+|goose\.\w+|pgroll[\w.\-]*\.\w+|\.gmrc\w*|prisma/[\w.\-]*|migrations?/.*)$"
)
_ADMIN_FILE = re.compile(r"(?:^|/)(?:\.?pg_service\.conf|\.pgpass|pgpass|servers\.json|\.psqlrc)$")
_POOLER_FILE = re.compile(r"(?:^|/)(?:pgbouncer|pgcat|pgdog|odyssey|pgpool)[\w.\-]*\.\w+$")
_SCRIPT = re.compile(
    r"\.(?:sh|bash|zsh|ps1|cmd|bat|py|rb|js|pl)$|(?:^|/)(?:bin|scripts?|hack)/[^.]+$"
)
_LOCAL_NAMES = frozenset(
    ["local", "dev", "develop", "development", "test", "testing", "ci", "docker", "sandbox"]
)
_TERRAFORM = re.compile(r"\.(?:tf|tfvars|tofu)$")
_HCL = re.compile(r"\.(?:tf|tfvars|tofu|hcl|nomad)$")
_VARIABLE = re.compile(r"(?:export\s+)?([A-Za-z_]\w*)\s*[:?+]?=")

_LIKELY = Certainty.LIKELY


def judge_file(path: str, key: str, command: str, user: str, text: str = "") -> PurposeVerdict:
    """The purpose of a site that no workload was found to read.

    Args:
        path: The file, relative to the repository's root.
        key: The name of the value: a variable, a dotted path, or a command's name.
        command: The command that names the server, or only its name; or empty.
        user: The database user, if it is known.
        text: What stands around the site: `surroundings()` of the file, or all of it.
    """
    script = _script(path, text)
    for clue in (
        _by_command(command, script),
        _local_block(path, key),
        name_clue(key),
        _data_source(key),
        _terraform(path, key),
        block_clue(text) if _HCL.search(path) else None,
        _ci_service(path, text),
        _local_host(text or command),
        _settings_file(path),
        _around(path, key, script),
        _by_path(path, key),
        user_clue(user),
    ):
        if clue is not None:
            said = clue.evidence if path in clue.evidence else f"{clue.evidence}, in {path}"
            return PurposeVerdict(clue.purpose, (said,), clue.certainty)
    return PurposeVerdict(Purpose.UNKNOWN, (f"nothing tells who reads {path}",), Certainty.GUESS)


def deployed(path: str) -> bool:
    """Whether a file's path names an environment that is deployed, such as production."""
    return _DEPLOYED.search(path) is not None


def surroundings(path: str, text: str, line: int) -> str:
    """The part of a file that a site's line belongs to: its job, target or block.

    A script, and a file without such parts, belongs together as a whole. `line` counts from 1.
    """
    lines = _lines(text)
    if _SCRIPT.search(path) or not 1 <= line <= len(lines):
        return text
    if _HCL.search(path) and not _TERRAFORM.search(path):
        return task_around(lines, line) if is_nomad(text) else text
    if not (_CI.search(path) or _MAKEFILE.search(path) or _TERRAFORM.search(path)):
        return text
    variable = _VARIABLE.match(lines[line - 1]) if _MAKEFILE.search(path) else None
    if variable is not None:
        asked = (f"$({variable[1]})", f"${{{variable[1]}}}")
        readers = (ln for ln in lines if ln.startswith("\t") and any(one in ln for one in asked))
        return "\n".join([lines[line - 1], *readers])
    nested = ".github/" in path or "/workflows/" in path or _TASKFILE.search(path)
    depth = 2 if nested else 0
    start = line - 1
    while start > 0 and not _opens_block(lines[start], depth):
        start -= 1
    end = line
    while end < len(lines) and not _opens_block(lines[end], depth):
        end += 1
    return "\n".join(lines[start:end])


def owner_around(path: str, text: str, line: int) -> str:
    """Who a Terraform or Nomad file says reads the value at a line, as `Kind/name`; or empty."""
    return block_owner(surroundings(path, text, line)) if _HCL.search(path) else ""


# Each site of a file asks the same of its text: thousands of sites in one file took time squared.
@lru_cache(maxsize=2)
def _lines(text: str) -> tuple[str, ...]:
    return tuple(text.splitlines())


@lru_cache(maxsize=2)
def _hosts(text: str) -> tuple[str, ...]:
    """The hosts of all connection strings in a text."""
    return tuple(dsn.host for dsn in find(text))


@remembered(maxsize=2)
def _clues(script: str) -> tuple[Clue, ...]:
    return read(script_commands(script)).clues


@remembered(maxsize=2)
def _clue_of_all(script: str) -> Clue | None:
    return strongest(_clues(script))


@remembered(maxsize=64)
def _clue_of_program(script: str, name: str) -> Clue | None:
    named = [clue for clue in _clues(script) if clue.program == name]
    return strongest(named or classify((name,)))


def _opens_block(line: str, depth: int) -> bool:
    bare = line.strip()
    return bool(bare) and len(line) - len(line.lstrip()) <= depth and bare[0] not in "#}])"


@lru_cache(maxsize=2)
def _script(path: str, text: str) -> str:
    """`text` as shell: a Makefile's recipes, the list items of a CI job, or the text itself."""
    if _MAKEFILE.search(path):
        return "\n".join(ln.lstrip("\t@-+ ") for ln in text.splitlines() if ln.startswith("\t"))
    if _CI.search(path):
        return "\n".join(_LIST_ITEM.sub("", ln) for ln in text.splitlines())
    return text if _SCRIPT.search(path) or text.startswith("#!") else ""


def _by_command(command: str, script: str) -> Clue | None:
    """What the command tells; for a bare name, what the script's commands of that name do."""
    if not command:
        return None
    if " " in command:
        return strongest(read(script_commands(command)).clues)
    name = base_name(command)
    if name == "ssh":
        return Clue(Purpose.LOCAL_DEVELOPMENT, "opens a tunnel", Certainty.GUESS)
    if not re.fullmatch(r"[a-z][a-z0-9_\-]*(?:\.(?:sh|pl|py))?", name):
        return None
    return _clue_of_program(script, name)


def _local_block(path: str, key: str) -> Clue | None:
    """A section that is named after a developer's machine: `env.local.url`, `development.host`."""
    parts = key.split(".")[:-1]
    if _TERRAFORM.search(path):  # `local.` and `locals.` are Terraform's own words
        parts = [part for part in parts if part not in ("local", "locals")]
    for part in parts:
        if part.lower() in _LOCAL_NAMES or set(part.lower().split("_")) & {"local", "dev"}:
            return Clue(Purpose.LOCAL_DEVELOPMENT, f"section `{part}`", Certainty.LIKELY)
    return None


def _data_source(key: str) -> Clue | None:
    """Grafana's provisioning: dashboards ask, with statements of whoever looks at them."""
    if re.search(r"(?:^|\.)datasources(?:\.\d+)?\.url$", key):
        return Clue(Purpose.MONITORING, "a data source of Grafana", _LIKELY)
    return None


def _terraform(path: str, key: str) -> Clue | None:
    if not _TERRAFORM.search(path):
        return None
    if re.search(r"\bprovider\.(?:postgresql|postgres|sql)\b", key):
        return Clue(Purpose.ADMIN, f"Terraform `{key}` manages roles", Certainty.CERTAIN)
    if re.search(r"\bbackend\.pg\b", key):
        said = f"Terraform `{key}` keeps its state under an advisory lock"
        return Clue(Purpose.ADMIN, said, Certainty.CERTAIN)
    if re.search(r"\b(?:aws_dms|google_datastream|airbyte|fivetran|confluent_connector)", key):
        return Clue(Purpose.REPLICATION, f"Terraform `{key}` copies changes", Certainty.LIKELY)
    return None


@lru_cache(maxsize=2)
def _local_host(text: str) -> Clue | None:
    """Whether every connection string around names this machine."""
    hosts = [host.lower() for host in _hosts(text)]
    if hosts and all(_LOCAL_HOST.fullmatch(host) for host in hosts):
        return Clue(Purpose.LOCAL_DEVELOPMENT, "the server is this machine", Certainty.LIKELY)
    return None


def _ci_service(path: str, text: str) -> Clue | None:
    """Whether a CI job talks only to servers that it starts beside itself."""
    _, found, services = text.partition("services:") if _CI.search(path) else ("", "", "")
    hosts = _hosts(text) if found else ()
    own = (
        re.search(rf"(?m)(?:-|name:|alias:)\s*[\"']?{name}\b|^\s+{name}:", services)
        for name in map(re.escape, hosts)
    )
    if hosts and all("." not in host for host in hosts) and all(own):
        said = "the server is a service of the CI job"
        return Clue(Purpose.LOCAL_DEVELOPMENT, said, Certainty.LIKELY)
    return None


def _settings_file(path: str) -> Clue | None:
    """Files of tools, whatever the key is."""
    name = path.rpartition("/")[2]
    for tool in in_force().tools:
        if any(fits(name, pattern) for pattern in tool.files):
            said = f"settings of {tool.name}{told_by(tool.origin)}"
            return Clue(tool.purpose, said, Certainty.CERTAIN)
    if _MIGRATOR_FILE.search(path):
        if _LOCAL_FILE.search(path):
            return Clue(Purpose.LOCAL_DEVELOPMENT, "settings of a migration tool", _LIKELY)
        return Clue(Purpose.MIGRATION, "settings of a migration tool", _LIKELY)
    if _ADMIN_FILE.search(path):
        return Clue(Purpose.ADMIN, "settings of psql and pgAdmin", Certainty.GUESS)
    if _POOLER_FILE.search(path):
        return Clue(Purpose.ADMIN, "settings of a pooler", Certainty.GUESS)
    if re.search(r"(?:^|/)(?:debezium|connect(?:ors)?)[/\w.\-]*\.(?:json|ya?ml|properties)$", path):
        sink = "sink" in path.lower()
        purpose = Purpose.RUNTIME if sink else Purpose.REPLICATION
        return Clue(purpose, "settings of a Kafka connector", _LIKELY)
    return None


def _around(path: str, key: str, script: str) -> Clue | None:
    """The commands that stand around the site; a Makefile's variable counts where it is used."""
    if _MAKEFILE.search(path):
        asked = (f"$({key})", f"${{{key}}}")
        script = "\n".join(ln for ln in _lines(script) if any(one in ln for one in asked))
    found = _clue_of_all(script)
    if found is None:
        return None
    sure = _LIKELY if found.certainty is Certainty.CERTAIN else Certainty.GUESS
    return Clue(found.purpose, found.evidence, sure)


def _by_path(path: str, key: str) -> Clue | None:
    """What the file's own name and place say."""
    if _CI.search(path) and not _TASKFILE.search(path):
        return Clue(Purpose.LOCAL_DEVELOPMENT, "a CI workflow", Certainty.GUESS)
    stem = path.rsplit("/", 1)[-1]
    named = object_clue(stem, "file", serves=False)
    if named is not None and _SCRIPT.search(path):
        return named
    if deployed(path):
        return _deployed(path, key)
    if _LOCAL_FILE.search(path):
        return Clue(Purpose.LOCAL_DEVELOPMENT, "a developer's file", _LIKELY)
    return named


def _deployed(path: str, key: str) -> Clue | None:
    """A dotenv or settings file of a deployed environment: an application's, by its variables."""
    database = {"url", "uri", "dsn", "host", "hostname", "database", "db", "pg"}
    settings = re.search(r"(?:^|/)\.env|\.env$|\.properties$|appsettings|application", path)
    if settings and database & set(words_of(key)):
        return Clue(Purpose.RUNTIME, "settings of a deployed environment", Certainty.GUESS)
    return None
