"""Which files can hold a site, and how each is read: by name, then by shebang."""

from __future__ import annotations

import re

from repoint.formats.base import FileKind

_BY_SUFFIX = {
    ".yaml": FileKind.YAML, ".yml": FileKind.YAML,
    ".json": FileKind.JSON, ".json5": FileKind.JSON, ".jsonc": FileKind.JSON,
    ".hcl": FileKind.HCL, ".tf": FileKind.HCL, ".tfvars": FileKind.HCL, ".nomad": FileKind.HCL,
    ".env": FileKind.DOTENV,
    ".ini": FileKind.INI, ".conf": FileKind.INI, ".cfg": FileKind.INI, ".cnf": FileKind.INI,
    ".toml": FileKind.TOML,
    ".properties": FileKind.PROPERTIES,
    ".mk": FileKind.MAKEFILE, ".mak": FileKind.MAKEFILE, ".just": FileKind.MAKEFILE,
    ".sh": FileKind.SHELL, ".bash": FileKind.SHELL, ".zsh": FileKind.SHELL,
    ".ksh": FileKind.SHELL, ".ash": FileKind.SHELL, ".ps1": FileKind.SHELL,
    ".bat": FileKind.SHELL, ".cmd": FileKind.SHELL,
    ".tpl": FileKind.HELM_TEMPLATE, ".gotmpl": FileKind.HELM_TEMPLATE,
    ".dockerfile": FileKind.DOCKERFILE,
    ".xml": FileKind.XML,
}  # fmt: skip
_BY_NAME = {
    "makefile": FileKind.MAKEFILE, "gnumakefile": FileKind.MAKEFILE,
    "justfile": FileKind.MAKEFILE, ".justfile": FileKind.MAKEFILE,
    "dockerfile": FileKind.DOCKERFILE, "containerfile": FileKind.DOCKERFILE,
    "kustomization": FileKind.YAML,
    "procfile": FileKind.TEXT, "tiltfile": FileKind.TEXT, "jenkinsfile": FileKind.TEXT,
    ".envrc": FileKind.SHELL, ".pgpass": FileKind.TEXT, "pgpass": FileKind.TEXT,
    ".pg_service.conf": FileKind.INI,
}  # fmt: skip
_LOCKS = frozenset(
    {
        "package-lock.json", "npm-shrinkwrap.json", "pnpm-lock.yaml", "composer.lock",
        "poetry.lock", "pdm.lock", "uv.lock", "cargo.lock", "gemfile.lock", "go.sum",
        "yarn.lock", "pipfile.lock", "bun.lock", "packages.lock.json", "flake.lock",
        ".terraform.lock.hcl", "chart.lock", "requirements.lock", "mix.lock",
    }
)  # fmt: skip
_SHEBANG = re.compile(rb"#!\s*\S*?(?:/|\benv\s+(?:-\S+\s+)*)(?:ba|da|a|z|k)?sh\b")
_ENV_NAME = re.compile(r"\.?env(?:[._-].+)?|.+\.env\.[\w.-]+", re.IGNORECASE)
_OTHER = frozenset({".py", ".go", ".js", ".ts", ".rb", ".php", ".md", ".sql", ".rs", ".java"})


def kind_of(path: str, head: bytes) -> FileKind | None:
    """How the file is read, or None when it cannot hold a site.

    None is: application source code, documentation, lock files, images, archives and
    other binaries. `head` is the file's beginning; a kilobyte is enough. A name that is
    known decides alone: a manifest with a NUL byte is damaged, not a binary to skip.
    """
    folder, _, name = path.rpartition("/")
    name = name.lower()
    suffix = _suffix(name)
    if name in _LOCKS:
        return None
    kind = _by_name(name, suffix)
    if kind is FileKind.YAML and _in_helm_templates(folder):
        return FileKind.HELM_TEMPLATE
    if kind is not None:
        return kind
    if not suffix and b"\0" not in head and _SHEBANG.match(head):
        return FileKind.SHELL
    return None


def _suffix(name: str) -> str:
    """What follows the last dot, with it; nothing in `.name`, `name` and `name.`."""
    dot = name.rfind(".")
    return name[dot:] if 0 < dot < len(name) - 1 else ""


def _by_name(name: str, suffix: str) -> FileKind | None:
    known = _BY_NAME.get(name)
    if known is not None:
        return known
    if name.startswith(("dockerfile.", "containerfile.")) and not name.endswith(".dockerignore"):
        return FileKind.DOCKERFILE
    if name.startswith(("makefile.", "procfile.")):
        return _BY_NAME[name.partition(".")[0]]
    if "env" in name and _ENV_NAME.fullmatch(name) and suffix not in _OTHER:
        return _env_kind(suffix)
    return _BY_SUFFIX.get(suffix)


def _env_kind(suffix: str) -> FileKind:
    """`.env.production`, `env.local`; but `env.yaml` is YAML."""
    kind = _BY_SUFFIX.get(suffix)
    return kind if kind is not None else FileKind.DOTENV


def _in_helm_templates(folder: str) -> bool:
    """Whether a chart's `templates/` folder holds the file.

    By path alone: what has no template actions reads the same either way.
    """
    return "templates" in folder and "templates" in folder.split("/")
