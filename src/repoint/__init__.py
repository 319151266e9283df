"""Move every PostgreSQL consumer of a GitOps repository onto CloudNativePG.

Runtime traffic goes through the PgBouncer Pooler, migrations go direct. The
command line is `repoint`; its verbs are the modules of `repoint.flows`.
"""

__version__ = "0.1.0"
