"""Watches the event loop of a live server in this process.

Times are CPU times of single threads, so that they do not depend on what else runs on the machine.
"""

import sys
import threading
from contextlib import contextmanager
from time import thread_time

from worlds import running, until

SECONDS_BETWEEN_BEATS = 0.001
# While a thread works within one call and other threads can run, there are at least as many beats per second of its
# work. Some beats also come around a call that holds the GIL: before it begins, and after it has ended.
BEATS_PER_SECOND = 100


class LoopWatch:
    """Runs a callback, the beat, on the loop every millisecond.

    longest_step: seconds that the loop's thread worked between two beats: no other callback could run meanwhile
    longest_hold: seconds that another thread worked within one call almost without a beat: it did not release the GIL
    held_in:      where that was
    """

    def __init__(self):
        self.loop, self.loop_thread, self.beats, self.watching = None, None, 0, True
        self.threads = threading.local()
        self.reset()

    def watch(self, loop):
        self.loop = loop
        loop.call_soon_threadsafe(self.start)
        self.wait_for_beats()

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
        if threading.get_ident() == self.loop_thread:
            sys.setprofile(None)
            return
        now, beats = thread_time(), self.beats
        last, beats_then = getattr(self.threads, "last", (now, beats))
        if beats - beats_then < BEATS_PER_SECOND * (now - last) and now - last > self.longest_hold:
            self.longest_hold = now - last
            self.held_in = f"{frame.f_code.co_qualname} ({event} {getattr(arg, '__name__', '')})"
        self.threads.last = now, beats

    def wait_for_beats(self, count=3):
        """Returns when the loop has ended its current step."""
        enough = self.beats + count
        until(lambda: self.beats >= enough)


@contextmanager
def watched(app, settings):
    """The address of a live server, and the watch of its loop. All worker threads of the server begin in the `with`."""
    watch = LoopWatch()
    threading.setprofile(watch.on_event)
    try:
        with running(app, settings) as (url, server):
            watch.watch(server.servers[0].get_loop())
            yield url, watch
            watch.watching = False
    finally:
        threading.setprofile(None)
