"""The Vault token goes to the user's own server and to no other that a file names."""

from __future__ import annotations

import pytest

from repoint.planning.vaults import vault_variables

OWN = "https://vault.example.org:8200"
ENVIRON = {"VAULT_ADDR": OWN, "VAULT_TOKEN": "canary-token"}
FILE = f"""stringData:
    URL: ENC[AES256_GCM,data:Zm9v+/=,iv:AA=,tag:AA==,type:str]
sops:
    hc_vault:
        - vault_address: {OWN}
          engine_path: transit
          enc: vault:v1:AAAA
    mac: ENC[AES256_GCM,data:Zm9v,iv:AA=,tag:AA==,type:str]
"""
JSON = f'{{"sops": {{"hc_vault": [{{"vault_address": "{OWN}", "enc": "vault:v1:A"}}]}}}}'
OWN_FILES = {
    "YAML": FILE,
    "a slash more": FILE.replace(OWN, f"{OWN}/"),
    "quoted": FILE.replace(OWN, f'"{OWN}"'),
    "twice": FILE.replace("    mac:", f"        - vault_address: {OWN}\n    mac:"),
    "JSON": JSON,
    "dotenv": f"A=ENC[AES256_GCM]\nsops_hc_vault__list_0__map_vault_address={OWN}\n",
}
THEIRS = "https://evil.example.com"
STRANGE = {
    "another server": FILE.replace(OWN, THEIRS),
    "a longer name": FILE.replace(OWN, f"{OWN}.evil.example.com"),
    "another one beside it": FILE.replace(
        "    mac:", f"        - vault_address: {THEIRS}\n    mac:"
    ),
    "another one on the next line": FILE.replace(
        "    mac:", f"        - vault_address:\n            {THEIRS}\n    mac:"
    ),
    "a folded one": FILE.replace(
        "    mac:", f"        - vault_address: >-\n            {THEIRS}\n    mac:"
    ),
    "a key with an escape": FILE.replace(
        "    mac:", f'        - "vault\\x5faddress": {THEIRS}\n    mac:'
    ),
    "a key of its own": FILE.replace(
        "    mac:", f"        - ? vault_address\n          : {THEIRS}\n    mac:"
    ),
    "an alias": FILE.replace(OWN, "*server").replace(
        "URL: ENC", f"X: &server {THEIRS}\n    URL: E"
    ),
    "merged": FILE.replace("          engine_path", f"          <<: {{x: {THEIRS}}}\n          e"),
    "JSON with an escape": JSON.replace(
        "[{", f'[{{"vault\\u005faddress": "{THEIRS}", "enc": "x"}}, {{'
    ),
    "no server": FILE.replace(f"vault_address: {OWN}", "x: y"),
}


@pytest.mark.parametrize("text", OWN_FILES.values(), ids=OWN_FILES)
def test_the_users_own_server_gets_it(text: str) -> None:
    assert vault_variables(text.encode(), ENVIRON) == {}
    assert vault_variables(text.encode(), {**ENVIRON, "VAULT_ADDR": f"{OWN}/"}) == {}


@pytest.mark.parametrize("text", STRANGE.values(), ids=STRANGE)
def test_nobody_else_gets_it(text: str) -> None:
    assert vault_variables(text.encode(), ENVIRON) == {"VAULT_TOKEN": "withheld"}


def test_without_an_address_of_the_user_nobody_does() -> None:
    """sops would read `~/.vault-token` as well, where the variable is not set."""
    assert vault_variables(FILE.encode(), {}) == {"VAULT_TOKEN": "withheld"}
