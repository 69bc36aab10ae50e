"""What a follower tells."""

from __future__ import annotations

from dataclasses import dataclass

from .errors import HatsError


@dataclass(frozen=True)
class Gap:
    """Events that this program does not get."""

    #: Known to be missing; with a filter, before it is applied.
    count: int
    #: There may be others.
    more: bool

    def __str__(self) -> str:
        if not self.more:
            return f"{self.count} events are missing"
        return f"at least {self.count} events are missing" if self.count else (
            "events may be missing"
        )


@dataclass(frozen=True)
class State:
    """The state of the cluster is known, or another: see ``Follower.view``."""


@dataclass(frozen=True)
class Away:
    """The daemon went away, or is not there; the follower tries again."""

    error: HatsError
