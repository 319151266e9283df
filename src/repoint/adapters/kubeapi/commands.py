"""The kubectl commands that reach a cluster, and what their processes see of the environment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

# repoint asks for none of these ways into a container or around the API.
_CLOSED = (
    r"^/api/v1/namespaces/[^/]+/pods/[^/]+/(exec|attach|portforward|proxy)(/|$)",
    r"^/api/v1/namespaces/[^/]+/services/[^/]+/proxy(/|$)",
    r"^/api/v1/nodes/[^/]+/proxy(/|$)",
)
_OTHERS_SECRETS = re.compile(
    r"PG[A-Z]+\Z|SOPS_|(?:.*_)?(?:DB|DATABASE|POSTGRES(?:QL)?|PG)_?(?:PASS|PW)", re.DOTALL
)
# A login at anything but a proxy or another web server is nothing that a plugin asks for.
_DATABASE_URL = re.compile(
    r"(?:jdbc:)?postgres(?:ql)?(?:\+\w+)?:|(?!https?:)[a-z][\w.+-]*+://[^/\s:]*+:[^/\s]*@",
    re.IGNORECASE,
)


def config_cmd(kubectl: str) -> list[str]:
    """Every context and cluster of the kubeconfig, as JSON, credentials left out."""
    return [kubectl, "config", "view", "--output=json"]


def proxy_cmd(kubectl: str, context: str, socket: Path) -> list[str]:
    """Serve the API of `context` at a Unix socket.

    The server's path is appended for contexts whose server has one (Rancher's).
    """
    return [
        *(kubectl, "proxy", f"--context={context}", f"--unix-socket={socket}"),
        *("--append-server-path=true", f"--reject-paths={','.join(_CLOSED)}"),
    ]


def forward_cmd(
    kubectl: str, context: str, namespace: str, target: str, port: int, *, at: int = 0
) -> list[str]:
    """Lead a port of 127.0.0.1 to `port` of `pod/NAME` or `service/NAME`.

    It is the port `at`, or a free one, which kubectl then tells.
    """
    return [
        *(kubectl, "port-forward", f"--context={context}", f"--namespace={namespace}"),
        *("--address=127.0.0.1", target, f"{at or ''}:{port}"),
    ]


def kubectl_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """What a kubectl that logs in sees: all but the secrets of databases and of sops.

    A credential plugin may need any variable of its vendor or its author, and gets from kubectl
    what kubectl gets. The user's own defaults for kubectl's options (kuberc) are left out.
    """
    kept = {
        name: value
        for name, value in environ.items()
        if not _OTHERS_SECRETS.match(name) and not _DATABASE_URL.match(value)
    }
    return {**kept, "KUBERC": "off"}
