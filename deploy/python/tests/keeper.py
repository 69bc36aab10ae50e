"""The client's part in the scenario of tests/subscribers.rs: writes down each
event, and what it believes the state to be, until it is killed."""

import os
import sys

from hats_client import Away, Follower, Gap, State, ipc


def last_event(path: str) -> ipc.ResumePoint | None:
    try:
        with open(path) as file:
            events = [line.split() for line in file if line.startswith("event ")]
    except FileNotFoundError:
        return None
    if not events:
        return None
    return ipc.ResumePoint(epoch=int(events[-1][1]), seq=int(events[-1][2]))


def main(socket: str, path: str) -> None:
    follower = Follower("keeper.py", socket, resume=last_event(path))
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for news in follower:
        if isinstance(news, Away):
            continue
        if isinstance(news, State):
            assert follower.view is not None
            with open(path + ".new", "wb") as file:
                file.write(follower.view.snapshot.SerializeToString())
            os.rename(path + ".new", path + ".view")
        elif isinstance(news, Gap):
            os.write(log, f"gap {news.count} {news.more}\n".encode())
        else:
            os.write(log, f"event {news.epoch} {news.seq}\n".encode())


main(sys.argv[1], sys.argv[2])
