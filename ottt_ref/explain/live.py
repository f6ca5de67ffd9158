"""The page on this machine alone, with a form in which the network can be changed.

Python's own server, on 127.0.0.1. It answers GET / with the page, and POST /explain with what the library computes
for the network that was sent. What another page in the same browser asks for is refused: by the Host header (a
foreign name that leads here), by Origin and Sec-Fetch-Site, and by asking for a content type that no form can send.
Requests have to be small and quick, and networks small.
"""

from __future__ import annotations

import json
import socket
import socketserver
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from ..blackboard.description import described, loads
from ..methods.shared.traces import DIALECTS
from ..network.neurons import RESET_GRADIENTS
from ..simulation.equilibrium import ConvergenceError
from ..validation import require_choice
from .data import page_data
from .page import page
from .shown import Shown

ADDRESS = "127.0.0.1"
LARGEST_BODY = 64 * 1024  # bytes
LARGEST_PATHS = 6_000  # of one network: a few seconds
LONGEST_REQUEST = 10.0  # seconds for a client to send its request, and to take the answer
MOST_CONNECTIONS = 64  # at once; the oldest that is still being read makes room
MOST_WAITING = 8  # networks, the one that is being computed too
PATIENCE = 30.0  # seconds that a request waits for another to be computed
FAULTS = (ValueError, TypeError, ConvergenceError, ArithmeticError, RecursionError, MemoryError)
OPTIONS = {"dialect": DIALECTS, "reset_gradient": RESET_GRADIENTS}


class Refused(Exception):
    """A request that is not answered: the status and why."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Server(ThreadingHTTPServer):
    """A server of the page of `shown` at http://127.0.0.1:port/; port 0 takes a free one.

    edit  the network as the form begins with it (`editable`)

    Raises OSError where the port is taken.
    """

    daemon_threads = True  # so that Ctrl-C waits for none of them
    block_on_close = False

    def __init__(self, shown: Shown, edit: Mapping[str, Any], port: int = 0) -> None:
        self.computing, self.waiting = threading.Lock(), threading.Semaphore(MOST_WAITING)
        self._reading: dict[socket.socket, float] = {}  # open connections, by when their time is over
        self._guard = threading.Lock()
        super().__init__((ADDRESS, port), Handler)  # first: a port that is taken is said before any work
        try:
            self.content = page(page_data(shown, grid="asked"), edit=edit)
        except BaseException:
            self.server_close()
            raise

    def server_bind(self) -> None:
        """As HTTPServer has it, without asking for the name of the address, which may take long."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[0], self.server_address[1]  # type: ignore[assignment]

    @property
    def address(self) -> str:
        """Where the page is."""
        return f"http://{ADDRESS}:{self.server_port}/"

    @property
    def hosts(self) -> tuple[str, ...]:
        """What Host may be."""
        names = (ADDRESS, "localhost")
        return tuple(f"{name}:{self.server_port}" for name in names) + (names if self.server_port == 80 else ())

    def process_request(self, request: Any, client_address: Any) -> None:
        """Begin with a connection; the one that is oldest makes room for it."""
        with self._guard:
            while len(self._reading) >= MOST_CONNECTIONS:
                self._end(next(iter(self._reading)))
            self._reading[request] = time.monotonic() + LONGEST_REQUEST
        super().process_request(request, client_address)

    def service_actions(self) -> None:
        """End connections whose time is over: called between requests, at least twice a second."""
        now = time.monotonic()
        with self._guard:
            for connection in [each for each, until in self._reading.items() if until < now]:
                self._end(connection)

    def shutdown_request(self, request: Any) -> None:
        """Forget a connection that is done."""
        self.pause(request)
        super().shutdown_request(request)

    def pause(self, connection: socket.socket) -> None:
        """Its request has been read: the time that the library takes is not the client's."""
        with self._guard:
            self._reading.pop(connection, None)

    def resume(self, connection: socket.socket) -> None:
        """The answer is being sent: the client has as much time again to take it."""
        with self._guard:
            self._reading[connection] = time.monotonic() + LONGEST_REQUEST

    def _end(self, connection: socket.socket) -> None:
        self._reading.pop(connection, None)
        with suppress(OSError):  # it is closed
            connection.shutdown(socket.SHUT_RDWR)  # its thread wakes up and closes it

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that went away; a fault of ours was answered with status 500."""


class Handler(BaseHTTPRequestHandler):
    """Answers one request, and closes the connection."""

    server: Server
    server_version = "ottt_ref"
    sys_version = ""
    timeout = LONGEST_REQUEST

    def do_GET(self) -> None:
        """The page."""
        self._answer(self._page)

    def do_POST(self) -> None:
        """What the library computes for a network."""
        self._answer(self._explained)

    def _answer(self, answer):
        try:
            self._require_own()
            kind, content = answer()
            status = 200
        except Refused as refused:
            status, kind, content = refused.status, "application/json", _error(refused)
        except FAULTS as fault:
            status, kind, content = 400, "application/json", _error(fault)
        except (OSError, KeyboardInterrupt):
            raise
        except Exception as fault:  # a mistake of ours: the page says so, and the server lives on
            status, kind, content = 500, "application/json", _error(f"{type(fault).__name__}: {fault}")
        self.server.resume(self.connection)
        self.send_response(status)
        for name, value in (
            ("Content-Type", f"{kind}; charset=utf-8"),
            ("Content-Length", str(len(content))),
            ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
            ("Content-Security-Policy", "frame-ancestors 'none'"),
            ("Cross-Origin-Resource-Policy", "same-origin"),
            ("Cross-Origin-Opener-Policy", "same-origin"),
            ("Referrer-Policy", "no-referrer"),
        ):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def _require_own(self):
        """Refuse what another page asks for."""
        hosts = self.headers.get_all("Host") or []
        if len(hosts) != 1 or hosts[0].lower() not in self.server.hosts:
            raise Refused(403, f"Host must be {self.server.hosts[0]}, got {hosts}")
        for origin in self.headers.get_all("Origin") or []:
            if origin.lower() not in [f"http://{host}" for host in self.server.hosts]:
                raise Refused(403, f"Origin must be http://{self.server.hosts[0]}, got {origin!r}")
        for site in self.headers.get_all("Sec-Fetch-Site") or []:
            if site not in ("same-origin", "none"):
                raise Refused(403, f"Sec-Fetch-Site must be same-origin, got {site!r}")

    def _page(self):
        if self.path.partition("?")[0] != "/":
            raise Refused(404, "there is / alone")
        return "text/html", self.server.content

    def _explained(self):
        if self.path != "/explain":
            raise Refused(404, "there is /explain alone")
        asked = _asked(self._body())
        self.server.pause(self.connection)
        if not self.server.waiting.acquire(blocking=False):
            raise Refused(503, "too many networks are waiting to be computed")
        try:
            found = self._computed(*asked)
        finally:
            self.server.waiting.release()
        return "application/json", json.dumps(found, allow_nan=False).encode()

    def _computed(self, shown, options):
        """One network after the other: together they would take as long."""
        if not self.server.computing.acquire(timeout=PATIENCE):
            raise Refused(503, "another network is being computed")
        try:
            return page_data(shown, grid="asked", largest=LARGEST_PATHS, **options)
        finally:
            self.server.computing.release()

    def _body(self):
        if self.headers.get_content_type() != "application/json":
            raise Refused(415, f"Content-Type must be application/json, got {self.headers.get('Content-Type')!r}")
        lengths = self.headers.get_all("Content-Length") or []
        if self.headers.get("Transfer-Encoding") is not None or len(lengths) != 1:
            raise Refused(411, "Content-Length must be given, once")
        if not (lengths[0].isascii() and lengths[0].isdigit() and len(lengths[0]) < 20):
            raise Refused(400, f"Content-Length must be a number of bytes, got {lengths[0][:40]!r}")
        if int(lengths[0]) > LARGEST_BODY:
            raise Refused(413, f"the body must have at most {LARGEST_BODY} bytes, got {int(lengths[0])}")
        body = self.rfile.read(int(lengths[0]))
        if len(body) < int(lengths[0]):
            raise Refused(400, f"the body must have {lengths[0]} bytes, got {len(body)}")
        return body

    def log_message(self, format: str, *arguments: Any) -> None:
        """Say nothing: the terminal is the user's."""


def _error(fault):
    return json.dumps({"error": " ".join(str(fault).split()) or type(fault).__name__}).encode()


def _asked(body):
    """The Shown and the options that a body asks for; ValueError or TypeError that names what is wrong with it."""
    found = loads(body, "the body")
    if not isinstance(found, dict) or set(found) != {"network", "options"} or not isinstance(found["options"], dict):
        raise ValueError("the body must be an object with network and options")
    options = found["options"]
    if not set(options) <= set(OPTIONS):
        raise ValueError(f"options must be {', '.join(OPTIONS)}, got {sorted(options)}")
    for name, choice in options.items():
        require_choice(name, choice, OPTIONS[name])
    made = described(found["network"])
    return Shown(made.network, made.inputs, made.targets, made.loss), options


def serve(server: Server) -> None:
    """Serve until Ctrl-C, which raises KeyboardInterrupt at once."""
    try:
        server.serve_forever(poll_interval=0.25)
    except KeyboardInterrupt:
        raise KeyboardInterrupt("the page is no longer served") from None
    finally:
        server.server_close()
