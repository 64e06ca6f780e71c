"""`python -m egiz_ml_service`: exit status 0 after a stop, 1 where it could not start, 2 for wrong options."""

import argparse
import signal
import sys
from pathlib import Path

from . import __version__, app, logs, server
from .model.artifact import ArtifactError
from .settings import Settings, SettingsError


def main() -> int:
    options = argparse.ArgumentParser(prog="egiz_ml_service", description="Serves the filling machine's models to ml-caller.")
    options.add_argument("--host", default="127.0.0.1", help="address to listen at (default: 127.0.0.1; there is no authentication)")
    options.add_argument("--port", type=int, default=8000, help="0 for any free one (default: 8000)")
    options.add_argument("--address-file", type=Path, help="where to write http://host:port once it answers")
    options.add_argument("--log-level", choices=logs.LEVELS, default="info", help="debug logs every request")
    options.add_argument("--with-parent", action="store_true", help="stop when the process that started this one is gone")
    options.add_argument("--version", action="version", version=__version__)
    given = options.parse_args()
    if given.port not in range(65_536):
        options.error(f"--port: found {given.port}, expected 0 to 65535")
    # Who was started by a thread that blocks its signals inherits that, and would never hear that it shall stop.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT, signal.SIGTERM})
    logs.install(given.log_level)
    try:
        application = app.create(Settings.of())
        listener = server.listen(given.host, given.port)
    except (SettingsError, ArtifactError, ImportError, OSError) as error:
        print(f"ml-service: {error}", file=sys.stderr)
        return 1
    server.Server(application, listener, given.address_file, given.with_parent).serve_here()
    return 0


if __name__ == "__main__":
    sys.exit(main())
