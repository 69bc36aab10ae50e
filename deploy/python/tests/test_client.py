"""The library against a daemon on a real socket that says what a test wants."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import unittest
from collections.abc import Callable
from pathlib import Path

from hats_client import (
    Away,
    Client,
    Follower,
    Gap,
    Malformed,
    NotThere,
    Refused,
    State,
    Timeout,
    View,
    ipc,
)
from hats_client.connection import _varint

EPOCH = 1795432


class Conversation:
    def __init__(self, stream: socket.socket) -> None:
        self.stream = stream
        self.buffer = b""

    def request(self) -> ipc.Request:
        while not self.buffer or len(self.buffer) < self.buffer[0] + 1:
            data = self.stream.recv(4096)
            if not data:
                raise EOFError
            self.buffer += data
        # Requests of these tests are shorter than 128 bytes.
        end = self.buffer[0] + 1
        body, self.buffer = self.buffer[1:end], self.buffer[end:]
        return ipc.Request.FromString(body)

    def send(self, **body: object) -> None:
        data = ipc.Reply(**body).SerializeToString()
        self.stream.sendall(_varint(len(data)) + data)

    def greet(self) -> None:
        assert self.request().WhichOneof("body") == "hello"
        self.send(welcome=ipc.Welcome(version=1, node="n2", epoch=EPOCH))

    def subscribed(self) -> ipc.Subscribe:
        self.greet()
        return self.request().subscribe

    def event(self, seq: int, epoch: int = EPOCH) -> None:
        self.send(event=ipc.Event(epoch=epoch, seq=seq, code="HATS-2103"))

    def snapshot(self, next_seq: int, epoch: int = EPOCH) -> None:
        nodes = [ipc.Node(name="n1", state="up"), ipc.Node(name="n2", state="up")]
        self.send(snapshot=ipc.Snapshot(epoch=epoch, next_seq=next_seq, nodes=nodes))

    def hold(self) -> None:
        while self.stream.recv(4096):
            pass


class Fake:
    """A daemon that does the first of these on its first connection, and so on."""

    def __init__(self, *turns: Callable[[Conversation], None]) -> None:
        self.dir = tempfile.TemporaryDirectory()
        self.path = os.path.join(self.dir.name, "hats.sock")
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen()
        self.errors: list[BaseException] = []
        threading.Thread(target=self._serve, args=turns, daemon=True).start()

    def _serve(self, *turns: Callable[[Conversation], None]) -> None:
        for turn in turns:
            stream, _ = self.listener.accept()
            with stream:
                try:
                    turn(Conversation(stream))
                except (EOFError, OSError):
                    pass
                except BaseException as error:  # Told where the test looks.
                    self.errors.append(error)


def told(follower: Follower, count: int) -> list[str]:
    """So many news but for State, as short texts."""
    texts: list[str] = []
    for news in follower:
        if isinstance(news, Away):
            texts.append("away")
        elif isinstance(news, Gap):
            texts.append(str(news))
        elif not isinstance(news, State):
            texts.append(f"{news.epoch - EPOCH}:{news.seq}")
        if len(texts) == count:
            return texts
    return texts


class FollowerTest(unittest.TestCase):
    def test_it_connects_again_and_goes_on_after_the_last_event_across_runs(self) -> None:
        def first(it: Conversation) -> None:
            subscribe = it.subscribed()
            assert subscribe.view and not subscribe.HasField("from")
            it.snapshot(10)
            it.event(10)

        def second(it: Conversation) -> None:
            point = getattr(it.subscribed(), "from")
            assert (point.epoch, point.seq) == (EPOCH, 10)
            it.event(11)
            it.send(lost=ipc.Lost(epoch=EPOCH + 4, next_seq=1))
            it.event(1, EPOCH + 4)
            it.hold()

        fake = Fake(first, second)
        follower = Follower("test", fake.path)
        self.assertEqual(told(follower, 4), ["0:10", "away", "0:11", "4:1"])
        self.assertEqual(follower.resume_point, ipc.ResumePoint(epoch=EPOCH + 4, seq=1))
        self.assertEqual(fake.errors, [])

    def test_a_gap_is_told_whether_the_daemon_says_so_or_a_snapshot_shows_it(self) -> None:
        def first(it: Conversation) -> None:
            it.subscribed()
            it.snapshot(10)
            it.send(lost=ipc.Lost(count=5, epoch=EPOCH, next_seq=15))
            it.snapshot(15)

        def second(it: Conversation) -> None:
            it.subscribed()
            it.snapshot(17)

        def third(it: Conversation) -> None:
            it.subscribed()
            it.snapshot(3, EPOCH + 1)
            it.hold()

        expected = ["5 events are missing", "away", "2 events are missing", "away"]
        follower = Follower("test", Fake(first, second, third).path)
        self.assertEqual(told(follower, 5), [*expected, "events may be missing"])

    def test_a_silent_gap_is_never_passed_on(self) -> None:
        def gap(it: Conversation) -> None:
            it.subscribed()
            it.snapshot(10)
            it.event(12)
            it.hold()

        for news in Follower("test", Fake(gap).path):
            if isinstance(news, Away):
                self.assertIsInstance(news.error, Malformed)
                return
            self.assertIsInstance(news, State)

    def test_the_view_follows_snapshots_and_changes(self) -> None:
        def daemon(it: Conversation) -> None:
            it.subscribed()
            it.snapshot(10)
            changes = ipc.Changes(epoch=EPOCH, next_seq=10, overall="CRITICAL")
            changes.nodes.add(name="n2", state="down")
            changes.nodes.add(name="n3", state="up")
            changes.nodes_gone.add(name="n1")
            it.send(changes=changes)
            it.hold()

        follower = Follower("test", Fake(daemon).path)
        news = iter(follower)
        self.assertEqual([type(next(news)), type(next(news))], [State, State])
        view = follower.view
        assert view is not None
        states = [(node.name, node.state) for node in view.snapshot.nodes]
        self.assertEqual(states, [("n2", "down"), ("n3", "up")])
        self.assertEqual(view.snapshot.overall, "CRITICAL")

    def test_what_trying_again_would_not_mend_ends_it(self) -> None:
        def refuse(it: Conversation) -> None:
            it.subscribed()
            kind = ipc.Error.KIND_BAD_REQUEST
            it.send(error=ipc.Error(kind=kind, message="filter.levels"))

        with self.assertRaisesRegex(Refused, "filter.levels"):
            next(iter(Follower("test", Fake(refuse).path)))

    def test_silence_is_an_absence(self) -> None:
        def silent(it: Conversation) -> None:
            it.subscribed()
            it.hold()

        news = next(iter(Follower("test", Fake(silent).path, silence_max=0.05)))
        assert isinstance(news, Away)
        self.assertIsInstance(news.error, Timeout)

    def test_a_socket_that_is_not_there_is_named(self) -> None:
        news = next(iter(Follower("test", "/nowhere/hats.sock")))
        assert isinstance(news, Away)
        self.assertIsInstance(news.error, NotThere)
        self.assertIn("/nowhere/hats.sock", str(news.error))


class ViewTest(unittest.TestCase):
    def test_what_every_heartbeat_changes_makes_no_difference(self) -> None:
        def lasting(gap_max_us: int | None, held_ms: int | None) -> ipc.Snapshot:
            watched = ipc.Neighbour(addr="192.0.2.1", gap_max_us=gap_max_us)
            adapter = ipc.Adapter(addr="192.0.2.2", held_ms=held_ms, watches=[watched])
            return View(ipc.Snapshot(adapters=[adapter])).lasting()

        self.assertEqual(lasting(50_100, 900), lasting(49_900, 100))
        self.assertEqual(lasting(50_100, 900), lasting(None, 100))
        self.assertNotEqual(lasting(None, 900), lasting(None, None))


class ClientTest(unittest.TestCase):
    def test_the_past_is_read_to_its_end_with_its_gaps(self) -> None:
        def daemon(it: Conversation) -> None:
            it.greet()
            assert it.request().get_events.since_unix_ms == 7
            it.event(1)
            it.send(lost=ipc.Lost(epoch=EPOCH + 1, next_seq=1))
            it.event(1, EPOCH + 1)
            it.send(lost=ipc.Lost(count=2, epoch=EPOCH + 1, next_seq=4))
            it.send(events_end=ipc.EventsEnd())
            it.request()
            it.snapshot(4)

        fake = Fake(daemon)
        with Client("test", fake.path) as client:
            self.assertEqual(client.welcome.node, "n2")
            past = list(client.events(since_unix_ms=7))
            self.assertEqual(past[-1], Gap(2, False))
            self.assertEqual([type(it).__name__ for it in past], ["Event", "Event", "Gap"])
            self.assertEqual(client.snapshot().next_seq, 4)
        self.assertEqual(fake.errors, [])


class ExampleTest(unittest.TestCase):
    def test_it_prints_events_and_ends_at_an_interrupt_without_a_traceback(self) -> None:
        def daemon(it: Conversation) -> None:
            it.subscribed()
            it.snapshot(1)
            it.event(1)
            it.hold()

        fake = Fake(daemon)
        example = Path(__file__).parent.parent / "examples" / "follow.py"
        environment = {**os.environ, "HATS_SOCKET": fake.path}
        environment["PYTHONPATH"] = os.pathsep.join(sys.path)
        pipe = subprocess.PIPE
        command = [sys.executable, str(example)]
        # Where the tests run in the background, it would not be heard of.
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            running = subprocess.Popen(command, env=environment, stdout=pipe, stderr=pipe)
        finally:
            signal.signal(signal.SIGINT, before)
        with running:
            assert running.stdout is not None
            self.assertIn(b"HATS-2103", running.stdout.readline())
            running.send_signal(signal.SIGINT)
            try:
                _, told = running.communicate(timeout=30)
            except subprocess.TimeoutExpired:
                running.kill()
                raise
        self.assertEqual(told, b"")
        self.assertEqual(running.returncode, 130)
        self.assertEqual(fake.errors, [])


if __name__ == "__main__":
    unittest.main()
