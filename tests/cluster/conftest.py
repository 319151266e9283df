"""Tests on a real Kubernetes API: how to ask for one.

Mark a module with `pytestmark = pytest.mark.cluster` and take the fixture `api`: etcd,
kube-apiserver (TLS, RBAC), kube-controller-manager, kube-scheduler and kwok, of this session
alone (one for each xdist worker). CloudNativePG's CRDs are installed, its operator does not run.

    def test_restart(api: ControlPlane) -> None:
        namespace = api.namespace()                     new, and ready for pods
        api.create(deployment(namespace))               objects of any kind
        api.kubectl("rollout", "status", "deployment/x", "-n", namespace)

    api.kubeconfig                    an administrator's; its context is called `test`
    api.environment(kubeconfig)       the variables for a child: KUBECONFIG, HOME, PATH
    api.kubectl(*args, stdin=, kubeconfig=, check=, timeout_s=)     .status .out .err .json
    api.call("GET", path, body)       one request: (status, answer); some 10 ms, kubectl 100
    api.get(path), api.delete(path)   the same, and an error when it is refused
    api.kubeconfig_for("rollout", namespace)    a ServiceAccount's own token (TokenRequest)
    api.asked_by("rollout", namespace)          the rights it has used: (verb, group, resource)
    api.kubeconfig_of_user("alice")             a person's client certificate
    api.stop_apiserver(), api.start_apiserver() the same port and objects afterwards
    api.until("what", lambda: ...)    wait for something, with a deadline
    api.logs("kube-apiserver")        what a program said; a failed test shows them all
    api.folder                        a private folder that goes with the control plane

objects.py makes small objects for them. Pods have no containers: kwok plays them (stages.py says
how a test has it otherwise, and how Jobs are left to an agent: `api.leave_jobs_to_agent(..)`).
What `kubectl port-forward` and `logs` do is told by kwok's own objects (`forwards`, `logs_of`).
A Pooler's metrics come from CloudNativePG's own exporter before a real PgBouncer: exporting.py.

Without the parts such a test is skipped, or fails with `pytest --require-cluster`; `make
cluster` builds them. `need_parts(config, "cnpg")` of fix_api.py is for tests of one part.
"""
