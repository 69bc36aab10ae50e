"""The subscriber library of hats: what a program on the same host needs to ask
``hatsd`` what it knows and to be told what happens.

Most programs want a :class:`Follower`. Messages are those of ``hats.ipc.v1``
(module ``v1_pb2``, generated from ``proto/hats/ipc/v1.proto``).
"""

from . import v1_pb2 as ipc
from .client import Client
from .connection import DEFAULT_SOCKET, socket_path
from .errors import (
    Closed,
    HatsError,
    Malformed,
    NotThere,
    PermissionDenied,
    Refused,
    Timeout,
)
from .follower import SILENCE_MAX, Follower
from .news import Away, Gap, State
from .view import View

__all__ = [
    "DEFAULT_SOCKET",
    "SILENCE_MAX",
    "Away",
    "Client",
    "Closed",
    "Follower",
    "Gap",
    "HatsError",
    "Malformed",
    "NotThere",
    "PermissionDenied",
    "Refused",
    "State",
    "Timeout",
    "View",
    "ipc",
    "socket_path",
]
