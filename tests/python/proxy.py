"""A network that fails on purpose: a TCP proxy that loses the responses to chosen requests."""

from __future__ import annotations

import contextlib
import socket
import threading
from urllib.parse import urlsplit


class Proxy:
    """A proxy on a loopback port, between a client and the HTTP server at ``endpoint``.

    The server carries out a request that contains a pattern given to :meth:`lose`; its response
    does not reach the client, whose connection is closed instead.
    """

    def __init__(self, endpoint: str) -> None:
        url = urlsplit(endpoint)
        self._target = (url.hostname, url.port)
        self._rules: list[tuple[bytes, list[int]]] = []
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.lost = 0
        """How many responses were lost so far."""
        threading.Thread(target=self._serve, daemon=True).start()

    def __enter__(self) -> Proxy:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def lose(self, pattern: str, times: int = 1_000_000) -> None:
        """Loses the responses to the next requests with ``pattern`` in their first bytes."""
        with self._lock:
            self._rules.append((pattern.encode(), [times]))

    def _is_lost(self, request: bytes) -> bool:
        head = request[:4096]
        with self._lock:
            for pattern, left in self._rules:
                if pattern in head and left[0] > 0:
                    left[0] -= 1
                    self.lost += 1
                    return True
        return False

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._pump, args=(client,), daemon=True).start()

    def _pump(self, client: socket.socket) -> None:
        """Forwards requests. They are not pipelined, so the next response is that of a request
        whose response is to be lost."""
        with client, contextlib.suppress(OSError), socket.create_connection(self._target) as server:
            losing = threading.Event()
            back = threading.Thread(
                target=self._respond, args=(client, server, losing), daemon=True
            )
            back.start()
            while data := client.recv(1 << 16):
                if self._is_lost(data):
                    losing.set()
                server.sendall(data)

    @staticmethod
    def _respond(client: socket.socket, server: socket.socket, losing: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(1 << 16):
                if losing.is_set():
                    break
                client.sendall(data)
        with contextlib.suppress(OSError):
            client.shutdown(socket.SHUT_RDWR)
