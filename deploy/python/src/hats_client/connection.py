"""One stream to the daemon, as whole messages: each is preceded by its length
as a varint (docs/ipc.md)."""

from __future__ import annotations

import os
import socket
import time

from google.protobuf.message import DecodeError

from . import v1_pb2 as ipc
from .errors import Closed, HatsError, Malformed, NotThere, PermissionDenied, Refused, Timeout

DEFAULT_SOCKET = "/run/hats/hats.sock"
VERSION = 1
REPLY_MAX = 16 << 20
_READ_BYTES = 1 << 16
_VARINT_MAX = 10


def socket_path(path: str | None = None) -> str:
    """The socket to use: the one given, else ``$HATS_SOCKET``, else the usual one."""
    return path or os.environ.get("HATS_SOCKET") or DEFAULT_SOCKET


class Connection:
    """A connection that has been greeted."""

    def __init__(self, path: str, name: str, timeout: float) -> None:
        self._path = path
        self._buffer = bytearray()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._connect(timeout)
            hello = ipc.Hello(version_min=VERSION, version_max=VERSION, client=name)
            self.send(ipc.Request(hello=hello))
            reply = self.receive(timeout)
            if reply.WhichOneof("body") != "welcome":
                raise unexpected("a Welcome", reply)
        except BaseException:
            self.close()
            raise
        self.welcome = reply.welcome

    def close(self) -> None:
        self._socket.close()

    def send(self, request: ipc.Request) -> None:
        body = request.SerializeToString()
        try:
            self._socket.sendall(_varint(len(body)) + body)
        except (BrokenPipeError, ConnectionResetError):
            pass  # It may have said why: that is for receive to find out.
        except OSError as error:
            raise HatsError(f"cannot use {self._path}: {error}") from error

    def receive(self, timeout: float) -> ipc.Reply:
        """The next message. Those of kinds that are not known yet are skipped."""
        until = time.monotonic() + timeout
        while True:
            reply = self._take()
            if reply is not None:
                kind = reply.WhichOneof("body")
                if kind == "error":
                    raise _refusal(reply.error, self._path)
                if kind is not None:
                    return reply
                continue
            left = until - time.monotonic()
            # What has arrived is read even if the time has passed meanwhile.
            self._read(max(left, 0.0), timeout)

    def _connect(self, timeout: float) -> None:
        until = time.monotonic() + timeout
        while True:
            self._socket.settimeout(timeout)
            try:
                self._socket.connect(self._path)
                return
            except BlockingIOError:
                # The daemon's queue of new connections is full.
                if time.monotonic() > until:
                    raise Timeout(f"{self._path} takes no connection") from None
                time.sleep(0.002)
            except (FileNotFoundError, ConnectionRefusedError) as error:
                raise NotThere(f"{self._path}: {error.strerror}: is hatsd running?") from error
            except PermissionError as error:
                raise PermissionDenied(
                    f"{self._path}: {error.strerror}: reading needs membership of group hats"
                ) from error
            except OSError as error:
                raise HatsError(f"cannot use {self._path}: {error}") from error

    def _read(self, wait: float, timeout: float) -> None:
        try:
            if wait > 0:
                self._socket.settimeout(wait)
            else:
                self._socket.setblocking(False)
            data = self._socket.recv(_READ_BYTES)
        except (TimeoutError, BlockingIOError):
            raise Timeout(f"hatsd has said nothing for {timeout:g} s") from None
        except ConnectionResetError:
            data = b""
        except OSError as error:
            raise HatsError(f"cannot use {self._path}: {error}") from error
        if not data:
            if self._buffer:
                raise Malformed(f"a message cut short after {len(self._buffer)} bytes")
            raise Closed("hatsd closed the connection")
        self._buffer += data

    def _take(self) -> ipc.Reply | None:
        length = 0
        for place, byte in enumerate(self._buffer[:_VARINT_MAX]):
            length |= (byte & 0x7F) << (7 * place)
            if byte < 0x80:
                break
        else:
            if len(self._buffer) >= _VARINT_MAX:
                raise Malformed("a length that does not end")
            return None
        if length > REPLY_MAX:
            raise Malformed(f"a message of {length} bytes, expected at most {REPLY_MAX}")
        begin, end = place + 1, place + 1 + length
        if len(self._buffer) < end:
            return None
        body = bytes(self._buffer[begin:end])
        del self._buffer[:end]
        try:
            return ipc.Reply.FromString(body)
        except DecodeError as error:
            raise Malformed(f"no Reply: {error}") from error


def unexpected(expected: str, reply: ipc.Reply) -> Malformed:
    return Malformed(f"{reply.WhichOneof('body')} where {expected} was expected")


def _refusal(error: ipc.Error, path: str) -> HatsError:
    if error.kind == ipc.Error.KIND_PERMISSION:
        return PermissionDenied(f"{path}: {error.message}")
    final = error.kind in (ipc.Error.KIND_VERSION, ipc.Error.KIND_BAD_REQUEST)
    return Refused(error.message, final)


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)
