#!/usr/bin/env python3
"""A pager for the demo: takes what the kind `webhook` delivers, checks its signature and shows the last deliveries.

    EGIZ_PAGER_SECRET=… pager.py --port 8001
    curl http://127.0.0.1:8001/          the last deliveries, the newest first

Nothing but Python's own library, so that it is short enough to copy. A receiver for real needs TLS in front of it.
"""

import argparse
import hashlib
import hmac
import json
import os
import sys
import threading
import time
from collections import OrderedDict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

MOST_BYTES = 1 << 20
OLDEST_SECONDS = 300
KEPT = 100


class Pager:
    """What came. Safe from any thread."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._lock = threading.Lock()
        self._deliveries: OrderedDict[str, dict] = OrderedDict()

    def is_signed(self, body: bytes, header: str, now: float) -> bool:
        """`t=<seconds>,v1=<hex>`: HMAC-SHA256 of `<seconds>.<body>`; nothing that is minutes away."""
        parts = dict(part.split("=", 1) for part in header.split(",") if "=" in part)
        moment, digest = parts.get("t", ""), parts.get("v1", "")
        if not (moment.isascii() and moment.isdigit()) or not digest.isascii():
            return False
        expected = hmac.new(self._secret, moment.encode() + b"." + body, hashlib.sha256).hexdigest()
        return hmac.compare_digest(expected, digest) and abs(now - int(moment)) < OLDEST_SECONDS

    def take(self, key: str, topic: str, body: bytes) -> None:
        """A repeated key is the same delivery: it came, and its answer was lost."""
        try:
            value = json.loads(body)
        except ValueError:
            value = body.decode("utf-8", "replace")
        with self._lock:
            known = self._deliveries.get(key)
            if known:
                known["times"] += 1
                return
            self._deliveries[key] = {"key": key, "topic": topic, "value": value, "times": 1}
            while len(self._deliveries) > KEPT:
                self._deliveries.popitem(last=False)

    def newest_first(self) -> list[dict]:
        with self._lock:
            return list(reversed(self._deliveries.values()))


class Handler(BaseHTTPRequestHandler):
    pager: Pager
    protocol_version = "HTTP/1.1"
    timeout = 10

    def do_GET(self) -> None:
        self._answer(200, self.pager.newest_first())

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > MOST_BYTES:
            self.close_connection = True
            return self._answer(413, {"error": "no length, or more than a pager takes"})
        body = self.rfile.read(int(length))
        if not self.pager.is_signed(body, self.headers.get("Egiz-Signature", ""), time.time()):
            return self._answer(401, {"error": "the signature is not that of this body, or old"})
        self.pager.take(self.headers.get("Idempotency-Key", ""), self.headers.get("Egiz-Topic", ""), body)
        self._answer(204, None)

    def _answer(self, status: int, value: object) -> None:
        body = b"" if value is None else json.dumps(value, ensure_ascii=False).encode()
        self.send_response(status)
        if body:
            self.send_header("Content-Type", "application/json")
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, form: str, *values: object) -> None:
        pass


def end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(0)


def main() -> int:
    options = argparse.ArgumentParser(prog="pager.py", description="Takes signed deliveries and shows the last ones.")
    options.add_argument("--port", type=int, default=8001, help="0 for any free one (default: 8001)")
    options.add_argument("--address-file", type=Path, help="where to write http://host:port once it listens")
    options.add_argument("--with-parent", action="store_true", help="stop when the process that started this one is gone")
    given = options.parse_args()
    secret = os.environ.get("EGIZ_PAGER_SECRET", "")
    if not secret:
        print("pager: EGIZ_PAGER_SECRET is not set; it must be that of the worker", file=sys.stderr)
        return 2
    Handler.pager = Pager(secret.encode())
    try:
        server = ThreadingHTTPServer(("127.0.0.1", given.port), Handler)
    except OSError as error:
        print(f"pager: port {given.port}: {error}", file=sys.stderr)
        return 1
    if given.with_parent:
        threading.Thread(target=end_with, args=(os.getppid(),), daemon=True).start()
    if given.address_file:
        given.address_file.write_text(f"http://127.0.0.1:{server.server_port}\n")
    server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
