"""Being told what happens for as long as the program runs, whatever becomes of
the daemon meanwhile."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator

from . import v1_pb2 as ipc
from .connection import Connection, socket_path, unexpected
from .errors import HatsError, Malformed, Refused
from .news import Away, Gap, State
from .view import View

#: A daemon that says nothing for so long is stale: a keep-alive is due every 5 s.
SILENCE_MAX = 15.0

_RETRY_FIRST, _RETRY_MAX = 0.05, 5.0


class Follower:
    """Follows the events of a daemon: connects, and connects again, goes on where
    it was, and keeps the state of the cluster. Iterate over it.

    It raises only what trying again would not mend: :class:`Refused` with
    ``is_final`` (no version in common, a filter that the daemon refuses).
    Everything else is an :class:`Away`.
    """

    def __init__(
        self,
        name: str,
        path: str | None = None,
        filter: ipc.Filter | None = None,
        resume: ipc.ResumePoint | None = None,
        since_unix_ms: int | None = None,
        view: bool = True,
        timeout: float = 2.0,
        silence_max: float = SILENCE_MAX,
    ) -> None:
        self._name, self._path = name, socket_path(path)
        self._timeout, self._silence_max = timeout, silence_max
        self._filter = filter or ipc.Filter()
        self._is_filtered = self._filter != ipc.Filter()
        self._since, self._keeps_view = since_unix_ms, view
        # The last event, and the number of the one that is due.
        self._point = resume
        self._next: tuple[int, int] | None = None
        self._connection: Connection | None = None
        self._retry = _RETRY_FIRST
        #: The state of the cluster; ``None`` before it has been told.
        self.view: View | None = None

    @property
    def is_here(self) -> bool:
        """Whether the daemon is being heard, so that the view is of now."""
        return self._connection is not None

    @property
    def resume_point(self) -> ipc.ResumePoint | None:
        """After the last event given: a program that remembers this and gives it as
        ``resume`` to its next run misses nothing."""
        return self._point

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def __iter__(self) -> Iterator[ipc.Event | Gap | State | Away]:
        while True:
            try:
                if self._connection is None:
                    self._connection = self._connect()
                news = self._take(self._connection.receive(self._silence_max))
            except HatsError as error:
                self.close()
                if isinstance(error, Refused) and error.is_final:
                    raise
                yield Away(error)
                # Not all at once: a daemon may have a thousand subscribers.
                time.sleep(self._retry * random.uniform(0.5, 1.0))
                self._retry = min(self._retry * 2, _RETRY_MAX)
                continue
            self._retry = _RETRY_FIRST
            if news is not None:
                yield news

    def _connect(self) -> Connection:
        connection = Connection(self._path, self._name, self._timeout)
        request = ipc.Subscribe(
            filter=self._filter, view=self._keeps_view, since_unix_ms=self._since
        )
        self._next = None
        if self._point is not None:
            getattr(request, "from").CopyFrom(self._point)
            self._next = (self._point.epoch, self._point.seq + 1)
        connection.send(ipc.Request(subscribe=request))
        return connection

    def _take(self, reply: ipc.Reply) -> ipc.Event | Gap | State | None:
        kind = reply.WhichOneof("body")
        if kind == "event":
            self._check(reply.event)
            self._reached(reply.event.epoch, reply.event.seq + 1)
            return reply.event
        if kind == "lost":
            self._reached(reply.lost.epoch, reply.lost.next_seq)
            is_loss = reply.lost.count or reply.lost.more
            return Gap(reply.lost.count, reply.lost.more) if is_loss else None
        if kind == "snapshot":
            gap = self._gap_before(reply.snapshot)
            self._reached(reply.snapshot.epoch, reply.snapshot.next_seq)
            if self._keeps_view:
                self.view = View(reply.snapshot)
            return gap or (State() if self.view else None)
        if kind == "changes":
            if self.view is None:
                return None
            self.view.apply(reply.changes)
            return State()
        if kind == "keep_alive":
            self._check_place(reply.keep_alive)
            return None
        raise unexpected("an event", reply)

    def _reached(self, epoch: int, next_seq: int) -> None:
        self._next = (epoch, next_seq)
        self._point = ipc.ResumePoint(epoch=epoch, seq=max(next_seq - 1, 0))

    def _check(self, event: ipc.Event) -> None:
        if self._next is None:
            if self._since is not None:
                return
            raise Malformed("an Event before the Snapshot")
        epoch, seq = self._next
        in_order = event.epoch == epoch and (
            event.seq == seq or self._is_filtered and event.seq > seq
        )
        if not in_order:
            raise Malformed(f"event {event.epoch}:{event.seq} where {epoch}:{seq} was due")

    def _check_place(self, alive: ipc.KeepAlive) -> None:
        """All events before a keep-alive have been sent, or did not pass the filter."""
        if self._next is None or self._next >= (alive.epoch, alive.next_seq):
            return
        if self._next[0] == alive.epoch and not self._is_filtered:
            raise Malformed(f"events are missing before {alive.epoch}:{alive.next_seq}")
        self._reached(alive.epoch, alive.next_seq)

    def _gap_before(self, snapshot: ipc.Snapshot) -> Gap | None:
        """A daemon without a journal may answer with a snapshot and no word."""
        if self._next is None:
            return None
        epoch, seq = self._next
        if epoch != snapshot.epoch:
            return Gap(0, True)
        missing = snapshot.next_seq - seq
        return Gap(missing, False) if missing > 0 and not self._is_filtered else None
