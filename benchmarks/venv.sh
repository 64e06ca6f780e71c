#!/usr/bin/env bash
# Makes the Python environment of the benchmarks and prints its interpreter. Silent and fast where it is there already.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
venv=${BENCH_VENV:-$(dirname "$here")/.egiz-venv-bench}
stamp=$venv/.requirements
exec 9>"$venv.lock"
flock 9
if ! cmp -s "$here/requirements.txt" "$stamp"; then
    echo "bench: installing $(grep -v '^#' "$here/requirements.txt" | tr '\n' ' ')into $venv" >&2
    python3 -m venv "$venv"
    "$venv/bin/pip" --quiet --disable-pip-version-check install --requirement "$here/requirements.txt" >&2
    cp "$here/requirements.txt" "$stamp"
fi
echo "$venv/bin/python"
