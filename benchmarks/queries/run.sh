#!/usr/bin/env bash
# How long queries take on a large database, caches cold and warm, 100 queries each.
#
#   benchmarks/queries/run.sh [hot] [slow]      or: make bench-queries HOT=100 SLOW=2000 INGEST=100000
#
# INGEST: events a second that a worker writes into the same database meanwhile, from a broker on the same machine (default: none).
# hot:  series at 10 Hz over one day (864,000 samples each); slow: series over a year (29,930 samples each). 240 and 3,100 are the
# 300,000,000 samples of the goal. The compacted form is written by SQL as the compactor leaves it (fill.sql), but for one hot
# series, which lies there as the segments of epochs of a second and is compacted by `egiz history compact`.
# EGIZ names the binary (default: a release build), KEEP=1 keeps the database, PGDATA_FROM reuses one kept before.
set -euo pipefail
cd "$(dirname "$0")/../.."
hot=${1:-60}
slow=${2:-1000}
day=2026-01-14
egiz=${EGIZ:-.build/release/egiz}
[ -x "$egiz" ] || { swift build -c release --product egiz >&2; }
work=${PGDATA_FROM:-$(mktemp -d /tmp/egiz-bench-queries.XXXXXX)}
chmod 755 "$work"
pgbin=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
pgport=$((20000 + RANDOM % 20000))
port=$((20000 + RANDOM % 20000))
as_postgres() { if [ "$(id -u)" = 0 ]; then (cd "$work" && runuser -u postgres -- "$@"); else "$@"; fi; }
start() { as_postgres "$pgbin/pg_ctl" -D "$work/pg" -w -l "$work/pg.log" -o "-p $pgport -k $work -c shared_buffers=512MB -c max_wal_size=8GB" start >/dev/null; }
stop() { as_postgres "$pgbin/pg_ctl" -D "$work/pg" -w -m fast stop >/dev/null; }
api() { EGIZ_HTTP_ADDRESS=127.0.0.1:$port EGIZ_LOG_LEVEL=warning "$egiz" api & api=$!; for _ in $(seq 100); do curl -sf "http://127.0.0.1:$port/healthz" >/dev/null && return; sleep 0.1; done; echo "the API did not start" >&2; exit 1; }
cleanup() {
  [ -n "${ingest:-}" ] && kill "$ingest" 2>/dev/null && wait "$ingest" 2>/dev/null || true
  [ -n "${api:-}" ] && kill "$api" 2>/dev/null || true
  stop 2>/dev/null || true
  [ -n "${KEEP:-}${PGDATA_FROM:-}" ] && echo "kept: $work" >&2 || rm -rf "$work"
}
trap cleanup EXIT
export EGIZ_DATABASE_URL="postgres://postgres@127.0.0.1:$pgport/egiz" PGHOST=127.0.0.1 PGPORT=$pgport PGUSER=postgres

if [ ! -d "$work/pg" ]; then
  mkdir "$work/pg" && { [ "$(id -u)" != 0 ] || { chown postgres "$work/pg"; chown postgres "$work"; }; }
  as_postgres "$pgbin/initdb" -D "$work/pg" -E UTF8 --locale=C.UTF-8 -A trust >/dev/null
  start
  psql -qc "create database egiz"
  "$egiz" db migrate >&2
  echo "filling..." >&2
  PGOPTIONS="-c bench.day=$day" psql -q -d egiz -v hot="$hot" -v slow="$slow" -f benchmarks/queries/fill.sql >&2
  "$egiz" history compact --once --up-to 2026-01-15T00:00:00Z >&2
  "$egiz" history status >&2
else
  start
fi

echo "| caches | query | p50 ms | p99 ms | max ms |"
echo "|---|---|---|---|---|"
stop
# Cold: the server was just started, and the machine remembers nothing of its files (where we may make it forget).
{ sync; echo 3 > /proc/sys/vm/drop_caches; } 2>/dev/null || echo "the machine's file cache could not be dropped; cold means Postgres' own cache" >&2
start
api
if [ "${INGEST:-0}" != 0 ]; then
  : >"$work/ingesting"
  EGIZ_BENCH_BINARY=$(realpath "$egiz") "$(benchmarks/venv.sh)" benchmarks/queries/ingest.py --rate "$INGEST" >"$work/ingesting" & ingest=$!
  until grep -q ingesting "$work/ingesting"; do kill -0 "$ingest" 2>/dev/null || { wait "$ingest"; exit 1; }; sleep 0.1; done
fi
python3 benchmarks/queries/measure.py --port "$port" --hot "$hot" --slow "$slow" --day "$day" --label cold
python3 benchmarks/queries/measure.py --port "$port" --hot "$hot" --slow "$slow" --day "$day" --label warm
if [ -n "${ingest:-}" ]; then
  kill "$ingest"
  # What was measured beside an ingest that did not keep up counts for nothing.
  wait "$ingest" || exit 1
  ingest=
fi

# Twins a second through the API against what pgbench reads from the same server, eight clients each.
as_postgres "$pgbin/pgbench" -h 127.0.0.1 -p "$pgport" -U postgres -i -s 10 -q egiz >/dev/null 2>&1
bench=$(as_postgres "$pgbin/pgbench" -h 127.0.0.1 -p "$pgport" -U postgres -S -M prepared -c 8 -j 2 -T 8 egiz | sed -n 's/^tps = \([0-9.]*\).*/\1/p')
if command -v wrk >/dev/null; then
  twins=$(wrk -t 1 -c 8 -d 8 "http://127.0.0.1:$port/api/v1/twins/bench:slow-1" | sed -n 's/^Requests\/sec: *//p')
else
  [ -x "$work/load" ] || gcc -O2 benchmarks/queries/load.c -o "$work/load"
  twins=$("$work/load" "$port" 8 8 "$slow")
fi
echo "twin by id, requests/s: $twins; pgbench -S -M prepared: $bench; ratio: $(awk "BEGIN { printf \"%.2f\", $twins / $bench }")"
