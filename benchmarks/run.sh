#!/usr/bin/env bash
# The first figure for speed: events/s from the log to committed history and twins, one worker, beside a plain C++ program
# that only parses and copies, and a careful Python consumer. All on this machine, in alternation, on one topic.
#
#   benchmarks/run.sh [events] [rounds]      or: make bench EVENTS=1000000 ROUNDS=3
#
# Needs what `make deps` installs. The topic lives in the embedded broker, which keeps about 5 MiB a partition, so it has 64.
set -euo pipefail
cd "$(dirname "$0")/.."
events=${1:-1000000}
rounds=${2:-3}
partitions=64
work=$(mktemp -d /tmp/egiz-bench.XXXXXX)
chmod 755 "$work"
bin=.build/release
topic=bench.events
pgbin=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
pgport=$((20000 + RANDOM % 20000))
as_postgres() { if [ "$(id -u)" = 0 ]; then (cd "$work" && runuser -u postgres -- "$@"); else "$@"; fi; }

cleanup() {
  [ -n "${broker:-}" ] && kill "$broker" 2>/dev/null || true
  as_postgres "$pgbin/pg_ctl" -D "$work/pg" -m immediate stop >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap cleanup EXIT

echo "building (release)..." >&2
swift build -c release --product egiz >&2
g++ -O2 -std=c++17 -w benchmarks/yardstick/pipeline.cpp -o "$work/pipeline" -lrdkafka -lpq -lsimdjson -lpthread
gcc -O2 benchmarks/yardstick/produce.c -o "$work/produce" -lrdkafka
if python3 -m venv "$work/venv" >/dev/null 2>&1 && "$work/venv/bin/pip" install -q confluent-kafka orjson 'psycopg[binary]' >&2; then
  python="$work/venv/bin/python"
else
  python=""
  echo "no Python packages here: the Python line is left out" >&2
fi

# Postgres with the settings of `egiz up`.
mkdir "$work/pg"
[ "$(id -u)" = 0 ] && chown postgres "$work/pg"
as_postgres "$pgbin/initdb" -D "$work/pg" -A trust -E UTF8 --locale=C.UTF-8 >/dev/null
as_postgres "$pgbin/pg_ctl" -D "$work/pg" -w -l "$work/pg/log" \
  -o "-p $pgport -k /tmp -c shared_buffers=256MB -c max_wal_size=2GB -c wal_compression=lz4" start >/dev/null
url="postgres://postgres@127.0.0.1:$pgport/postgres"
[ "$(id -u)" = 0 ] || url="postgres://$(id -un)@127.0.0.1:$pgport/postgres"

# The log.
"$bin/egiz" broker --topic "$topic:$partitions" --port $((pgport + 1)) > "$work/broker.log" 2>&1 &
broker=$!
for _ in $(seq 100); do grep -q '^Kafka' "$work/broker.log" && break; sleep 0.1; done
bootstrap=$(awk '/^Kafka/ {print $2}' "$work/broker.log")
"$work/produce" "$bootstrap" "$topic" "$events" "${THINGS:-1000}" "${PATHS:-5}" "${CODEC:-lz4}"

cat > "$work/bench.yaml" <<YAML
apiVersion: egiz/v1
kind: Topology
metadata: { name: bench }
spec:
  sources:
    events: { topics: [{ name: $topic, partitions: $partitions }], format: ditto }
  processors:
    twins: { kind: twin-projector, from: events }
    history: { kind: history-writer, from: twins }
YAML

psql() { command psql -qtAX "$url" "$@"; }

run_egiz() {
  psql -c 'drop schema if exists egiz cascade' >/dev/null 2>&1
  EGIZ_KAFKA_BROKERS=$bootstrap EGIZ_DATABASE_URL=$url "$bin/egiz" worker --topologies "$work/bench.yaml" \
    > "$work/worker.log" 2>&1 &
  local worker=$! last="" seen=0
  for _ in $(seq 600); do
    sleep 0.2
    seen=$(psql -c 'select coalesce(sum(next_offset), 0) from egiz.task_offset' 2>/dev/null || echo 0)
    [ "${seen:-0}" -ge "$events" ] && break
  done
  # From the takeover of the last task to the last commit, by the database's clock.
  psql -F' ' -c "select round($events / extract(epoch from max(last_commit_at) - max(acquired_at))) from egiz.task"
  kill "$worker"
  wait "$worker" 2>/dev/null || true
  if [ "${seen:-0}" -lt "$events" ]; then tail -5 "$work/worker.log" >&2; return 1; fi
}

run_cpp() {
  "$work/pipeline" "$bootstrap" "$topic" "$events" "$url" 50000 $partitions | sed -n 's/.*=> \([0-9]*\) events.*/\1/p'
}

run_python() { "$python" benchmarks/yardstick/consumer.py "$bootstrap" "$topic" "$events" "$url" $partitions | awk '{print $3}'; }

median() { sort -n | awk '{v[NR]=$1} END {print v[int((NR+1)/2)]}'; }
: > "$work/egiz"; : > "$work/cpp"; : > "$work/python"
for round in $(seq "$rounds"); do
  run_egiz >> "$work/egiz"
  run_cpp >> "$work/cpp"
  [ -n "$python" ] && run_python >> "$work/python"
  echo "round $round: egiz $(tail -n1 "$work/egiz"), C++ $(tail -n1 "$work/cpp"), Python $(tail -n1 "$work/python")" >&2
done
e=$(median < "$work/egiz"); c=$(median < "$work/cpp"); p=$(median < "$work/python")
bytes=$(psql -c "select round(((select sum(pg_total_relation_size(i.inhrelid)) from pg_inherits i where i.inhparent = 'egiz.history_segment'::regclass) + pg_total_relation_size('egiz.history_block')) / ((select coalesce(sum(n), 0) from egiz.history_segment) + (select coalesce(sum(n), 0) from egiz.history_block)), 1)" || true)
echo "events $events, rounds $rounds, median of each"
echo "egiz worker (exactly once, twins and history)      $e events/s"
echo "yardstick, C++ (no guarantees, no twins)           $c events/s"
[ -n "$python" ] && echo "yardstick, Python (rows, offsets, no twins)        $p events/s"
echo "history, bytes a sample before compaction          ${bytes:-?}"
echo "ratio history+twins: $(awk "BEGIN {printf \"%.2f\", $e / $c}")"
[ -n "$python" ] && echo "ratio to Python: $(awk "BEGIN {printf \"%.2f\", $e / $p}")"
