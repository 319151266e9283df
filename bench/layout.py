"""Names that every generated file agrees on: environments, services, hosts, and who reads what."""

from __future__ import annotations

from bench.marks import Use, Wanted, site

ENVIRONMENTS = ("local", "staging", "production")
SERVICES = ("api", "auth", "billing", "catalog", "mailer", "orders", "search", "worker")

RUNTIME = ("runtime",)
MIGRATION = ("migration",)
PROBE = ("probe",)
LOCAL = ("local-development",)


def platform_namespace(environment: str) -> str:
    """The namespace of an environment's database."""
    return "platform" if environment == "local" else f"platform-{environment}"


def app_namespace(app: str, environment: str) -> str:
    """The namespace of an environment's workloads of `app`."""
    return app if environment == "local" else f"{app}-{environment}"


def source_host(environment: str) -> str:
    """The host name that consumers of an environment use today."""
    return f"postgres.{platform_namespace(environment)}.svc.cluster.local"


def uses(
    app: str,
    workload: str,
    purpose: str,
    environments: tuple[str, ...] = ENVIRONMENTS,
) -> tuple[Use, ...]:
    """Who reads a site: `workload` is `Kind/name/container`, its namespace the environment's."""
    kind, name, container = workload.split("/")
    return tuple(
        Use(f"{kind}/{app_namespace(app, one)}/{name}/{container}", one, purpose)
        for one in environments
    )


def url(app: str, host: str, wanted: Wanted, *, parameters: str = "sslmode=disable") -> str:
    """A connection string of `app` whose host is a site."""
    return f"postgresql://{app}:example@{site(host, wanted)}:5432/{app}?{parameters}"


def listed(items: list[str], indent: str = "  ") -> str:
    """A YAML list, one item a line."""
    return "".join(f"{indent}- {item}\n" for item in items)
