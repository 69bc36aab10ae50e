"""Prints what happens, and how the cluster is whenever that changes, until Ctrl-C."""

import signal
import sys

from hats_client import Away, Follower, Gap, State


def follow() -> None:
    follower = Follower("follow.py")
    overall = ""
    for news in follower:
        match news:
            case Gap():
                print(f"! {news}", flush=True)
            case Away(error=error):
                print(f"! {error}; trying again", flush=True)
            case State():
                assert follower.view is not None
                snapshot = follower.view.snapshot
                if snapshot.overall != overall:
                    overall = snapshot.overall
                    print(f"{overall}: {'; '.join(snapshot.reasons)}", flush=True)
            case event:
                print(f"{event.code} {event.level} {event.adapter or '-'}: {event.msg}", flush=True)


# As other programs in a pipe: `follow.py | head` ends without a word.
signal.signal(signal.SIGPIPE, signal.SIG_DFL)
try:
    follow()
except KeyboardInterrupt:
    sys.exit(128 + signal.SIGINT)
