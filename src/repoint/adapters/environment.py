"""What a program that is started sees of the environment: only what it needs."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:  # Asked at the door, where each import counts.
    from collections.abc import Mapping

_ALWAYS = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "USER", "LOGNAME", "SYSTEMROOT")
_NETWORK = (
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"),
    "SSL_CERT_",
)
# How gpg's agent reaches its user, to ask for a passphrase.
_PINENTRY = ("GPG_TTY", "TERM", "DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "DBUS_SESSION_BUS_")
_NEEDS: Mapping[str, tuple[str, ...]] = {
    "git": (
        *("GIT_DIR", "GIT_WORK_TREE", "GIT_CEILING_DIRECTORIES", "XDG_CONFIG_HOME"),
        *("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM"),
    ),
    # The sealed file tells sops which of these keys it is sealed with.
    "sops": (
        *("SOPS_", "AWS_", "GOOGLE_", "CLOUDSDK_", "AZURE_", "VAULT_", "HUAWEICLOUD_"),
        *("GNUPGHOME", "XDG_CONFIG_HOME", *_PINENTRY, *_NETWORK),
    ),
    # For what needs no cluster: a kubectl that logs in gets more (`kubeapi.commands`).
    "kubectl": _NETWORK,
    "npm": ("npm_config_", "NPM_CONFIG_", "NODE_", "XDG_CONFIG_HOME", *_NETWORK),
    "pip": ("PIP_", "REQUESTS_CA_BUNDLE", "XDG_CONFIG_HOME", *_NETWORK),
    "apt": ("APT_CONFIG", *_NETWORK),
    "python": ("LD_LIBRARY_PATH",),
}


def child_environment(tool: str, environ: Mapping[str, str]) -> dict[str, str]:
    """The part of `environ` that `tool` needs; a name ending in `_` is a prefix."""
    wanted = (*_ALWAYS, *_NEEDS.get(tool, ()))
    prefixes = tuple(name for name in wanted if name.endswith("_"))
    return {
        name: value
        for name, value in environ.items()
        if name in wanted or name.startswith(prefixes)
    }
