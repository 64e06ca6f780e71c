#!/usr/bin/env bash
# How soon a change of the registry is told and in force, while the worker is busy: `egiz up` (embedded broker, private Postgres, worker and
# API in one process), a steady load, and changes of each kind over the API.
#
#   benchmarks/registry/run.sh [events/s] [rounds] [commit.interval]      or: make bench-registry
#
# Fails where something took longer than BOUND seconds (default: 2, what the API promises). EGIZ names the binary (default: a release build).
set -euo pipefail
cd "$(dirname "$0")/../.."
rate=${1:-5000} rounds=${2:-20} interval=${3:-100ms}
egiz=${EGIZ:-.build/release/egiz}
[ -x "$egiz" ] || { swift build -c release --product egiz >&2; }
work=$(mktemp -d /tmp/egiz-bench-registry.XXXXXX)
chmod 755 "$work"
cc -O2 -Wall -o "$work/live" benchmarks/live/live.c -lrdkafka -lpthread
mkdir "$work/topologies"
sed "s/INTERVAL/$interval/" benchmarks/registry/topology.yaml >"$work/topologies/bench.yaml"
EGIZ_DATA_DIR="$work/data" EGIZ_HTTP_ADDRESS=127.0.0.1:0 EGIZ_LOG_LEVEL=warning "$egiz" up --topologies "$work/topologies" --kafka-port 0 \
    </dev/null >"$work/log" 2>&1 &
server=$!
load=
cleanup() {
    # Not TERM: who starts this from a program that blocks signals, as a test does, has handed that on.
    [ -n "$load" ] && kill -KILL "$load" 2>/dev/null && wait "$load" 2>/dev/null || true
    kill "$server" 2>/dev/null && wait "$server" 2>/dev/null || true
    [ -n "${KEEP:-}" ] && echo "kept: $work" >&2 || rm -rf "$work"
}
trap cleanup EXIT
for _ in $(seq 600); do
    [ -s "$work/data/run.json" ] && break
    kill -0 "$server" 2>/dev/null || { cat "$work/log" >&2; exit 1; }
    sleep 0.1
done
field() { python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$work/data/run.json" "$1"; }
api=$(field api) kafka=$(field kafka)
things=$((rate < 1000 ? 50 : 1000))
"$work/live" fill "$kafka" bench.registry "$things"
printf 'bench.live:silent\t{"thingId":"bench.live:silent","features":{"f":{"n":1}}}\n' | kcat -P -b "$kafka" -t bench.registry -K '\t'
"$work/live" load "$kafka" bench.registry "$things" "$rate" 3600 &
load=$!
python3 benchmarks/registry/measure.py "$api" "$kafka" "$work/topologies/bench.yaml" "$rounds" "${BOUND:-2}" ||
    { tail -50 "$work/log" >&2; exit 1; }
