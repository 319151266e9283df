"""The kubectl commands as data, and what their processes see."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from repoint.adapters.kubeapi.commands import (
    config_cmd,
    forward_cmd,
    kubectl_environment,
    proxy_cmd,
)


def test_the_kubeconfig_is_shown_without_credentials() -> None:
    assert config_cmd("kubectl") == ["kubectl", "config", "view", "--output=json"]


def test_a_proxy_serves_a_socket_and_no_port() -> None:
    argv = proxy_cmd("kubectl", "prod", Path("/private/api"))

    assert argv[:4] == ["kubectl", "proxy", "--context=prod", "--unix-socket=/private/api"]
    assert "--append-server-path=true" in argv
    assert not any(option.startswith(("--port", "--address")) for option in argv)


@pytest.mark.parametrize(
    ("path", "closed"),
    [
        ("/api/v1/namespaces/x/pods/p/exec", True),
        ("/api/v1/namespaces/x/pods/p/attach", True),
        ("/api/v1/namespaces/x/pods/p/portforward", True),
        ("/api/v1/namespaces/x/pods/p/proxy/any/thing", True),
        ("/api/v1/namespaces/x/services/s/proxy/", True),
        ("/api/v1/nodes/n/proxy/logs", True),
        ("/api/v1/namespaces/x/pods/p/log", False),
        ("/api/v1/namespaces/x/pods/exec", False),
        ("/api/v1/namespaces/proxy/services/proxy", False),
        ("/api/v1/nodes/proxy", False),
        ("/apis/example.org/v1/namespaces/x/pods/p/exec", False),
    ],
)
def test_ways_into_a_container_are_closed(path: str, closed: bool) -> None:
    (option,) = [
        one for one in proxy_cmd("kubectl", "prod", Path("/x")) if one.startswith("--reject-paths=")
    ]
    patterns = option.removeprefix("--reject-paths=").split(",")

    assert any(re.search(pattern, path) for pattern in patterns) is closed


def test_a_port_is_forwarded_on_loopback_only() -> None:
    argv = forward_cmd("kubectl", "prod", "ns", "pod/p", 5432)

    assert argv[1:] == [
        *("port-forward", "--context=prod", "--namespace=ns", "--address=127.0.0.1"),
        *("pod/p", ":5432"),
    ]
    assert forward_cmd("kubectl", "prod", "ns", "pod/p", 5432, at=4000)[-1] == "4000:5432"


def test_kubectl_sees_all_but_other_secrets() -> None:
    kept = {
        "KUBECONFIG": "/k",
        "AWS_PROFILE": "team",
        "HTTPS_PROXY": "http://u:p@proxy:3128",
        "ANY_VENDORS_TOKEN": "t",
        "PAGER": "less",
        "AWS_SECRET_ACCESS_KEY": "a",
        "SSO_START_URL": "https://h/start",
        "HTTP_PROXY": "http://u:p@proxy:3128",
    }
    secrets = {
        "PGPASSWORD": "x",
        "PGPASSFILE": "x",
        "SOPS_AGE_KEY": "x",
        "DATABASE_URL": "postgres://u:p@h/d",
        "ANY": "postgresql+asyncpg://u:p@h/d",
        "JDBC": "jdbc:postgresql://h/d?password=p",
        "DB_PASSWORD": "x",
        "SHOP_DATABASE_PASSWORD": "x",
        "POSTGRES_PASSWORD_FILE": "x",
        "PG_PASS": "x",
        "CACHE_URL": "redis://:p@h:6379/0",
        "ORDERS": "mysql://u:p@h/d",
    }

    assert kubectl_environment({**kept, **secrets}) == {**kept, "KUBERC": "off"}
