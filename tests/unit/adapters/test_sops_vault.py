"""A sealed file of a stranger names a Vault server of theirs: what does the real sops tell it?"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from repoint.adapters.filetree import FileTree
from repoint.adapters.sops import Sops
from repoint.errors import SealedFile

FILE = """stringData:
    URL: ENC[AES256_GCM,data:Zm9v,iv:{zeros}=,tag:AAAAAAAAAAAAAAAAAAAAAA==,type:str]
sops:
    hc_vault:
        - vault_address: {address}
          engine_path: transit
          key_name: k
          created_at: "2026-01-01T00:00:00Z"
          enc: vault:v1:AAAA
    lastmodified: "2026-01-01T00:00:00Z"
    mac: ENC[AES256_GCM,data:Zm9v,iv:{zeros}=,tag:AAAAAAAAAAAAAAAAAAAAAA==,type:str]
    version: 3.11.0
"""


class Server(ThreadingHTTPServer):
    """Refuses everybody, and remembers the tokens that it was shown."""

    def __init__(self) -> None:
        self.tokens: list[str] = []
        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_PUT(self) -> None:
        self.server.tokens.append(self.headers.get("X-Vault-Token", ""))
        self.send_response(403)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as made:
        thread = threading.Thread(target=made.serve_forever)
        thread.start()
        yield made
        made.shutdown()
        thread.join()


@pytest.mark.parametrize("by", ["variable", "file"])
@pytest.mark.parametrize(
    "own",
    [
        pytest.param(False, id="a stranger's"),
        pytest.param(True, id="the user's own"),
    ],
)
def test_the_token_goes_to_the_users_own_server_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: Server, own: bool, by: str
) -> None:
    raw = FILE.format(address=server.address, zeros="A" * 43)
    (tmp_path / "x.yaml").write_text(raw)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("VAULT_ADDR", server.address if own else "https://vault.example.org")
    if by == "variable":
        monkeypatch.setenv("VAULT_TOKEN", "canary-token")
    else:
        (tmp_path / ".vault-token").write_text("canary-token")

    with pytest.raises(SealedFile):
        Sops(FileTree(tmp_path)).decrypt("x.yaml")

    assert server.tokens
    assert ("canary-token" in server.tokens) is own
