"""The marks that repoint leaves on objects of a cluster: all of its state is in them."""

from __future__ import annotations

INPUTS = "repoint.dev/inputs"
"""On a pod template: digest of the tokens of what it reads; a change of it is the restart."""
SPEC = "repoint.dev/spec"
"""On a Job: digest of what it was made from; a complete Job with an equal one is done."""
RECYCLED = "repoint.dev/recycled"
"""On a Pooler: the runs of Jobs, by uid, that it was recycled after."""
PAUSED_BY = "repoint.dev/paused-by"
"""On a Pooler: who paused it. Without it a paused Pooler is somebody else's."""
START_DUE = "repoint.dev/start-due"
"""On a Pooler: parameters that changed, which its pods take at their start only."""
RAN = "repoint.dev/ran"
"""On the Lease: JSON of Job to digest and uid, for Jobs that clean up after themselves."""
PROCESS = "repoint.dev/process"
"""On the Lease: host and process that hold it."""

DEPLOYMENT, STATEFUL_SET, DAEMON_SET = "Deployment", "StatefulSet", "DaemonSet"
ROLLED = (DEPLOYMENT, STATEFUL_SET, DAEMON_SET)
"""The kinds whose pods are replaced when their template changes."""
POD_MAKERS = (*ROLLED, "ReplicaSet", "ReplicationController", "CronJob", "Pod")
"""The kinds, Jobs aside, that come after Secrets and Jobs."""
GATED = "repoint.dev/gated"
"""On the Lease, once a rollout has begun to switch: the content whose gate was passed, then
`SWITCHED`. A way back takes it off."""
SWITCHED = "switched"
