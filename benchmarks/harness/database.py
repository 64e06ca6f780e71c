"""A private Postgres with the settings of `egiz up`, for one run."""

import glob
import os
import pwd
import shutil
import subprocess

import psycopg

from harness.tools import free_port


class Postgres:
    """Durable: fsync is on. `extra` are further settings, one a line."""

    SETTINGS = (
        "shared_buffers = 256MB\nmax_wal_size = 2GB\nmin_wal_size = 256MB\nmax_connections = 100\nrandom_page_cost = 1.1\n"
        "jit = off\ntimezone = 'UTC'\nautovacuum_vacuum_scale_factor = 0.1\nlog_min_messages = warning\n")

    def __init__(self, folder, extra=""):
        folders = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda path: int(path.split("/")[4]))
        self._bin = os.path.dirname(shutil.which("initdb") or "") or (folders[-1] if folders else "")
        if not self._bin:
            raise SystemExit("bench: no PostgreSQL server is installed; `make deps` installs it")
        self._folder = folder
        self._data = os.path.join(folder, "postgres")
        # Postgres refuses to run as root.
        self._user = "postgres" if os.geteuid() == 0 else None
        os.makedirs(self._data)
        if self._user:
            entry = pwd.getpwnam(self._user)
            os.chown(self._data, entry.pw_uid, entry.pw_gid)
        self.port = free_port()
        self._run("initdb", "-U", "egiz", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        with open(os.path.join(self._data, "postgresql.conf"), "a") as settings:
            settings.write(
                f"port = {self.port}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = ''\n{self.SETTINGS}{extra}")
        self._run("pg_ctl", "start", "-w", "-t", "60", "-l", os.path.join(self._data, "server.log"))
        self.url = f"postgres://egiz@127.0.0.1:{self.port}/postgres"

    def connect(self):
        return psycopg.connect(self.url, autocommit=True, options="-c timezone=UTC")

    def version(self):
        with self.connect() as connection:
            return connection.execute("show server_version").fetchone()[0].split()[0]

    def empty(self):
        """Forgets what a round wrote, so that the next one finds the same."""
        with self.connect() as connection:
            connection.execute("set client_min_messages = error")
            connection.execute("drop schema if exists egiz cascade")
            connection.execute("drop table if exists lim, lim_twin, py_history, py_offset")
            connection.execute("checkpoint")

    def end(self):
        self._run("pg_ctl", "stop", "-m", "immediate", check=False)
        shutil.rmtree(self._data, ignore_errors=True)

    def _run(self, program, *arguments, check=True):
        account = {"user": self._user, "group": self._user, "extra_groups": []} if self._user else {}
        # A file, not a pipe: the server inherits it and would keep a pipe open for ever.
        with open(os.path.join(self._folder, "postgres.log"), "ab") as log:
            done = subprocess.run(
                [os.path.join(self._bin, program), "-D", self._data, *arguments], stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, cwd="/", start_new_session=True, **account)
        if check and done.returncode:
            raise RuntimeError(f"{program} ended with {done.returncode}; see {log.name}")
