#!/usr/bin/env bash
# Live push under load, everything on this machine: `egiz up` (embedded broker, private Postgres, worker and API in one process) and
# the clients beside it.
#
#   benchmarks/live/run.sh [sockets] [things] [each] [events/s] [seconds]      or: make bench-live
#
# 2000 sockets, 1000 things, 50 things a socket: 100 sockets for each thing, so 500 events/s are 50,000 changes/s at the sockets.
# Afterwards 10,000 idle and slow connections, and how others are served meanwhile. EGIZ names the binary (default: a release build).
set -euo pipefail
cd "$(dirname "$0")/../.."
sockets=${1:-2000} things=${2:-1000} each=${3:-50} rate=${4:-500} seconds=${5:-30}
egiz=${EGIZ:-.build/release/egiz}
[ -x "$egiz" ] || { swift build -c release --product egiz >&2; }
work=$(mktemp -d /tmp/egiz-bench-live.XXXXXX)
chmod 755 "$work"
cc -O2 -Wall -o "$work/live" benchmarks/live/live.c -lrdkafka -lpthread
mkdir "$work/topologies"
cp benchmarks/live/topology.yaml "$work/topologies/"
ulimit -n "$(ulimit -Hn)"
EGIZ_DATA_DIR="$work/data" EGIZ_HTTP_ADDRESS=127.0.0.1:0 EGIZ_LOG_LEVEL=warning "$egiz" up --topologies "$work/topologies" --kafka-port 0 \
    </dev/null >"$work/log" 2>&1 &
server=$!
cleanup() {
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
port=${api##*:}

cpu() { awk '{ print ($14 + $15) / 100 }' "/proc/$server/stat"; }
"$work/live" fill "$kafka" bench.live "$things"
for _ in $(seq 300); do
    found=$(curl -s "$api/api/v1/twins?namespace=bench.live&limit=1000" | { grep -o '"thingId"' || true; } | wc -l)
    [ "$found" -ge $((things < 1000 ? things : 1000)) ] && break
    sleep 0.1
done
before=$(cpu)
"$work/live" fanout "$port" "$kafka" bench.live "$sockets" "$things" "$each" "$rate" "$seconds" "$work/state"
echo "CPU of the server: $(echo "$(cpu) - $before" | bc) s; memory: $(awk '/VmHWM/ { print int($2 / 1024) }' "/proc/$server/status") MiB at its peak"
python3 - "$api" "$work/state" <<'PY'
import json, sys, urllib.request
api, state = sys.argv[1:]
seen = dict(line.split() for line in open(state))
rest, cursor = {}, ""
while True:
    page = json.load(urllib.request.urlopen(f"{api}/api/v1/twins?namespace=bench.live&limit=1000&fields=thingId,features/f/properties/sent{cursor}"))
    for item in page["items"]:
        rest[item["thingId"].rsplit("-", 1)[1]] = str(item["features"]["f"]["properties"]["sent"])
    if "next" not in page:
        break
    cursor = "&cursor=" + page["next"]
wrong = sum(rest.get(thing) != value for thing, value in seen.items())
print(f"things whose last value at the sockets differs from REST: {wrong} of {len(seen)}")
sys.exit(wrong > 0)
PY
"$work/live" idle "$port" "${IDLE:-10000}" "${IDLE_SECONDS:-20}"
