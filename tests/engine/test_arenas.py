"""A server with many threads keeps few heaps, and returns the memory that is free in them (fault 28)."""

import asyncio
import os
import platform
import subprocess
import sys

import pytest
from anyio.from_thread import start_blocking_portal

from headscope.engine.job import Job
from headscope.engine.progress import WorkProgress
from headscope.engine.runner import Runner

pytestmark = [
    pytest.mark.fault(28),
    pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other allocators have no arenas"),
]

# glibc prints a <heap> for each arena that was used.
CODE = """
import ctypes, threading
from headscope.engine.arenas import limit_arenas
libc = ctypes.CDLL(None)
libc.malloc.restype = libc.fopen.restype = ctypes.c_void_p
limit_arenas()
together = threading.Barrier(12)
def allocate():
    together.wait()
    libc.malloc(5000)
threads = [threading.Thread(target=allocate) for _ in range(12)]
for thread in threads: thread.start()
for thread in threads: thread.join()
libc.malloc_info(0, ctypes.c_void_p(libc.fopen(b"/dev/stdout", b"w")))
libc.fflush(None)
"""


@pytest.mark.parametrize(("chosen", "fewest", "most"), [({}, 1, 2), ({"MALLOC_ARENA_MAX": "6"}, 3, 6)])
def test_twelve_threads_share_two_heaps_unless_the_environment_says_otherwise(chosen, fewest, most):
    environment = {name: value for name, value in os.environ.items() if name != "MALLOC_ARENA_MAX"} | chosen
    information = subprocess.check_output([sys.executable, "-c", CODE], env=environment, text=True)
    assert fewest <= information.count("<heap ") <= most


FREED = """
import ctypes
from headscope.engine.arenas import return_freed_memory
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096
blocks = [libc.malloc(60_000) for _ in range(2000)]
for block in blocks: ctypes.memset(block, 1, 60_000)
for block in blocks[:-1]: libc.free(block)
before = resident()
return_freed_memory()
print(before - resident())
"""


def test_freed_memory_below_a_block_in_use_is_returned_to_the_system():
    assert int(subprocess.check_output([sys.executable, "-c", FREED])) > 100_000_000


@pytest.mark.parametrize("busy", [False, True])
def test_an_idle_server_returns_freed_memory(settings, monkeypatch, busy):
    returned = []

    async def sweep_once():
        runner, slept = Runner(settings), asyncio.Event()
        if busy:
            runner.queues.model.jobs["a run"] = Job("run", "a run", WorkProgress(1))
        monkeypatch.setattr("headscope.engine.runner.return_freed_memory", lambda: returned.append(1))
        monkeypatch.setattr("headscope.engine.runner.asyncio.sleep", lambda _: slept.set() or asyncio.Event().wait())
        sweep = asyncio.create_task(runner.sweep())
        await slept.wait()
        sweep.cancel()

    with start_blocking_portal() as portal:
        portal.call(sweep_once)
    assert returned == ([] if busy else [1])
