#!/usr/bin/env bash
# Attacks a running API with what Schemas/openapi.yaml allows and does not allow: no server error, no status, content type, header or
# body that the document does not have.
#
#   scripts/schemathesis.sh [seconds] [options of `schemathesis run`]
#
# Exits with 75 where it is not there and cannot be installed.
#
# Starts `egiz up` on free ports in a folder that is thrown away, as EGIZ or a build has it. The server takes the caller for the local
# operator, an admin, so that all routes are reached. Streams that never end are left out.
set -euo pipefail
cd "$(dirname "$0")/.."
version=4.32.5
seconds=${1:-60}
shift || true
egiz=${EGIZ:-}
for candidate in .build/release/egiz .build/debug/egiz; do [ -n "$egiz" ] || { [ -x "$candidate" ] && egiz=$candidate; }; done
[ -n "$egiz" ] || { echo "schemathesis: build egiz first, or name it with EGIZ" >&2; exit 1; }

venv=$(realpath -m "${SCHEMATHESIS_VENV:-.egiz-venv-api}")
exec 9>"$venv.lock"
flock 9
if [ "$(cat "$venv/.version" 2>/dev/null)" != "$version" ]; then
    python3 -m venv "$venv"
    if ! "$venv/bin/pip" --quiet --disable-pip-version-check install "schemathesis==$version" >&2; then
        echo "schemathesis: cannot be installed; is PyPI reachable?" >&2
        exit 75
    fi
    echo "$version" >"$venv/.version"
fi
flock -u 9

work=$(mktemp -d /tmp/egiz-schemathesis.XXXXXX)
chmod 755 "$work"
EGIZ_DATA_DIR="$work/data" EGIZ_HTTP_ADDRESS=127.0.0.1:0 EGIZ_LOG_LEVEL=warning "$egiz" up --topologies Topologies --kafka-port 0 --demo \
    </dev/null >"$work/log" 2>&1 9>&- &
server=$!
cleanup() {
    kill "$server" 2>/dev/null && wait "$server" 2>/dev/null || true
    rm -rf "$work"
}
trap cleanup EXIT
for _ in $(seq 600); do
    [ -s "$work/data/run.json" ] && break
    kill -0 "$server" 2>/dev/null || { cat "$work/log" >&2; exit 1; }
    sleep 0.1
done
api=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["api"])' "$work/data/run.json")
status=0
# What it keeps between runs goes with the folder.
cd "$work"
"$venv/bin/schemathesis" run "$api/openapi.json" --url "$api" --workers 2 --max-time "$seconds" --max-examples 25 --request-timeout 20 \
    --phases examples,coverage,fuzzing --exclude-path /api/v1/live --seed 1 --suppress-health-check all --warnings off \
    --checks not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,response_headers_conformance,unsupported_method,allow_header_conformance \
    "$@" || status=$?
kill -0 "$server" 2>/dev/null || { echo "schemathesis: the server has ended:" >&2; tail -50 "$work/log" >&2; exit 1; }
exit "$status"
