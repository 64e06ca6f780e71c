#!/usr/bin/env python3
"""A WebSocket of live push in a hundred lines of nothing but Python's library: prints each message, one a line.

    listen.py API TOKEN THING [WORD...]

Subscribes to one thing, and ends with 0 once every WORD was in some message that was no snapshot; with 1 after 20 s.
"""
import base64
import json
import os
import socket
import struct
import sys
import time
from urllib.parse import urlsplit

api, token, thing, *words = sys.argv[1:]
host = urlsplit(api)
deadline = time.monotonic() + 20
connection = socket.create_connection((host.hostname, host.port), timeout=20)
# The token goes into a subprotocol, as in browsers; never into the URL.
connection.sendall((
    "GET /api/v1/live HTTP/1.1\r\n"
    f"Host: {host.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\n"
    f"Sec-WebSocket-Protocol: egiz.v1, egiz.token.{token}\r\n\r\n").encode())
stream = connection.makefile("rb")
status = stream.readline().decode()
if " 101 " not in status:
    sys.exit(f"listen: {status}")
while stream.readline().strip():
    pass


def send(opcode, data):
    mask = os.urandom(4)
    length = bytes([0x80 | len(data)]) if len(data) < 126 else bytes([0x80 | 126]) + struct.pack(">H", len(data))
    connection.sendall(bytes([0x80 | opcode]) + length + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(data)))


def receive():
    first, length = stream.read(2)
    if length == 126:
        length, = struct.unpack(">H", stream.read(2))
    elif length == 127:
        length, = struct.unpack(">Q", stream.read(8))
    return first & 0x0F, stream.read(length)


send(1, json.dumps({"type": "subscribe", "id": "quickstart", "things": [thing]}).encode())
missing = set(words)
while missing or not words:
    connection.settimeout(max(0.1, deadline - time.monotonic()))
    try:
        opcode, data = receive()
    except (TimeoutError, ValueError):
        sys.exit(f"listen: nothing told of {', '.join(sorted(missing))}")
    if opcode == 9:
        send(10, data)
    elif opcode == 8:
        sys.exit(f"listen: closed with {struct.unpack('>H', data[:2])[0] if data else 'no code'}: {data[2:].decode()}")
    elif opcode == 1:
        text = data.decode()
        print(text, flush=True)
        if json.loads(text)["type"] != "snapshot":
            missing -= {word for word in missing if word in text}
send(8, struct.pack(">H", 1000))
