"""What a consumer's own health endpoint says."""

from __future__ import annotations

import time

from repoint.errors import ClusterLost, ClusterRefused
from repoint.flows.verifying.live import LiveState, containers_of, template_labels
from repoint.flows.verifying.reaching import Reach
from repoint.flows.verifying.subjects import Subject
from repoint.model.cluster import ref_of
from repoint.model.rehearsal import Check, Verdict
from repoint.planning.config import Config
from repoint.planning.judging import choice_for
from repoint.ports.connecting import HttpGet
from repoint.verification.health import (
    Endpoint,
    endpoint_of_probe,
    endpoint_of_url,
    wellness,
)


def health_check(
    subject: Subject, live: LiveState, reach: Reach, config: Config, get: HttpGet
) -> Check:
    """Whether the consumer says that it is well, at repoint.yaml's URL or its probe's."""
    began, name = time.monotonic(), "health"
    endpoint, why = endpoint_for(subject, live, config)
    if endpoint is None:
        verdict = Verdict.UNKNOWN if why.startswith("`") else Verdict.SKIPPED
        return Check(name, verdict, "it says that it is well", why)
    expected = f"{endpoint.url} answers 2xx"
    way = (endpoint.namespace, endpoint.target, endpoint.port)
    try:
        status, _ = get(
            reach.address(*way),
            endpoint.host,
            endpoint.path,
            tls=endpoint.tls,
            timeout_s=reach.timeout_s,
        )
    except ClusterRefused as error:
        gone = error.reason in ("NotFound", "NotRunning")
        return Check(name, Verdict.FAIL if gone else Verdict.UNKNOWN, expected, error.message)
    except ClusterLost as error:
        return Check(name, Verdict.UNKNOWN, expected, error.message)
    except OSError as error:
        told = "no answer in time" if isinstance(error, TimeoutError) else "no answer"
        return Check(name, Verdict.FAIL, expected, told)
    took = round(time.monotonic() - began, 3)
    return Check(name, wellness(status), expected, f"{status}", (), took)


def endpoint_for(subject: Subject, live: LiveState, config: Config) -> tuple[Endpoint | None, str]:
    """Where to ask, else why there is nothing to ask; the text begins with a backtick where the
    URL that repoint.yaml gives cannot be asked."""
    workload, container = subject.workload, subject.container
    if subject.client.purpose == "probe" or workload is None:
        return None, "it serves nothing"
    chosen = choice_for(config, container)
    if chosen is not None and chosen.health:
        found = endpoint_of_url(chosen.health, container.namespace)
        return found, "" if found else "`health` in repoint.yaml names no Service of the cluster"
    for one in containers_of(workload):
        if one.get("name") == container.container:
            mine = [s for s in live.services if ref_of(s).namespace == container.namespace]
            pods = live.pods_of(workload)
            found = endpoint_of_probe(workload, one, template_labels(workload), mine, pods)
            return found, "" if found else "it has no HTTP probe, and repoint.yaml names no URL"
    return None, "it is not among the workload's containers"
