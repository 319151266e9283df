"""The contexts of the user's kubeconfig, and the API servers behind them."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from repoint.adapters.kubeapi.api import Api
from repoint.adapters.kubeapi.asking import Asking
from repoint.adapters.kubeapi.commands import config_cmd, kubectl_environment
from repoint.adapters.kubeapi.proxy import Proxy
from repoint.adapters.runner import find_tool, run, scratch_folder
from repoint.dsn.mask import mask
from repoint.errors import ToolFailed, WrongContext
from repoint.ports.cluster import ClusterApi

_LINE = re.compile(r"line (\d+)")
_OPENING_PATIENCE_S = 5.0
PATIENCE_S = 30.0


class KubectlDoor:
    """Opens API servers by the contexts of the user's kubeconfig; implements `ports.ClusterDoor`.

    `patience_s` is how long a request that may be repeated is, while nobody answers; `config_s`
    is how long the kubeconfig may take to be read.
    """

    def __init__(self, *, patience_s: float = PATIENCE_S, config_s: float = 60.0) -> None:
        self._patience_s = patience_s
        self._config_s = config_s

    def contexts(self) -> tuple[str, ...]:
        """The names of every context; none without a kubeconfig.

        Raises:
            ToolMissing: kubectl is not installed.
            ToolFailed: the kubeconfig cannot be read.
        """
        return tuple(one["name"] for one in self._config.get("contexts") or ())

    def current(self) -> str:
        """The current context; empty when none is set; errors as for `contexts`."""
        return str(self._config.get("current-context") or "")

    def server(self, context: str) -> str:
        """The address of a context's API server; empty when it has none; errors likewise."""
        names = {
            one["name"]: (one.get("context") or {}).get("cluster")
            for one in self._config.get("contexts") or ()
        }
        for one in self._config.get("clusters") or ():
            if one["name"] == names.get(context):
                return mask(str((one.get("cluster") or {}).get("server", "")))
        return ""

    @contextmanager
    def open(self, context: str) -> Iterator[ClusterApi]:
        """The API server of a context, while the block runs.

        Raises:
            WrongContext: there is no such context.
            ClusterLost: it does not answer.
            ClusterRefused: it does not take this user's credentials.
            ToolMissing: kubectl is not installed.
            ToolFailed: the kubeconfig cannot be read.
        """
        known = self.contexts()
        if context not in known:
            raise WrongContext(
                f"there is no Kubernetes context `{context}`",
                hint=f"the kubeconfig has: {', '.join(known) or 'none'}",
            )
        with (
            scratch_folder("repoint-api-") as folder,
            Proxy(find_tool("kubectl"), context, folder) as proxy,
        ):
            api = Api(context, Asking(proxy, context, self._patience_s))
            api.greet(min(self._patience_s, _OPENING_PATIENCE_S))
            yield api

    @cached_property
    def _config(self) -> dict[str, Any]:
        argv = config_cmd(find_tool("kubectl"))
        env = kubectl_environment(os.environ)
        result = run(argv, tool="kubectl", env=env, timeout=self._config_s)
        if result.status != 0:
            # What kubectl says of a file may quote it.
            line = _LINE.search(result.stderr.decode(errors="replace"))
            where = f" at line {line.group(1)}" if line else ""
            raise ToolFailed(
                f"the kubeconfig cannot be read: it is damaged{where}, or closed to this user",
                hint="run `kubectl config view`: it tells the file and what is wrong with it",
            )
        found: dict[str, Any] = json.loads(result.stdout)
        return found
