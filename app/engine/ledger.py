"""One account of the memory that is held for requests: captures, norms, answers, and the work space of analyses.

Memory is reserved before the work that fills it, and released when nothing uses it any more. What does not fit is
refused; captures that nobody reads make room first.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from time import monotonic, sleep
from types import TracebackType
from typing import Literal, Self, get_args

from ..errors import Busy, TooLarge
from ..records import Progress

Purpose = Literal["captures", "norms", "certificates", "analyses", "answers", "streams", "uploads", "texts"]
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)
# How a reservation can be refused: it can never fit, or it does not fit now.
REFUSALS = ("never", "now")
POLL_SECONDS = 0.005
# How long a job that has waited for its turn waits for memory: long enough for slow readers to be ended.
JOB_WAIT_SECONDS = 30.0
SHORTAGE_SECONDS = 0.25  # between two calls for others to release memory, which takes a moment


class Reservation:
    """Bytes that are held for one purpose.

    They are released by `release`, at the end of a `with`, or when nothing refers to the reservation any more. So
    whatever uses the memory can keep a reference to its reservation, and the account is right even if a reader in
    another thread ends late.
    """

    def __init__(self, ledger: "Ledger", purpose: Purpose, size: int) -> None:
        self.ledger, self.purpose, self.bytes = ledger, purpose, size
        self.open = [True]  # pop() is atomic: two threads cannot both release

    def shrink(self, size: int) -> None:
        """Release all but `size` bytes, once the work is done and only its result is kept."""
        if self.open and size < self.bytes:
            self.ledger.released.append((self.purpose, self.bytes - size, 0))
            self.bytes = size

    def grow(self, progress: Progress, size: int, what: str, way_out: str) -> None:
        """Hold `size` bytes, if they turn out to be more than was known before, in the thread of a job.

        Raises TooLarge, and Busy after the time that a job waits.
        """
        more = size - self.bytes
        if more > 0:
            self.ledger.check(size, what, way_out)
            self.ledger.admit_in_time(self.purpose, more, what, self.ledger.job_seconds, progress.check, count=0)
            self.bytes = size

    def release(self) -> None:
        """Does nothing the second time."""
        try:
            self.open.pop()
        except IndexError:
            return
        self.ledger.released.append((self.purpose, self.bytes, 1))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.release()

    def __del__(self) -> None:
        self.release()


@contextmanager
def released_on_error(held: Reservation | None) -> Iterator[None]:
    """For what is held longer than the `with`, unless an error ends it."""
    try:
        yield
    except BaseException:
        if held is not None:
            held.release()
        raise


class Ledger:
    """Bounds all reservations together by bytes, and captures by count. Any thread may use it; it needs no event loop.

    make_room:   functions that drop one thing that nobody reads, and return False if there is none
    on_shortage: functions that are called when that is not enough; what they end is free a moment later
    refusals:    counted for /metrics since the server started
    job_seconds: how long jobs wait for memory
    held_by:     the reservation of a ledger that is part of another one; it lives as long as its own reservations
    """

    def __init__(self, max_bytes: int, max_captures: int) -> None:
        self.max_bytes, self.max_captures = max_bytes, max_captures
        self.job_seconds = JOB_WAIT_SECONDS
        self.next_call = 0.0  # of `on_shortage`
        self.held_by: Reservation | None = None
        self.make_room: list[Callable[[], bool]] = []
        self.on_shortage: list[Callable[[], object]] = []
        self.refusals: Counter[str] = Counter()
        self.lock = Lock()
        self.held: Counter[str] = Counter()
        self.counts: Counter[str] = Counter()
        # The garbage collector can release a reservation at any time, in a thread that holds the lock already. So
        # a release only appends here, which is atomic, and each use of the ledger books what has been released.
        self.released: deque[tuple[Purpose, int, int]] = deque()

    def reserve(
        self,
        purpose: Purpose,
        size: int,
        what: str,
        way_out: str = "shorten the text",
        beside: int = 0,
        wait_seconds: float = 0,
        check: Callable[[], object] = bool,
    ) -> Reservation:
        """Reserve `size` bytes for `what`. Raises TooLarge if they can never fit, Busy if they do not fit now.

        beside:       bytes that the same request holds already, such as the capture that it reads
        wait_seconds: for threads: how long to wait for readers that are about to finish
        check:        called while it waits; it may raise
        """
        self.check(size, what, way_out, beside)
        self.admit_in_time(purpose, size, what, wait_seconds, check)
        return Reservation(self, purpose, size)

    def admit_in_time(
        self,
        purpose: Purpose,
        size: int,
        what: str,
        wait_seconds: float,
        check: Callable[[], object],
        count: int = 1,
    ) -> None:
        """Book bytes, and wait for them if necessary. Raises Busy, and what `check` raises."""
        shortage = self.shortage(purpose, size, what, wait_seconds)
        while not self.admit(purpose, size, count=count):
            next(shortage)
            check()
            sleep(POLL_SECONDS)

    def reserve_for_job(
        self, progress: Progress, purpose: Purpose, size: int, what: str, way_out: str, beside: int = 0
    ) -> Reservation:
        """The same in the thread of a job, before it does anything. It has been accepted and has had to wait for its
        turn, so it rather waits than to be refused. Raises StepAside if others wait behind it."""
        seconds = progress.patience(self.job_seconds)
        return self.reserve(purpose, size, what, way_out, beside, seconds, progress.give_way)

    def try_reserve(self, purpose: Purpose, size: int, drop: bool = True) -> Reservation | None:
        """A reservation if it fits now; `drop` allows to drop captures for it."""
        return Reservation(self, purpose, size) if self.admit(purpose, size, drop) else None

    def part(
        self, purpose: Purpose, size: int, what: str, way_out: str, beside: int = 0, progress: Progress | None = None
    ) -> "Ledger":
        """A ledger of `size` bytes that are reserved in this one, for a job if it has a progress.

        Raises TooLarge, Busy.
        """
        cost = purpose, size, what, way_out, beside
        held_by = self.reserve(*cost) if progress is None else self.reserve_for_job(progress, *cost)
        part = Ledger(size, 0)
        part.held_by = held_by
        return part

    def shortage(self, purpose: Purpose, size: int, what: str, wait_seconds: float) -> Iterator[None]:
        """While memory is short, ask others to release some, at each step of this iterator. Raises Busy at the end."""
        give_up = monotonic() + wait_seconds
        while True:
            if monotonic() >= self.next_call:
                self.next_call = monotonic() + SHORTAGE_SECONDS
                for call in self.on_shortage:
                    call()
            if monotonic() >= give_up:
                self.refusals["now"] += 1
                raise Busy(f"{self.message_now(what, purpose, size)}: try again in a moment")
            yield

    def admit(self, purpose: Purpose, size: int, drop: bool = True, count: int = 1) -> bool:
        """Book a reservation if it fits, or if dropping captures makes it fit."""
        with self.lock:
            self.book_released()
            while not self.fits(purpose, size, count):
                if not drop or not self.drop_one():
                    return False
                self.book_released()
            self.held[purpose] += size
            self.counts[purpose] += count
            return True

    def check(self, size: int, what: str, way_out: str, beside: int = 0) -> None:
        """Raises TooLarge if `size` bytes can never be reserved beside those that the same request holds."""
        if size + beside > self.max_bytes:
            self.refusals["never"] += 1
            raise TooLarge(f"{self.message(what, size, beside)}: {way_out}, or raise the limit")

    def fits(self, purpose: Purpose, size: int, count: int = 1) -> bool:
        counted = purpose != "captures" or self.counts["captures"] + count <= self.max_captures
        return counted and self.held.total() + size <= self.max_bytes

    def drop_one(self) -> bool:
        return any(drop() for drop in self.make_room)

    def book_released(self) -> None:
        while self.released:
            purpose, size, count = self.released.popleft()
            self.held[purpose] -= size
            self.counts[purpose] -= count

    def message(self, what: str, size: int, beside: int) -> str:
        takes = f"{what} takes {size:,} bytes"
        if beside:
            takes += f", and its capture another {beside:,}"
        return f"{takes}; HEADSCOPE_MAX_CAPTURE_BYTES is {self.max_bytes:,}"

    def message_now(self, what: str, purpose: Purpose, size: int) -> str:
        if purpose == "captures" and self.counts["captures"] >= self.max_captures:
            return f"all {self.max_captures:,} captures (HEADSCOPE_MAX_CAPTURES) are being read"
        return f"{self.message(what, size, 0)}, and {self.bytes():,} are in use"

    # What is held now

    def bytes(self, purpose: Purpose | None = None) -> int:
        """Bytes that are held for a purpose, or for all."""
        with self.lock:
            self.book_released()
            return self.held.total() if purpose is None else self.held[purpose]

    def count(self, purpose: Purpose) -> int:
        """The number of reservations for a purpose."""
        with self.lock:
            self.book_released()
            return self.counts[purpose]
