"""Asking the daemon."""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType

from . import v1_pb2 as ipc
from .connection import Connection, socket_path, unexpected
from .news import Gap


class Client:
    """A connection on which every request has one answer.

    An error ends it: connect again.
    """

    def __init__(self, name: str, path: str | None = None, timeout: float = 2.0) -> None:
        self._timeout = timeout
        self._connection = Connection(socket_path(path), name, timeout)

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self._connection.close()

    @property
    def welcome(self) -> ipc.Welcome:
        """What the daemon said about itself."""
        return self._connection.welcome

    def snapshot(self) -> ipc.Snapshot:
        """Everything the daemon knows, now."""
        self._connection.send(ipc.Request(get_snapshot=ipc.GetSnapshot()))
        reply = self._connection.receive(self._timeout)
        if reply.WhichOneof("body") != "snapshot":
            raise unexpected("a Snapshot", reply)
        return reply.snapshot

    def events(
        self,
        filter: ipc.Filter | None = None,
        after: ipc.ResumePoint | None = None,
        since_unix_ms: int | None = None,
    ) -> Iterator[ipc.Event | Gap]:
        """The events of the past that the daemon still has. Read them to their end."""
        request = ipc.GetEvents(filter=filter, since_unix_ms=since_unix_ms)
        if after is not None:
            getattr(request, "from").CopyFrom(after)
        self._connection.send(ipc.Request(get_events=request))
        while True:
            reply = self._connection.receive(self._timeout)
            kind = reply.WhichOneof("body")
            if kind == "event":
                yield reply.event
            elif kind == "lost":
                if reply.lost.count or reply.lost.more:
                    yield Gap(reply.lost.count, reply.lost.more)
            elif kind == "events_end":
                return
            else:
                raise unexpected("an event of the past", reply)
