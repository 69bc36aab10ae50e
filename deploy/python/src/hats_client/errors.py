"""What can go wrong between a subscriber and the daemon."""

from __future__ import annotations


class HatsError(Exception):
    """Why a connection could not be made, or ended. Connect again."""


class NotThere(HatsError):
    """There is no socket, or nobody listens behind it."""


class PermissionDenied(HatsError):
    """The caller's user may not read: it is not a member of group ``hats``."""


class Timeout(HatsError):
    """No answer in time, or a stream without even a keep-alive."""


class Closed(HatsError):
    """The daemon ended the connection."""


class Malformed(HatsError):
    """What was read is no message, or not one that can come here."""


class Refused(HatsError):
    """The daemon refused the request; ``is_final``: it always will."""

    def __init__(self, message: str, is_final: bool) -> None:
        super().__init__(message)
        self.is_final = is_final
