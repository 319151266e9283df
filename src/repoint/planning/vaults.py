"""Which sealed files may have the user's Vault token: a file names the server it goes to.

sops asks the server that stands in the file, with the token of the user's environment or of
`~/.vault-token` (`hcvault/keysource.go`). A repository of a stranger could name its own server,
and a mere scan would send the token there. So the token goes only to the user's own
`VAULT_ADDR`; in its place others get a word that is none, which also keeps sops off the file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

TOKEN, ADDRESS = "VAULT_TOKEN", "VAULT_ADDR"
WITHHELD = "withheld"
_KEY = b"vault_address"
_NAMED = re.compile(rb"vault_address[\"']?\s*[:=]\s*[\"']?([^\s\"',}\]]+)")
# Other spellings of a key or of an address: escapes, aliases, merged mappings, tags.
_OTHERWISE = re.compile(rb"\\|<<|!|(?:^|[\s\[{,:-])[&*]\w", re.MULTILINE)


def vault_variables(raw: bytes, environ: Mapping[str, str]) -> dict[str, str]:
    """What to lay over the variables of a sops that opens `raw`; nothing where all is well.

    The file is not parsed: what is spelled in any way but sops' own counts as a stranger's.
    """
    own = environ.get(ADDRESS, "").rstrip("/").encode()
    named = [one.rstrip(b"/") for one in _NAMED.findall(raw)]
    plain = len(named) == raw.count(_KEY) and not _OTHERWISE.search(raw)
    if named and plain and own and all(one == own for one in named):
        return {}
    return {TOKEN: WITHHELD}
