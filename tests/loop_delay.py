"""Watches the event loop of a live server in this process.

Times are CPU times of single threads, so that they do not depend on what else runs on the machine.
"""

import sys
import threading
from contextlib import contextmanager
from time import thread_time

from worlds import running, until

SECONDS_BETWEEN_BEATS = 0.001
# A call that holds the GIL is between two points where the loop can get it: before the call, and after it.
BEATS_AROUND_A_CALL = 2


class LoopWatch:
    """Runs a callback, the beat, on the loop every millisecond.

    longest_step: seconds that the loop's thread worked between two beats: no other callback could run meanwhile
    longest_hold: seconds that another thread worked within one call without a beat: it did not release the GIL
    held_in:      where that was
    """

    def __init__(self, loop):
        self.loop, self.beats, self.watching = loop, 0, True
        self.threads = threading.local()
        self.reset()
        loop.call_soon_threadsafe(self.start)

    def reset(self):
        self.longest_step, self.longest_hold, self.held_in = 0.0, 0.0, ""

    def start(self):
        self.loop_thread, self.last = threading.get_ident(), thread_time()
        self.beat()

    def beat(self):
        now = thread_time()
        self.longest_step, self.last = max(self.longest_step, now - self.last), now
        self.beats += 1
        if self.watching:
            self.loop.call_later(SECONDS_BETWEEN_BEATS, self.beat)

    def on_event(self, frame, event, arg):
        """The profile function of all other threads: Python calls it at each call and return."""
        now, beats = thread_time(), self.beats
        last, beats_then = getattr(self.threads, "last", (now, beats))
        if beats - beats_then <= BEATS_AROUND_A_CALL and now - last > self.longest_hold:
            self.longest_hold = now - last
            self.held_in = f"{frame.f_code.co_qualname} ({event} {getattr(arg, '__name__', '')})"
        self.threads.last = now, beats

    def on_first_event(self, *_):
        """The profile function that new threads begin with. The loop's own thread gets none."""
        sys.setprofile(None if threading.get_ident() == self.loop_thread else self.on_event)

    def wait_for_beats(self, count=3):
        """Returns when the loop has ended its current step."""
        enough = self.beats + count
        until(lambda: self.beats >= enough)


@contextmanager
def watched(app, settings):
    """The address of a live server, and the watch of its loop. All worker threads of the server begin in the `with`."""
    with running(app, settings) as (url, server):
        watch = LoopWatch(server.servers[0].get_loop())
        until(lambda: watch.beats)
        threading.setprofile(watch.on_first_event)
        try:
            yield url, watch
        finally:
            threading.setprofile(None)
            watch.watching = False
