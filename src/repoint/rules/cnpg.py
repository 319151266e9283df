"""What CloudNativePG's operator refuses, or leaves alone, of a Pooler and its Cluster.

Read in the operator's source, not run: its admission webhooks and the schemas of its custom
resources (facts CN1 to CN9). A manifest that the webhook refuses never reaches the cluster:
`kubectl apply` fails, and every consumer that was moved already finds no Pooler.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from repoint.model.plan import Finding, Severity
from repoint.rules.facts import ClusterFacts, EnvironmentFacts, PoolerFacts
from repoint.rules.rule import Rule
from repoint.sites.lexicon import lexicon

POOLER_REFUSED = Rule(
    "RP207",
    Severity.ERROR,
    "CloudNativePG refuses the Pooler",
    "The operator's admission webhook lets only some of PgBouncer's parameters be set, and the "
    "custom resource only some values. The API server then refuses the object whole, so no pooler "
    "pod is ever made.",
    "correct the field; CloudNativePG's documentation lists the parameters that may be set",
    ("CN1", "CN2", "CN3", "CN4"),
)
CLUSTER_REFUSED = Rule(
    "RP208",
    Severity.ERROR,
    "CloudNativePG refuses the Cluster",
    "Some PostgreSQL parameters are the operator's own, and some fields exclude or demand each "
    "other. The admission webhook refuses the object whole, the plan's changes of it too.",
    "remove the parameter, or correct the field",
    ("CN5", "CN6", "CN7"),
)
NOT_SERVING = Rule(
    "RP209",
    Severity.ERROR,
    "the Pooler serves nobody",
    "A paused Pooler accepts clients and lets them wait, each until `query_wait_timeout`; one with "
    "no instances has no pod to connect to.",
    "set `paused: false` and at least one instance before consumers are moved",
    ("OP9", "CN4"),
)
BY_HAND = Rule(
    "RP217",
    Severity.WARNING,
    "CloudNativePG does not set this Pooler up by itself",
    "With an `authQuery` or a `serverTLSSecret` of its own the operator creates neither the login "
    "that reads passwords nor its function in the database; without them nobody gets in. Fields "
    "that are deprecated still work and will go.",
    "remove the field, or create the role, the function and the grants as CloudNativePG's "
    "documentation says",
    ("CN3", "CN9"),
)
SERVICE = Rule(
    "RP218",
    Severity.ERROR,
    "a Service does not lead where its name says",
    "The operator makes the Services `<pooler>` and `<cluster>-rw`. A Service of the same name in "
    "the manifests takes their place or is fought over, and a template may move the port away from "
    "5432, where the connection strings look.",
    "remove the Service of that name, or keep port 5432 in `spec.serviceTemplate`",
    ("CN11", "X17"),
)
RULES: tuple[Rule, ...] = (POOLER_REFUSED, CLUSTER_REFUSED, NOT_SERVING, BY_HAND, SERVICE)

ALLOWED = lexicon(
    "application_name_add_host auth_type autodb_idle_timeout cancel_wait_timeout "
    "client_idle_timeout client_login_timeout client_tls_sslmode default_pool_size disable_pqexec "
    "dns_max_ttl dns_nxdomain_ttl idle_transaction_timeout ignore_startup_parameters "
    "listen_backlog log_connections log_disconnections log_pooler_errors log_stats "
    "max_client_conn max_db_connections max_packet_size max_prepared_statements "
    "max_user_connections min_pool_size pkt_buf query_timeout query_wait_timeout "
    "reserve_pool_size reserve_pool_timeout sbuf_loopcnt server_check_delay server_check_query "
    "server_connect_timeout server_fast_close server_idle_timeout server_lifetime "
    "server_login_retry server_reset_query server_reset_query_always server_round_robin "
    "server_tls_ciphers server_tls_protocols server_tls_sslmode stats_period suspend_timeout "
    "tcp_defer_accept tcp_socket_buffer tcp_keepalive tcp_keepcnt tcp_keepidle tcp_keepintvl "
    "tcp_user_timeout track_extra_parameters verbose"
)
FIXED = lexicon(
    "allow_system_table_mods archive_cleanup_command archive_command archive_mode bonjour "
    "bonjour_name cluster_name config_file data_directory data_sync_retry event_source "
    "external_pid_file hba_file hot_standby ident_file jit_provider listen_addresses "
    "log_destination log_directory log_file_mode log_filename log_rotation_age log_rotation_size "
    "log_truncate_on_rotation logging_collector port primary_conninfo primary_slot_name "
    "promote_trigger_file recovery_end_command recovery_min_apply_delay recovery_target "
    "recovery_target_action recovery_target_inclusive recovery_target_lsn recovery_target_name "
    "recovery_target_time recovery_target_timeline recovery_target_xid restart_after_crash "
    "restore_command shared_preload_libraries ssl ssl_ca_file ssl_cert_file ssl_crl_file "
    "ssl_dh_params_file ssl_ecdh_curve ssl_key_file ssl_passphrase_command "
    "ssl_passphrase_command_supports_reload ssl_prefer_server_ciphers stats_temp_directory "
    "synchronized_standby_slots synchronous_standby_names syslog_facility syslog_ident "
    "syslog_sequence_numbers syslog_split_messages temp_tablespaces unix_socket_directories "
    "unix_socket_group unix_socket_permissions"
)
_MODES, _TYPES = ("session", "transaction"), ("rw", "ro", "r")
_RESERVED_ROLES = frozenset({"postgres", "streaming_replica", "cnpg_pooler_pgbouncer"})


def check(facts: EnvironmentFacts) -> tuple[Finding, ...]:
    """Findings on every Pooler that consumers use, and on the Cluster."""
    found: list[Finding] = []
    for pooler, _ in facts.pools:
        found += _pooler(facts, pooler)
        found += _services(facts, pooler.name, pooler.namespace)
        ports = pooler.declared.service_ports
        if ports and "5432" not in ports:
            message = f"is served on port {', '.join(ports)}, not on 5432"
            found.append(_finding(facts, SERVICE, pooler, message, ""))
    if facts.cluster is not None:
        found += _cluster(facts, facts.cluster)
        if facts.direct or facts.pools:
            found += _services(facts, f"{facts.cluster.name}-rw", facts.cluster.namespace)
    return tuple(found)


def _services(facts: EnvironmentFacts, name: str, namespace: str) -> Iterator[Finding]:
    """A Service in the manifests that bears the name of one that the operator makes."""
    if (name, namespace) in facts.services:
        yield SERVICE.finding(
            f"Service `{name}` in `{namespace}` bears the name of one that CloudNativePG makes",
            environment=facts.name,
        )


def _pooler(facts: EnvironmentFacts, pooler: PoolerFacts) -> Iterator[Finding]:
    declared = pooler.declared
    problems = [(POOLER_REFUSED, *one) for one in (*_values(pooler), *_auth(pooler))]
    if declared.paused:
        problems.append((NOT_SERVING, "is paused: clients connect and wait", ""))
    if declared.instances == "0":
        problems.append((NOT_SERVING, "has 0 instances", ""))
    manual = "authQuerySecret" in declared.secrets or "serverTLSSecret" in declared.secrets
    if manual and declared.auth_query:
        text = "brings its own login for passwords, so the operator creates none"
        problems.append((BY_HAND, text, ""))
    for rule, message, hint in problems:
        yield _finding(facts, rule, pooler, message, hint)
    if declared.pod_monitor:
        yield _finding(
            facts,
            BY_HAND,
            pooler,
            "sets `spec.monitoring`, which is deprecated",
            "create a PodMonitor of its own for the Pooler's pods",
            Severity.NOTE,
        )


def _values(pooler: PoolerFacts) -> Iterator[tuple[str, str]]:
    """`(message, hint)` for each value that the webhook or the schema refuses."""
    declared = pooler.declared
    if not declared.has_pgbouncer:
        yield "has no `spec.pgbouncer`, which is required", ""
    if not pooler.cluster:
        yield "names no Cluster in `spec.cluster.name`", ""
    elif pooler.cluster == pooler.name:
        yield (
            "bears the name of its Cluster",
            "rename the Pooler, for example `<cluster>-pooler-rw`",
        )
    if declared.pool_mode and declared.pool_mode not in _MODES:
        hint = "write `session` or `transaction`; CloudNativePG has no other"
        yield f"has poolMode `{declared.pool_mode}`", hint
    if declared.type and declared.type not in _TYPES:
        yield f"has type `{declared.type}`", "write `rw`, `ro`, or `r` with newer operators"
    if declared.instances.startswith("-"):
        yield f"has {declared.instances} instances", ""
    if "*" in declared.databases:
        yield "lists a database `*`, which the operator adds itself", "remove the entry"
    if declared.bare_template:
        hint = "write `containers: []` beside what the template changes"
        yield "has a pod template without `containers`", hint
    for name, _ in pooler.parameters:
        if name not in ALLOWED:
            near = difflib.get_close_matches(name, sorted(ALLOWED), n=1, cutoff=0.8)
            hint = f"did you mean `{near[0]}`?" if near else f"remove `{name}`"
            yield f"sets `{name}`, which CloudNativePG does not let be set", hint


def _auth(pooler: PoolerFacts) -> Iterator[tuple[str, str]]:
    declared = pooler.declared
    own = {"authQuerySecret", "serverTLSSecret"} & set(declared.secrets)
    if own and not declared.auth_query:
        yield f"sets `{min(own)}` without an `authQuery`", ""
    if declared.auth_query and not own:
        yield "sets `authQuery` without an `authQuerySecret` or `serverTLSSecret`", ""


def _cluster(facts: EnvironmentFacts, cluster: ClusterFacts) -> Iterator[Finding]:
    declared = cluster.declared
    problems: list[str] = [
        f"sets `{name}`, which is the operator's own"
        for name, _ in declared.parameters
        if name in FIXED
    ]
    certificates = set(declared.certificates)
    if "serverTLSSecret" in certificates:
        if cluster.alt_names:
            problems.append("has `serverAltDNSNames` beside a `serverTLSSecret`")
        if "serverCASecret" not in certificates:
            problems.append("has a `serverTLSSecret` without a `serverCASecret`")
    if "replicationTLSSecret" in certificates and "clientCASecret" not in certificates:
        problems.append("has a `replicationTLSSecret` without a `clientCASecret`")
    if len(declared.bootstrap) > 1:
        problems.append("is bootstrapped in two ways: " + ", ".join(declared.bootstrap))
    problems += [
        f"manages the role `{name}`, which is reserved"
        for name in declared.roles
        if name in _RESERVED_ROLES or name.startswith(("pg_", "cnpg_"))
    ]
    for message in dict.fromkeys(problems):
        yield CLUSTER_REFUSED.finding(
            f"Cluster `{cluster.name}` {message}",
            location=cluster.location,
            environment=facts.name,
        )


def _finding(
    facts: EnvironmentFacts,
    rule: Rule,
    pooler: PoolerFacts,
    message: str,
    hint: str,
    severity: Severity | None = None,
) -> Finding:
    return rule.finding(
        f"Pooler `{pooler.name}` {message}",
        hint=hint,
        location=pooler.location,
        environment=facts.name,
        severity=severity,
    )
