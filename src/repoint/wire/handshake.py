"""The login of one connection, from the startup packet to the first ReadyForQuery."""

from __future__ import annotations

from repoint.wire import messages
from repoint.wire.binding import end_point
from repoint.wire.decoder import (
    Fields,
    Message,
    backend_pid,
    negotiated_minor,
    pair,
    report,
)
from repoint.wire.login import Login
from repoint.wire.refusals import ConnectionLost, DriverRefusal, ServerRefusal
from repoint.wire.scram import ScramClient

_OK, _CLEAR, _MD5, _SASL, _SASL_CONTINUE, _SASL_FINAL = 0, 3, 5, 10, 11, 12
_NO_BINDING = (
    "channel binding is required, but server did not offer an authentication method that "
    "supports channel binding"
)


class Handshake:
    """What the client says, message by message; `ready` when the server takes queries.

    `certificate` is the server's in DER, None without TLS: a password is never sent in clear
    text then.
    """

    def __init__(self, login: Login, certificate: bytes | None = None) -> None:
        self._login = login
        self._certificate = certificate
        self._scram: ScramClient | None = None
        self._proved = False
        self._signed = False
        self._negotiated = False
        self.ready = False
        self.backend_pid = 0
        self.parameters: dict[str, str] = {}
        self.notices: list[str] = []

    def start(self) -> bytes:
        """The startup packet.

        Raises:
            DriverRefusal: channel binding is demanded without TLS, or a text cannot be sent.
        """
        login = self._login
        if login.tls.channel_binding and self._certificate is None:
            raise DriverRefusal("channel binding required, but SSL not in use")
        return messages.startup(login.user, login.database, login.startup, minor=self._newest())

    def answer(self, message: Message) -> bytes:
        """What to send after `message`, often nothing.

        Raises:
            ServerRefusal: the server does not let this login in.
            DriverRefusal: the driver does not trust this server.
            ConnectionLost: this is not what a server says during a login.
        """
        if message.kind == "R":
            return self._authenticate(Fields(message))
        if message.kind == "E":
            said = report(message)
            raise ServerRefusal(said.sqlstate, said.text, fatal=True)
        if message.kind == "S":
            name, value = pair(message)
            self.parameters[name] = value
        elif message.kind == "K":
            self.backend_pid = backend_pid(message)
        elif message.kind == "N":
            self.notices.append(report(message).text)
        elif message.kind == "v":
            self._negotiate(negotiated_minor(message))
        elif message.kind == "Z":
            self.ready = True
        else:
            raise ConnectionLost(f"unexpected message type {message.kind!a} during the login")
        return b""

    def _newest(self) -> int:
        """libpq asks for its newest protocol where the oldest is set (TL6)."""
        return max(self._login.tls.min_protocol, self._login.tls.max_protocol)

    def _negotiate(self, minor: int) -> None:
        if self._negotiated:
            raise DriverRefusal("received duplicate protocol negotiation message")
        self._negotiated = True
        wanted = self._login.tls.min_protocol
        if minor < wanted:
            raise DriverRefusal(
                f'server only supports protocol version 3.{minor}, but "min_protocol_version" '
                f"was set to 3.{wanted}"
            )

    def _authenticate(self, fields: Fields) -> bytes:
        code = fields.int32()
        login = self._login
        if login.tls.channel_binding and code in (_OK, _CLEAR, _MD5) and not self._signed:
            raise DriverRefusal(
                "channel binding required, but server authenticated client without channel binding"
                if code == _OK
                else _NO_BINDING
            )
        if code == _OK:
            if self._scram is not None and not self._signed:
                raise DriverRefusal("server did not complete the SCRAM exchange")
            return b""
        if code == _CLEAR:
            if self._certificate is None:
                raise DriverRefusal("the server asks for the password in clear text without TLS")
            return messages.password(login.password)
        if code == _MD5:
            return messages.md5_password(login.password, login.user, fields.raw(4))
        if code == _SASL:
            return self._choose(fields)
        if self._scram is not None and code == _SASL_CONTINUE:
            if self._proved:
                raise DriverRefusal("the server asks for a SCRAM proof a second time")
            self._proved = True
            return messages.sasl_response(self._scram.final(fields.rest()))
        if self._scram is not None and code == _SASL_FINAL:
            self._scram.check(fields.rest())
            self._signed = True
            return b""
        raise DriverRefusal(f"authentication method {code} not supported")

    def _choose(self, fields: Fields) -> bytes:
        offered: list[str] = []
        while name := fields.text():
            offered.append(name)
        binding: bytes | None = None
        if self._login.tls.channel_binding and self._certificate is not None:
            if "SCRAM-SHA-256-PLUS" not in offered:
                raise DriverRefusal(_NO_BINDING)
            binding = end_point(self._certificate)
        self._scram = ScramClient(self._login.password, binding=binding)
        if self._scram.mechanism not in offered:
            raise DriverRefusal("none of the server's SASL authentication mechanisms are supported")
        return messages.sasl_initial(self._scram.mechanism, self._scram.first())
