"""The number of open connections is bounded, per client and in all (fault 38)."""

import json
import resource
import socket
import subprocess
import sys
from contextlib import ExitStack, contextmanager

import httpx2
import pytest
from worlds import running, until

from headscope.errors import TooManyConnections
from headscope.main import create_app
from headscope.settings import Settings
from headscope.web.connections import Connections, client_of
from headscope.web.refused_connections import MAX_REFUSED
from headscope.web.server import Server

pytestmark = pytest.mark.fault(38)
GET = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"


@contextmanager
def server(**limits):
    """A live server with these limits, without a proxy; its connections are counted by client address."""
    settings = Settings(downloads=False, model="gpt2-mini", **limits)
    with running(create_app(settings), settings) as (url, live):
        live.limits.proxies = ()
        live.config.timeout_keep_alive = 1  # seconds
        yield int(url.rpartition(":")[2]), live.limits


def answer_on(client):
    """(status line, headers, problem) of a response after which the server closes the connection."""
    received = b""
    while part := client.recv(2**16):
        received += part
    head, _, body = received.partition(b"\r\n\r\n")
    status, *headers = head.decode().lower().split("\r\n")
    return status, headers, json.loads(body)


def healthy(client):
    client.sendall(GET)
    return client.recv(2**16).startswith(b"HTTP/1.1 200")


@pytest.mark.fault(38, decides=True)
@pytest.mark.parametrize(
    ("limits", "setting"),
    [
        ({"connections_per_client": 4}, "HEADSCOPE_CONNECTIONS_PER_CLIENT"),
        ({"max_connections": 4}, "HEADSCOPE_MAX_CONNECTIONS"),
    ],
)
def test_a_connection_over_the_limit_gets_503_without_sending_a_request(limits, setting):
    with server(**limits) as (port, counted), ExitStack() as clients:
        several = [clients.enter_context(socket.create_connection(("127.0.0.1", port), 30)) for _ in range(4)]
        assert all(healthy(client) for client in several)
        with socket.create_connection(("127.0.0.1", port), 30) as refused:
            status, headers, problem = answer_on(refused)
        assert status == "http/1.1 503 service unavailable"
        assert {"content-type: application/problem+json", "retry-after: 5", "connection: close"} <= set(headers)
        assert (problem["code"], setting in problem["detail"]) == ("too_many_connections", True)
        several[0].close()
        until(lambda: counted.open == 3)
        with socket.create_connection(("127.0.0.1", port), 30) as again:
            assert healthy(again)
        assert counted.refused == 1


def test_a_refused_client_that_sends_a_request_can_read_why():
    with server(max_connections=1) as (port, _), socket.create_connection(("127.0.0.1", port), 30) as first:
        assert healthy(first)
        answer = httpx2.post(f"http://127.0.0.1:{port}/api/v1/captures", content=bytes(2**16), timeout=60)
    assert (answer.status_code, answer.json()["code"]) == (503, "too_many_connections")


def test_refused_clients_that_do_not_close_are_disconnected_and_the_others_are_not_answered():
    with server(max_connections=1) as (port, counted), ExitStack() as clients:
        for _ in range(3 * MAX_REFUSED):
            clients.enter_context(socket.create_connection(("127.0.0.1", port), 30))
        until(lambda: counted.refused == 3 * MAX_REFUSED - 1)
        assert counted.refusing <= MAX_REFUSED
        until(lambda: counted.refusing == 0)


@pytest.mark.fault(38, decides=True)
def test_pipelined_requests_whose_answers_are_never_read_do_not_keep_their_connections():
    with server(socket_seconds=1) as (port, counted), ExitStack() as clients:
        for _ in range(20):
            client = clients.enter_context(socket.socket())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect(("127.0.0.1", port))
            client.sendall(280 * GET)
        until(lambda: counted.open == 20)
        until(lambda: counted.open == 0)


def test_connections_of_proxies_count_only_in_all(monkeypatch):
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "10.1.0.0/16")
    settings = Settings(connections_per_client=2, max_connections=8)
    limits = Server(create_app(settings), settings).limits
    for _ in range(5):
        limits.add("10.1.2.3")
    counted = [limits.add("10.2.0.1") for _ in range(2)]
    with pytest.raises(TooManyConnections, match="from your address"):
        limits.add("10.2.0.1")
    limits.add("10.2.0.2")
    with pytest.raises(TooManyConnections, match="this server has 8"):
        limits.add("10.1.2.3")
    limits.remove(counted[0])
    limits.add("10.2.0.1")


def test_a_server_without_a_proxy_does_not_count_this_machine_as_one_client():
    settings = Settings(connections_per_client=1)
    limits = Server(create_app(settings), settings).limits
    assert [limits.add(address) for address in ("127.0.0.1", "127.0.0.1", "::1", "::1")] == [None] * 4


@pytest.mark.parametrize(
    ("address", "client"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("2001:db8:0:1::2", "2001:db8:0:1::/64"),
        ("fe80::2%eth0", "fe80::/64"),
        ("a socket", "a socket"),
    ],
)
def test_ipv6_addresses_of_one_network_are_one_client(address, client):
    assert client_of(address) == client


def test_closed_connections_are_forgotten():
    limits = Connections(Settings())
    for n in range(1000):
        limits.remove(limits.add(f"10.0.{n // 250}.{n % 250}"))
    assert (limits.open, len(limits.of_client)) == (0, 0)


FEW_FILES = """
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, (64, {hard}))
from headscope.settings import Settings
from headscope.web.connections import Connections
limits = Connections(Settings())
limits.fit_file_limit()
print(limits.total)
"""


@pytest.mark.parametrize(("hard", "connections"), [(64, 32), (512, 256), (2000, 1024)])
def test_there_are_fewer_connections_than_the_system_allows_open_files(hard, connections):
    command = [sys.executable, "-c", FEW_FILES.format(hard=hard)]
    assert int(subprocess.check_output(command)) == connections


SERVE = "from headscope.cli.command import run; run()"


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="only Linux changes the limits of another process")
def test_a_server_that_cannot_open_more_files_goes_on_when_it_can_again(tmp_path):
    (tmp_path / "none").mkdir()  # a model that is refused before torch is imported
    (tmp_path / "none" / "config.json").write_text("{")
    command = [sys.executable, "-c", SERVE, "serve", "--no-open", "--port", "0"]
    command += ["--model", "local:none", "--models-dir", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            url = process.stdout.readline().split()[3].rstrip(",")
            port = int(url.rpartition(":")[2])
            assert httpx2.get(f"{url}/healthz", timeout=60).status_code == 200
            soft, hard = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
            resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (3, hard))
            with ExitStack() as clients:
                for _ in range(20):
                    clients.enter_context(socket.create_connection(("127.0.0.1", port), 30)).sendall(GET)
                resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (soft, hard))
            until(lambda: answers(url))
        finally:
            process.kill()


def answers(url):
    try:
        return httpx2.get(f"{url}/healthz").status_code == 200
    except httpx2.HTTPError:
        return False
