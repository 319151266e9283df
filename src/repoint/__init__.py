"""Move every PostgreSQL consumer of a GitOps repository onto CloudNativePG.

Runtime traffic goes through the PgBouncer Pooler, migrations go direct. The
command line is `repoint`; its verbs are the modules of `repoint.flows`.
"""

import sys as _sys

if _sys.version_info < (3, 11, 5):  # its `re` is wrong; Debian 12 has such a one
    from repoint.model import possessive as _possessive

    _possessive.mend()

__version__ = "0.1.0"
