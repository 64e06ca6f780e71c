#!/usr/bin/env bash
# Runs the tests of the model service; arguments go to pytest. `make test-ml` calls this.
# Tests of PyTorch, MLflow and the simulator are skipped, and say so, where these are not there.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
python=$("$here/venv.sh" requirements-dev.txt)
cd "$here"
exec "$python" -m pytest "$@"
