"""A server with many threads keeps few heaps (fault 28)."""

import os
import platform
import subprocess
import sys

import pytest

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
