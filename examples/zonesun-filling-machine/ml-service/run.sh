#!/usr/bin/env bash
# Makes the Python environment where it is missing and starts the model service in the foreground.
#   run.sh [--port N] [--address-file FILE] [--with-parent] …   see `run.sh --help`; the default here is a free port
# With EGIZ_ML_TORCH=1 PyTorch is installed and used, with EGIZ_ML_MLFLOW=1 what MLFLOW_TRACKING_URI needs.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
extras=()
[ "${EGIZ_ML_TORCH:-0}" != 1 ] || extras+=(requirements-torch.txt)
[ "${EGIZ_ML_MLFLOW:-0}" != 1 ] || extras+=(requirements-mlflow.txt)
python=$("$here/venv.sh" "${extras[@]}")
export PYTHONPATH=$here${PYTHONPATH:+:$PYTHONPATH}
exec "$python" -m egiz_ml_service --port 0 "$@"
