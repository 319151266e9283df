"""What a scan can tell of CloudNativePG's own Secret: who takes it and so goes past the Pooler."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from repoint.kube.resolve import Resolution
from repoint.model.consumer import Workload
from repoint.model.plan import Finding
from repoint.planning.config import Config


def past_the_pooler(
    config: Config, resolution: Resolution, linked: Collection[tuple[str, Workload]]
) -> Iterator[Finding]:
    """RP219 for each environment: such a consumer has no site that a scan could show.

    Args:
        config: What names the Cluster, and who is meant to go direct.
        resolution: The environments' objects.
        linked: `(environment, container)` of those with a site of their own.
    """
    # A prefix may stand before it; most repositories make the Secret of their own.
    if not resolution.index.says(f"{config.target.cluster}-app"):
        return
    from repoint.planning import app_secret
    from repoint.planning.environment_facts import targets_of

    for build in resolution.environments:
        mine = {workload for environment, workload in linked if environment == build.name}
        targets = targets_of(config, build)
        reads = app_secret.app_secret_reads(config, build, targets, mine)
        yield from app_secret.past_the_pooler(reads)
