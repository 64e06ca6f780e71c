"""Serves the application: on one socket, until SIGINT, SIGTERM, or the end of the process that started it."""

import asyncio
import os
import signal
import socket
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI

#: Seconds that requests have to end after a stop was asked for.
GRACE = 5


class Server(uvicorn.Server):
    """Writes its address once it answers, and ends calls that hang on purpose when it stops."""

    def __init__(self, app: FastAPI, listener: socket.socket, address_file: Path | None, with_parent: bool):
        # Many connections wait in the backlog rather than being refused; keep-alive outlasts a caller's pauses.
        super().__init__(uvicorn.Config(app, log_config=None, timeout_graceful_shutdown=GRACE, timeout_keep_alive=75, ws="none"))
        self._app = app
        self._listener = listener
        self._address_file = address_file
        self._parent = os.getppid() if with_parent else None

    @property
    def address(self) -> str:
        host, port = self._listener.getsockname()[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def serve_here(self) -> None:
        # uvicorn raises the signals that stopped it once more when it is done; by default they would end the process unclean.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._stop)
        asyncio.run(self.serve(sockets=[self._listener]))

    def _stop(self, number: int, frame: Any) -> None:
        self.should_exit = True

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets=sockets)
        if self._address_file is not None:
            # Whoever waits for the file finds all of it or nothing.
            draft = self._address_file.with_name(self._address_file.name + ".new")
            draft.write_text(self.address + "\n")
            draft.replace(self._address_file)
        print(f"ml-service: {self.address}", flush=True)

    async def on_tick(self, counter: int) -> bool:
        if self._parent is not None and os.getppid() != self._parent:
            self.should_exit = True
        return await super().on_tick(counter)

    async def shutdown(self, sockets: Any = None) -> None:
        if (faults := self._app.state.faults) is not None:
            faults.stopping.set()
        await super().shutdown(sockets=sockets)
        if self._address_file is not None:
            self._address_file.unlink(missing_ok=True)


def listen(host: str, port: int) -> socket.socket:
    """Port 0 is any free one. Raises OSError where the address cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    return listener
