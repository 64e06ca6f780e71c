"""The database of a run: a private cluster that may be crashed, or one database on a named server."""

import glob
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from urllib.parse import urlsplit, urlunsplit

import psycopg


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Postgres:
    """Anything that reads the database waits while it is away: it is restarted on purpose."""

    def __init__(self, named_url, suffix, folder):
        self.is_private = not named_url
        self._data = os.path.join(folder, "postgres")
        self._suffix = suffix
        if self.is_private:
            self._start_cluster()
            server = f"postgres://egiz@127.0.0.1:{self.port}/postgres"
        else:
            server = named_url
            self.port = urlsplit(named_url).port or 5432
        name = f"egiz_chaos_{suffix}"
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"create database {name} template template0 encoding 'UTF8'")
        self._server = server
        self.url = urlunsplit(urlsplit(server)._replace(path="/" + name))

    def connect(self):
        return psycopg.connect(self.url, autocommit=True, connect_timeout=5, options="-c timezone=UTC")

    def rows(self, query, parameters=(), within=60):
        """Tries until the server answers."""
        deadline = time.monotonic() + within
        while True:
            try:
                with self.connect() as connection:
                    return connection.execute(query, parameters).fetchall()
            except psycopg.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def crash(self):
        """Ends every server process at once, without a checkpoint."""
        self._control("stop", "-m", "immediate")

    def start(self):
        self._control("start", "-w", "-t", "60", "-l", os.path.join(self._data, "server.log"))

    def end(self):
        if self.is_private:
            self._control("stop", "-m", "fast", check=False)
            shutil.rmtree(self._data, ignore_errors=True)
        else:
            with psycopg.connect(self._server, autocommit=True) as connection:
                connection.execute(f"drop database if exists egiz_chaos_{self._suffix} with (force)")

    def _start_cluster(self):
        folders = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda path: int(path.split("/")[4]))
        self._bin = os.path.dirname(shutil.which("initdb") or "") or (folders[-1] if folders else "")
        if not self._bin:
            raise SystemExit("chaos: no PostgreSQL server is installed; `make deps` installs it")
        # Postgres refuses to run as root.
        self._user = "postgres" if os.geteuid() == 0 else None
        os.makedirs(self._data)
        if self._user:
            entry = pwd.getpwnam(self._user)
            os.chown(self._data, entry.pw_uid, entry.pw_gid)
        self.port = free_port()
        self._run(os.path.join(self._bin, "initdb"), "-D", self._data, "-U", "egiz", "-A", "trust", "-E", "UTF8",
                  "--locale=C", "--no-sync")
        with open(os.path.join(self._data, "postgresql.conf"), "a") as settings:
            settings.write(
                f"port = {self.port}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = ''\n"
                "max_wal_size = '4GB'\nshared_buffers = '256MB'\nmax_connections = 100\n")
        self.start()

    def _control(self, *arguments, check=True):
        self._run(os.path.join(self._bin, "pg_ctl"), "-D", self._data, *arguments, check=check)

    def _run(self, *command, check=True):
        account = {"user": self._user, "group": self._user, "extra_groups": []} if self._user else {}
        # A file, not a pipe: the server inherits it and would keep a pipe open for ever.
        with open(os.path.join(os.path.dirname(self._data), "postgres.log"), "ab") as log:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", start_new_session=True, **account)
        if check and done.returncode:
            raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}; see {log.name}")


def freeze(pid):
    os.kill(pid, signal.SIGSTOP)


def thaw(pid):
    try:
        os.kill(pid, signal.SIGCONT)
    except ProcessLookupError:
        pass
