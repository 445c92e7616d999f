"""A hub on this machine: serves folders as the real one would, and misbehaves where a test asks for it."""

import hashlib
import json
import re
import socket
import threading
from collections.abc import Callable
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

COMMIT = "0123456789abcdef0123456789abcdef01234567"
API = re.compile(r"/api/models/(?P<repo>[^/]+/[^/?]+?)(/revision/(?P<revision>[^?]+))?(\?.*)?")
FILE = re.compile(r"/(?P<repo>[^/]+/[^/]+)/resolve/(?P<revision>[^/]+)/(?P<name>.+)")


HTML = b"<!DOCTYPE html><title>Welcome to our network</title>"
# Answers in place of JSON and of files.
ANSWERS = {
    "login page": ("text/html", HTML),
    "cut off": ("application/json", b'{"_id": "0", "id": "team/ti'),
    "empty": ("application/json", b""),
    "list": ("application/json", b"[1, 2]"),
    "number": ("application/json", b"7"),
    "other object": ("application/json", b'{"error": null}'),
    "nested": ("application/json", b"[" * 100_000),
    "odd files": ("application/json", b'{"id": "team/tiny", "siblings": [{"name": 1}]}'),
}


@dataclass
class FakeHub:
    """`repos` are served; `faults` maps a repo to gated, down, hangs, half, half once, or one of ANSWERS.

    headers:      sent with each answer about a file, in place of the correct ones; with a Location, it is a redirect
    described:    fields of the description of each repo; those named `file.x` are fields x of each file in it
    endless:      part of a path; the answer to it does not end before the client leaves
    drips:        part of a request (`HEAD /team`); single bytes are sent, with `on_drip` called for each
    sent, dripped: bytes of endless answers; requests whose answer was sent to its end in single bytes
    """

    url: str = ""
    repos: dict[str, Path] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    tokens: list[str | None] = field(default_factory=list)
    ranges: list[str] = field(default_factory=list)
    hanging: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)
    block: int = 1 << 14
    headers: dict[str, str] = field(default_factory=dict)
    described: dict[str, object] = field(default_factory=dict)
    endless: str | None = None
    drips: str | None = None
    on_drip: Callable[[], object] = lambda: None
    sent: int = 0
    dripped: list[str] = field(default_factory=list)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: FakeHub

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self.answer(body=False)

    def do_GET(self):
        self.answer(body=True)

    def answer(self, *, body):
        self.hub.asked.append(f"{self.command} {self.path}")
        self.hub.tokens.append(self.headers.get("authorization"))
        asked = API.fullmatch(self.path) or FILE.fullmatch(self.path)
        fault = self.hub.faults.get(asked["repo"]) if asked else None
        if fault == "down" or fault in ANSWERS:
            kind, data = ANSWERS.get(fault, ("text/plain", b""))
            return self.say(500 if fault == "down" else 200, {"Content-Type": kind}, data, body=body)
        if asked is None or asked["repo"] not in self.hub.repos:
            return self.say(401, {"X-Error-Code": "RepoNotFound"})
        if asked["revision"] not in (None, "main", COMMIT):
            return self.say(404, {"X-Error-Code": "RevisionNotFound"})
        folder = self.hub.repos[asked["repo"]]
        if asked.re is API:
            return self.describe(folder, asked["repo"])
        if fault == "gated":
            return self.say(403, {"X-Error-Code": "GatedRepo"})
        return self.send_file(folder / asked["name"], fault if body else None, body=body)

    def describe(self, folder, repo):
        changed = self.hub.described
        each = {name.removeprefix("file."): value for name, value in changed.items() if name.startswith("file.")}
        files = [{"rfilename": f.name, "size": f.stat().st_size, **each} for f in sorted(folder.iterdir())]
        said = {"_id": "0", "id": repo, "sha": COMMIT, "private": False, "tags": [], "downloads": 0, "siblings": files}
        said |= {name: value for name, value in changed.items() if not name.startswith("file.")}
        self.say(200, {"Content-Type": "application/json"}, json.dumps(said).encode())

    def send_file(self, path, fault, *, body):
        if not path.is_file():
            return self.say(404, {"X-Error-Code": "EntryNotFound", **self.hub.headers})
        data = path.read_bytes()
        etag = hashlib.sha256(data).hexdigest()
        wanted = self.headers.get("range")
        start = int(re.match(r"bytes=(\d+)-", wanted)[1]) if wanted else 0
        if wanted and body:
            self.hub.ranges.append(f"{path.name} {wanted}")
        headers = {"ETag": f'"{etag}"', "X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes", **self.hub.headers}
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        fault = fault if path.suffix == ".safetensors" else None
        if "Location" in headers:
            return self.say(302, headers, body=body)
        return self.say(206 if start else 200, headers, data[start:], body=body, fault=fault)

    def say(self, status, headers=None, data=b"", *, body=True, fault=None):
        asked = f"{self.command} {self.path}"
        if body and self.hub.endless and self.hub.endless in asked:
            self.send_endless(status, headers or {})
            return
        if self.hub.drips and self.hub.drips in asked:
            self.wfile = Drip(self.wfile, self.hub, asked)
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(data))}.items():
            self.send_header(name, value)
        self.end_headers()
        if not body:
            return
        if fault in ("half", "half once"):
            if fault == "half once":
                self.hub.faults.clear()
            self.wfile.write(data[: len(data) // 2])
            self.wfile.flush()
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
        elif fault == "hangs":
            self.wfile.write(data[: self.hub.block])
            self.wfile.flush()
            self.hub.hanging.set()
            self.hub.go_on.wait(30)
            self.wfile.write(data[self.hub.block :])
        else:
            self.wfile.write(data)

    def send_endless(self, status, headers):
        """At most 64 MB, so that a client that takes all of them ends too."""
        self.send_response(status)
        for name, value in {**headers, "Connection": "close"}.items():
            self.send_header(name, value)
        self.end_headers()
        self.close_connection = True
        with suppress(ConnectionError):
            for _ in range(64):
                self.wfile.write(b" " * 2**20)
                self.hub.sent += 2**20


class Drip:
    """Writes single bytes: 300 in all, then the rest at once."""

    def __init__(self, file, hub, asked):
        self.file, self.hub, self.asked, self.left = file, hub, asked, 300

    def write(self, data):
        with suppress(ConnectionError):
            while self.left and data:
                self.file.write(data[:1])
                data, self.left = data[1:], self.left - 1
                self.hub.on_drip()
                self.hub.go_on.wait(0.01)
            self.file.write(data)
            if not self.left:
                self.hub.dripped.append(self.asked)

    def __getattr__(self, name):
        return getattr(self.file, name)


@contextmanager
def fake_hub(**repos):
    """A FakeHub that listens; `team__tiny=folder` serves the folder as team/tiny."""
    hub = FakeHub(repos={name.replace("__", "/"): folder for name, folder in repos.items()})
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"hub": hub}))
    server.daemon_threads = True
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.go_on.set()
        server.shutdown()
        server.server_close()
