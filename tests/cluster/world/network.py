"""The network of the pods: each has its own, and Services lead from one to another.

A pod's network namespace has a loopback device only, on which the addresses of all pods and
Services are its own. So a program may listen on any port, as in a cluster, and what it sends to
a Service arrives at a listener that this process has put into that very namespace; a relay in
user space takes it to a ready pod behind the Service. A Service without a ready pod has no
listener: the connection is refused. Nothing of this is seen from outside, and all of it is gone
with the processes in it. A NetworkPolicy is not enforced.

A program that listens on every address of its pod takes its port from Services as well: it
cannot ask one at that port.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import fcntl
import os
import socket
import struct
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any, TypeVar

from repoint.adapters.lab.ports import LOOPBACK

_NEWNET = 0x40000000
_SET_FLAGS, _SET_ADDRESS, _SET_NETMASK = 0x8914, 0x8916, 0x891C
_UP_AND_RUNNING = 0x1 | 0x8 | 0x40
_PODS = ("lo:1", "10.244.0.1")
_SERVICES = ("lo:2", "10.96.0.1")
_WIDTH = "255.255.0.0"
_CHUNK = 65536
_TURNS = 5
_LIBC = ctypes.CDLL(None, use_errno=True)

_T = TypeVar("_T")

Place = tuple[str, int]
"""An address and a port."""


@dataclass(frozen=True, eq=False)
class Sandbox:
    """A pod's network: `address` is the pod's, `number` the open namespace of this process.

    `busy` are ports that its programs listen on at every address.
    """

    number: int
    address: str
    busy: frozenset[int] = frozenset()

    @property
    def path(self) -> str:
        """What names the namespace to another process while this one lives."""
        return f"/proc/{os.getpid()}/fd/{self.number}"


@dataclass(frozen=True)
class Target:
    """Where a connection goes: a port of a pod, or of this machine where `sandbox` is None."""

    sandbox: Sandbox | None
    place: Place


Choose = Callable[[], Target | None]


@dataclass
class Network:
    """All pods' networks, and the relays between them; `close` ends every connection."""

    _sandboxes: dict[Sandbox, dict[Place, asyncio.Server]] = field(default_factory=dict)
    _ways: dict[Target, tuple[int, asyncio.Server]] = field(default_factory=dict)
    _addresses: Iterator[int] = field(default_factory=lambda: count(2))
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        # A listener takes a turn to close; who would open it again meanwhile finds it in use.
        self._opening = asyncio.Lock()
        self._home = os.open("/proc/self/ns/net", os.O_RDONLY)
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End every relay."""
        self._do(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        os.close(self._home)

    def new(self, busy: frozenset[int]) -> Sandbox:
        """A network for a new pod."""
        number, low = self._made(), next(self._addresses)
        sandbox = Sandbox(number, f"10.244.{low >> 8}.{low & 255}", busy)
        self._sandboxes[sandbox] = {}
        return sandbox

    @contextlib.contextmanager
    def inside(self, sandbox: Sandbox) -> Iterator[None]:
        """Have this thread, and the processes that it starts, be in a pod's network."""
        _enter(sandbox.number)
        try:
            yield
        finally:
            _enter(self._home)

    def drop(self, sandbox: Sandbox) -> None:
        """Close what was opened for a pod that is gone."""
        self._do(self._forget(sandbox))
        os.close(sandbox.number)

    def publish(self, sandbox: Sandbox, services: Mapping[Place, Choose]) -> None:
        """Have these Services, and no others, answer in a pod; each asks where to go."""
        wanted = {place: how for place, how in services.items() if place[1] not in sandbox.busy}
        self._do(self._publish(sandbox, wanted))

    def way_in(self, target: Target) -> int:
        """A port of 127.0.0.1 that leads to a port of a pod as long as the pod is there."""
        if target not in self._ways:
            listener = socket.create_server((LOOPBACK, 0))
            port: int = listener.getsockname()[1]
            server = self._do(self._listen(listener, LOOPBACK, lambda: target))
            self._ways[target] = port, server
        return self._ways[target][0]

    def reach(self, target: Target, timeout_s: float) -> socket.socket:
        """A connection to a port of a pod, for a probe."""
        found = self._socket(target.sandbox)
        found.settimeout(timeout_s)
        try:
            found.connect(target.place)
        except BaseException:
            found.close()
            raise
        return found

    def _do(self, work: Coroutine[Any, Any, _T]) -> _T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _publish(self, sandbox: Sandbox, wanted: Mapping[Place, Choose]) -> None:
        async with self._opening:
            await self._open(sandbox, wanted)

    async def _open(self, sandbox: Sandbox, wanted: Mapping[Place, Choose]) -> None:
        there = self._sandboxes.get(sandbox)
        if there is None:
            return  # Its pod has just gone.
        for place in [one for one in there if one not in wanted]:
            await _stop(there.pop(place))
        for place in [one for one in wanted if one not in there]:
            listener = self._socket(sandbox)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(place)
            there[place] = await self._listen(listener, sandbox.address, wanted[place])

    async def _listen(self, listener: socket.socket, source: str, how: Choose) -> asyncio.Server:
        async def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            self._tasks.add(task)
            try:
                await self._relay(reader, writer, source, how())
            finally:
                self._tasks.discard(task)
                writer.transport.abort()

        return await asyncio.start_server(accepted, sock=listener)

    async def _relay(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        source: str,
        target: Target | None,
    ) -> None:
        if target is None:
            return
        with contextlib.suppress(OSError, asyncio.CancelledError):
            inner, outer = await self._connected(source, target)
            try:
                ways = (self._pump(reader, outer), self._pump(inner, writer))
                await asyncio.gather(*ways)
            finally:
                outer.transport.abort()

    async def _connected(
        self, source: str, target: Target
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        outgoing = self._socket(target.sandbox)
        try:
            outgoing.setblocking(False)
            if target.sandbox is not None:
                outgoing.bind((source, 0))
            await self._loop.sock_connect(outgoing, target.place)
            return await asyncio.open_connection(sock=outgoing)
        except BaseException:
            outgoing.close()
            raise

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
        writer.write_eof()

    async def _forget(self, sandbox: Sandbox) -> None:
        await self._publish(sandbox, {})
        del self._sandboxes[sandbox]
        for target in [one for one in self._ways if one.sandbox is sandbox]:
            await _stop(self._ways.pop(target)[1])

    async def _end(self) -> None:
        for _, way in self._ways.values():
            await _stop(way)
        for sandbox in self._sandboxes:
            await self._publish(sandbox, {})
        # A connection that was taken a moment ago has a task that has not begun, or is ended by a
        # callback that waits its turn: closed before that, the loop leaves its socket open.
        for _ in range(_TURNS):
            await asyncio.sleep(0)
            for task in tuple(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _socket(self, sandbox: Sandbox | None) -> socket.socket:
        """A new socket in a pod's namespace, or in our own; it stays there for good."""
        if sandbox is None:
            return socket.socket()
        with self.inside(sandbox):
            return socket.socket()

    def _made(self) -> int:
        """A new namespace with its addresses, made by a thread that ends in it."""
        found: list[int] = []

        def make() -> None:
            if _LIBC.unshare(_NEWNET) != 0:
                return
            with socket.socket() as control:
                _set(control, "lo", _SET_FLAGS, struct.pack("h", _UP_AND_RUNNING))
                for name, address in (_PODS, _SERVICES):
                    _set(control, name, _SET_ADDRESS, _packed(address))
                    _set(control, name, _SET_NETMASK, _packed(_WIDTH))
            found.append(os.open("/proc/thread-self/ns/net", os.O_RDONLY))

        thread = threading.Thread(target=make)
        thread.start()
        thread.join()
        if not found:
            raise PermissionError("a network namespace cannot be made here")
        return found[0]


def may_make() -> bool:
    """Whether this process may give pods networks of their own: root may, mostly."""
    found: list[bool] = []
    thread = threading.Thread(target=lambda: found.append(_LIBC.unshare(_NEWNET) == 0))
    thread.start()
    thread.join()
    return found == [True]


async def _stop(server: asyncio.Server) -> None:
    """Close a server that may have taken a connection in this very turn.

    A closed server refuses the transport of such a connection when that is half made, and nobody
    closes its socket. So it takes no more, has those made that it took, and is closed then.
    """
    for listener in server.sockets:
        asyncio.get_running_loop().remove_reader(listener.fileno())
    await asyncio.sleep(0)
    server.close()


def _enter(number: int) -> None:
    if _LIBC.setns(number, _NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def _set(control: socket.socket, name: str, what: int, value: bytes) -> None:
    fcntl.ioctl(control, what, struct.pack("16s", name.encode()) + value.ljust(24, b"\0"))


def _packed(address: str) -> bytes:
    return struct.pack("HH4s", socket.AF_INET, 0, socket.inet_aton(address))
