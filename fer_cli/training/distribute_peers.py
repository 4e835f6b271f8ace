"""The workers of one run on several machines: how they meet, what rank 0 tells them, and who is lost when work stops.

Every worker holds one TCP connection to rank 0, the chief, for the whole run. The chief's decisions and the variables
at the start go this way; gradients do not, TensorFlow has connections of its own for them. The chief listens on its
address of the list only until all have come: then TensorFlow serves that port.
"""

from __future__ import annotations

import contextlib
import json
import select
import socket
import struct
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fer_cli import __version__
from fer_cli.errors import FerError, MissingError, UsageError

#: Seconds in which all workers must have been started.
START_WAIT = 300.0
#: Seconds in which a living worker says so when the common work has stopped.
ANSWER_WAIT = 15.0
_RETRY = 0.2
_GREETING_WAIT = 5.0

#: A frame is its kind, its length and so many bytes.
_HEADER = struct.Struct(">cQ")
_VALUE, _REFUSED, _LOST, _PING, _PONG = b"v", b"r", b"l", b"?", b"!"
_FAILURES: dict[bytes, type[FerError]] = {_REFUSED: UsageError, _LOST: MissingError}


def parse_workers(text: str) -> tuple[str, ...]:
    """The addresses of a list HOST:PORT,HOST:PORT,…; `UsageError` for anything else."""
    addresses = tuple(part.strip() for part in text.split(","))
    for address in addresses:
        host, _, port = address.rpartition(":")
        if not host or not port.isdecimal() or not 0 < int(port) < 1 << 16:
            raise UsageError(f"--workers: expected HOST:PORT,HOST:PORT,… Received: {address or 'an empty address'}")
        if addresses.count(address) > 1:
            raise UsageError(f"--workers: each worker needs an address of its own. Received twice: {address}")
    return addresses


def check_rank(workers: Sequence[str], rank: int | None) -> None:
    """Raise `UsageError` where `rank` is not the number of one of the workers (None: no rank was given)."""
    if not workers and rank is not None:
        raise UsageError("--rank needs --workers, the addresses of all workers")
    if workers and rank is None:
        raise UsageError("--workers needs --rank, the number of this worker in the list, from 0")
    if workers and rank is not None and not 0 <= rank < len(workers):
        raise UsageError(f"--rank: expected 0 to {len(workers) - 1} for {len(workers)} workers. Received: {rank}")


class Peers:
    """The connections of one worker: of the chief to all others, of another one to the chief."""

    def __init__(self, addresses: Sequence[str], rank: int, links: Mapping[int, _Link]) -> None:
        self.addresses, self.rank, self._links = tuple(addresses), rank, dict(links)

    def share(self, payload: bytes) -> bytes:
        """What the chief passes, on every worker; `MissingError` where a worker that is needed for it is lost."""
        if self.rank:
            return self._from_chief(None)
        for rank, link in self._links.items():
            try:
                link.send(_VALUE, payload)
            except OSError:
                raise self.dismiss([rank]) from None
        return payload

    def close(self) -> None:
        """End the connections, as the end of the process does."""
        for link in self._links.values():
            link.close()

    def lost(self) -> FerError | None:
        """After the common work stopped: the error that says who is lost, or None where everyone answers.

        Takes `ANSWER_WAIT` seconds at most on the chief, twice that on the others, to whom the chief tells it.
        """
        if not self.rank:
            silent = self._silent()
            return self.dismiss(silent) if silent else None
        try:
            self._from_chief(2 * ANSWER_WAIT)
        except FerError as error:
            return error
        return None

    def dismiss(self, lost: Sequence[int]) -> MissingError:
        """Tell the workers that are left who is lost, and give the error that says so."""
        text = self._name(lost)
        for rank, link in self._links.items():
            if rank not in lost:
                link.try_send(_LOST, text.encode())
        return MissingError(text)

    def _from_chief(self, timeout: float | None) -> bytes:
        link = self._links[0]
        while True:
            try:
                kind, payload = link.receive(timeout)
            except OSError:
                raise MissingError(self._name([0])) from None
            if kind in _FAILURES:
                raise _FAILURES[kind](payload.decode())
            if kind == _VALUE:
                return payload
            link.try_send(_PONG)

    def _silent(self) -> list[int]:
        """The workers whose connection is broken or, when none is, those that do not answer in time."""
        for link in self._links.values():
            link.try_send(_PING)
        waiting, deadline = dict(self._links), time.monotonic() + ANSWER_WAIT
        while waiting and (left := deadline - time.monotonic()) > 0:
            for ready in select.select(list(waiting.values()), [], [], left)[0]:
                try:
                    ready.receive(_GREETING_WAIT)
                except OSError:
                    return [rank for rank, link in waiting.items() if link is ready]
                waiting = {rank: link for rank, link in waiting.items() if link is not ready}
        return list(waiting)

    def _name(self, ranks: Sequence[int]) -> str:
        names = [f"worker {rank} ({self.addresses[rank]})" for rank in ranks]
        return f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} lost"


def meet(addresses: Sequence[str], rank: int, run: Mapping[str, Any]) -> Peers:
    """Wait until all workers are here.

    run: JSON-able; what every worker must have been asked for alike. Raises `MissingError` naming those that have not
    come within `START_WAIT` seconds, and `UsageError`, on the chief and on the worker concerned, where their commands
    differ or the port of this worker's address is taken.
    """
    run = json.loads(json.dumps(run))
    links = _join(addresses, rank, run) if rank else _gather(addresses, run)
    return Peers(addresses, rank, links)


def _gather(addresses: Sequence[str], run: Mapping[str, Any]) -> dict[int, _Link]:
    links: dict[int, _Link] = {}
    deadline = time.monotonic() + START_WAIT
    with _listen(addresses[0]) as server, contextlib.ExitStack() as opened:
        while len(links) < len(addresses) - 1:
            server.settimeout(max(0.01, deadline - time.monotonic()))
            try:
                link = opened.enter_context(contextlib.closing(_Link(server.accept()[0])))
            except TimeoutError:
                raise _refuse(links.values(), MissingError(_missing(addresses, set(links)))) from None
            try:
                hello = json.loads(link.receive(_GREETING_WAIT)[1])
            except (OSError, ValueError):  # whatever knocked was no worker
                link.close()
                continue
            problem = _mismatch(hello, addresses, run, links)
            if problem:
                raise _refuse([*links.values(), link], UsageError(problem))
            links[hello["rank"]] = link
        for link in links.values():
            link.try_send(_VALUE)
        opened.pop_all()
    return links


def _join(addresses: Sequence[str], rank: int, run: Mapping[str, Any]) -> dict[int, _Link]:
    # A taken port is easy to tell now; TensorFlow would bring the process down.
    _listen(addresses[rank]).close()
    links = {0: _connect(addresses[0])}
    hello = {"version": __version__, "rank": rank, "workers": list(addresses), "run": run}
    links[0].try_send(_VALUE, json.dumps(hello).encode())
    try:
        Peers(addresses, rank, links)._from_chief(START_WAIT + _GREETING_WAIT)
    except BaseException:
        links[0].close()
        raise
    return links


def _connect(address: str) -> _Link:
    deadline = time.monotonic() + START_WAIT
    while True:
        try:
            return _Link(socket.create_connection(_split(address), timeout=_GREETING_WAIT))
        except OSError as error:
            if time.monotonic() >= deadline:
                raise MissingError(
                    f"worker 0 ({address}) did not answer within {START_WAIT:g} s ({error}); start the same command "
                    "there with --rank 0"
                ) from None
            time.sleep(_RETRY)


def _mismatch(
    hello: Mapping[str, Any], addresses: Sequence[str], run: Mapping[str, Any], links: Mapping[int, _Link]
) -> str | None:
    """Why a worker does not belong to this run, or None."""
    rank = hello["rank"]
    ours = {"--workers": ",".join(addresses), "version": __version__, **run}
    theirs = {"--workers": ",".join(hello["workers"]), "version": hello["version"], **hello["run"]}
    for name in ours.keys() | theirs.keys():
        if ours.get(name) != theirs.get(name):
            return (
                f"worker {rank} was started with {name} {theirs.get(name)}, worker 0 with {ours.get(name)}; "
                "all need the same command, apart from --rank"
            )
    return f"two workers were started with --rank {rank}" if rank in links else None


def _refuse(links: Iterable[_Link], error: FerError) -> FerError:
    kind = next(kind for kind, failure in _FAILURES.items() if isinstance(error, failure))
    for link in links:
        link.try_send(kind, str(error).encode())
    return error


def _missing(addresses: Sequence[str], here: set[int]) -> str:
    names = [f"worker {rank} ({addresses[rank]})" for rank in range(1, len(addresses)) if rank not in here]
    return f"{', '.join(names)} did not come within {START_WAIT:g} s; start the same command there with its --rank"


def _split(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def _listen(address: str) -> socket.socket:
    try:
        return socket.create_server(("", _split(address)[1]))
    except OSError as error:
        raise UsageError(f"--workers: port {_split(address)[1]} cannot be used on this machine ({error})") from None


class _Link:
    """Frames over one TCP connection; `OSError` when it is broken, `TimeoutError` when nothing comes in time."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        # A machine that goes without a word is noticed by the kernel: after 10 s, three probes 5 s apart.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in (("TCP_KEEPIDLE", 10), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3)):
            if hasattr(socket, name):
                connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)

    def fileno(self) -> int:
        """For `select`."""
        return self._socket.fileno()

    def close(self) -> None:
        """End the connection."""
        self._socket.close()

    def send(self, kind: bytes, payload: bytes = b"") -> None:
        """Send one frame."""
        self._socket.settimeout(None)
        self._socket.sendall(_HEADER.pack(kind, len(payload)) + payload)

    def try_send(self, kind: bytes, payload: bytes = b"") -> None:
        """Send one frame to whoever may be gone already."""
        with contextlib.suppress(OSError):
            self.send(kind, payload)

    def receive(self, timeout: float | None) -> tuple[bytes, bytes]:
        """The next frame, (kind, payload)."""
        self._socket.settimeout(timeout)
        kind, length = _HEADER.unpack(self._exactly(_HEADER.size))
        return kind, self._exactly(length)

    def _exactly(self, length: int) -> bytes:
        received = bytearray()
        while len(received) < length:
            part = self._socket.recv(min(length - len(received), 1 << 20))
            if not part:
                raise ConnectionError("closed by the other side")
            received += part
        return bytes(received)
