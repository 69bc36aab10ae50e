"""The state of the cluster, kept up to date."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from . import v1_pb2 as ipc

_KEYS: dict[str, Callable[[Any], tuple[str, ...]]] = {
    "networks": lambda it: (it.name,),
    "nodes": lambda it: (it.name,),
    "adapters": lambda it: (it.network, it.node, it.adapter, it.addr),
    "paths": lambda it: (it.network, it.node, it.addr, it.peer_node, it.peer_addr),
    "verdicts": lambda it: (it.id,),
}


class View:
    """What the daemon knows, as far as this program has been told: a snapshot and
    every change since.

    Ages and counters (``since_ms``, ``held_ms``, ``last_heard_ms``, ``missed``,
    ``gap_max_us``, ``measured``) are as old as the thing they stand in; ``daemon``,
    ``detection``, ``nims`` and ``subscribers`` as old as the snapshot.
    :meth:`lasting` leaves these out, but that an adapter is held.
    """

    def __init__(self, snapshot: ipc.Snapshot) -> None:
        self.snapshot = snapshot

    def node(self, name: str) -> ipc.Node | None:
        """A node by its name."""
        return next((it for it in self.snapshot.nodes if it.name == name), None)

    def network(self, name: str) -> ipc.Network | None:
        """A network by its name."""
        return next((it for it in self.snapshot.networks if it.name == name), None)

    def adapters_of(self, node: str) -> Iterable[ipc.Adapter]:
        """The adapters of a node."""
        return (it for it in self.snapshot.adapters if it.node == node)

    def apply(self, changes: ipc.Changes) -> None:
        """Takes what has changed."""
        state = self.snapshot
        state.epoch, state.next_seq = changes.epoch, changes.next_seq
        state.ts, state.mono_ns = changes.ts, changes.mono_ns
        state.overall = changes.overall
        del state.reasons[:]
        state.reasons.extend(changes.reasons)
        for name, key in _KEYS.items():
            new, gone = getattr(changes, name), getattr(changes, f"{name}_gone")
            if not new and not gone:
                continue
            listed = getattr(state, name)
            things = {key(it): it for it in listed}
            for it in gone:
                things.pop(key(it), None)
            things.update((key(it), it) for it in new)
            kept = list(things.values())
            del listed[:]
            listed.extend(kept)

    def lasting(self) -> ipc.Snapshot:
        """The state without ages, counters and what concerns the daemon alone, in
        the order of keys: equal for two views exactly when nothing has changed."""
        state = ipc.Snapshot()
        state.CopyFrom(self.snapshot)
        for name in ("ts", "mono_ns", "daemon", "detection", "nims", "subscribers"):
            state.ClearField(name)
        for name, key in _KEYS.items():
            listed = getattr(state, name)
            listed.sort(key=key)
            for it in listed:
                if name != "verdicts":
                    it.ClearField("since_ms")
                if name == "adapters":
                    if it.HasField("held_ms"):
                        it.held_ms = 0
                    for neighbour in it.watches:
                        neighbour.ClearField("last_heard_ms")
                        neighbour.ClearField("missed")
                        neighbour.ClearField("gap_max_us")
                        neighbour.ClearField("measured")
        return state
