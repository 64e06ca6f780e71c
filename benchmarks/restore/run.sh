#!/usr/bin/env bash
# How long a new worker needs from the assignment of its tasks to the first epoch it commits, by the size of the state in
# Postgres: twins, and one state of a rollup for each thing.
#
#   benchmarks/restore/run.sh [things ...]      default: 1000 1000000
#   BIN=.build/debug ROUNDS=5 MADE=50000 benchmarks/restore/run.sh 1000 1000000
#
# The state is made by the engine itself: every thing is created and modified once, and the rollup keeps a window for each. With
# MADE only so many things are; SQL then copies their rows under other ids until there are enough. Records come only for things
# that the engine made. Then,
# ROUNDS times, the worker is killed with SIGKILL, a few records of known things are pushed, and another worker starts:
#
#   assigned -> committed   task.acquired_at to task.last_commit_at of the first epoch, by the database's clock
#   process -> committed    from exec of the new worker: with start, migrations and the group's session timeout (4 s)
set -euo pipefail
cd "$(dirname "$0")/../.."
[ $# -gt 0 ] || set -- 1000 1000000
bin=${BIN:-.build/release}
rounds=${ROUNDS:-5}
partitions=${PARTITIONS:-64}
work=$(mktemp -d /tmp/egiz-restore.XXXXXX)
chmod 755 "$work"
pgbin=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
pgport=$((20000 + RANDOM % 20000))
as_postgres() { if [ "$(id -u)" = 0 ]; then (cd "$work" && runuser -u postgres -- "$@"); else "$@"; fi; }

cleanup() {
  [ -n "${worker:-}" ] && kill -9 "$worker" 2>/dev/null || true
  [ -n "${broker:-}" ] && kill "$broker" 2>/dev/null || true
  as_postgres "$pgbin/pg_ctl" -D "$work/pg" -m immediate stop >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap cleanup EXIT

if [ "$bin" = .build/release ]; then swift build -c release --product egiz >&2; fi
gcc -O2 benchmarks/yardstick/produce.c -o "$work/produce" -lrdkafka
gcc -O2 benchmarks/restore/touch.c -o "$work/touch" -lrdkafka

mkdir "$work/pg"
[ "$(id -u)" = 0 ] && chown postgres "$work/pg"
as_postgres "$pgbin/initdb" -D "$work/pg" -A trust -E UTF8 --locale=C.UTF-8 >/dev/null
as_postgres "$pgbin/pg_ctl" -D "$work/pg" -w -l "$work/pg/log" \
  -o "-p $pgport -k /tmp -c shared_buffers=256MB -c max_wal_size=2GB -c wal_compression=lz4" start >/dev/null
url="postgres://postgres@127.0.0.1:$pgport/postgres"
[ "$(id -u)" = 0 ] || url="postgres://$(id -un)@127.0.0.1:$pgport/postgres"
psql() { command psql -qtAX "$url" "$@"; }

start() {
  EGIZ_KAFKA_BROKERS=$bootstrap EGIZ_DATABASE_URL=$url EGIZ_KAFKA_SESSION_TIMEOUT=4s EGIZ_DATA_DIR=$work/data \
    "$bin/egiz" worker --topologies "$work/bench.yaml" > "$work/worker.log" 2>&1 &
  worker=$!
}
processed() { psql -c 'select coalesce(sum(next_offset), 0) from egiz.task_offset' 2>/dev/null || echo 0; }
wait_for() { # records seconds
  for _ in $(seq $(($2 * 5))); do
    sleep 0.2
    [ "$(processed)" -ge "$1" ] && return
  done
  echo "stuck at $(processed) of $1" >&2
  tail -n 20 "$work/worker.log" >&2
  return 1
}

echo "| things | rows of state | round | tasks | assigned -> committed, ms: median | slowest task | process -> committed, ms |"
echo "|---|---|---|---|---|---|---|"
port=$pgport
for things in "$@"; do
  topic=restore.$things
  port=$((port + 1))
  "$bin/egiz" broker --topic "$topic:$partitions" --port "$port" > "$work/broker.log" 2>&1 &
  broker=$!
  for _ in $(seq 100); do grep -qs '^Kafka' "$work/broker.log" && break; sleep 0.1; done
  bootstrap=$(awk '/^Kafka/ {print $2}' "$work/broker.log")
  cat > "$work/bench.yaml" <<YAML
apiVersion: egiz/v1
kind: Topology
metadata: { name: restore }
spec:
  sources:
    events: { topics: [{ name: $topic, partitions: $partitions }], format: ditto, idle: 24h }
  processors:
    twins: { kind: twin-projector, from: events }
    windows: { kind: rollup, from: twins, interval: 1m }
YAML
  psql -c 'drop schema if exists egiz cascade' >/dev/null 2>&1
  start
  made=$((things < ${MADE:-$things} ? things : ${MADE:-$things}))
  total=$((made * 2))
  # The embedded broker keeps 5 MiB a partition: what is pushed must not overtake the worker by more than that.
  "$work/produce" "$bootstrap" "$topic" "$total" "$made" 1 lz4 2>/dev/null
  wait_for "$total" 1200
  if [ "$made" -lt "$things" ]; then
    psql <<SQL
create temp view made as select row_number() over (order by thing_id) - 1 as place, * from egiz.twin;
create temp table more as
  select n, 'org.acme.copied:filler-' || lpad(n::text, 7, '0') as id, n % $made as place from generate_series($made, $things - 1) n;
insert into egiz.twin (thing_id, stage, partition, revision, definition, created, modified, event_timestamp, input_topic,
    input_partition, input_offset, document)
  select more.id, stage, partition, revision, definition, created, modified, event_timestamp, input_topic, input_partition,
    input_offset, document from more join (select * from made) made using (place);
insert into egiz.state (stage, processor, thing_id, partition, value)
  select stage, processor, more.id, partition, value
  from more join (select row_number() over (order by thing_id) - 1 as place, * from egiz.state) state using (place);
SQL
  fi
  psql -c 'vacuum analyze egiz.twin; ' -c 'vacuum analyze egiz.state' -c checkpoint
  rows=$(psql -c "select (select count(*) from egiz.twin) || ' twins, ' || (select count(*) from egiz.state) || ' states'")
  for round in $(seq "$rounds"); do
    kill -9 "$worker"
    wait "$worker" 2>/dev/null || true
    "$work/touch" "$bootstrap" "$topic" 1000 "$made" "$round"
    total=$((total + 1000))
    began=$(psql -c 'select clock_timestamp()')
    # The first commit of each task after its assignment; the row keeps only the last one, so a trigger writes the first down.
    psql <<SQL
set client_min_messages = warning;
create table if not exists public.first_commit (partition int primary key, acquired timestamptz, committed timestamptz);
truncate public.first_commit;
create or replace function public.note() returns trigger language plpgsql as \$\$
begin
  insert into public.first_commit values (new.partition, new.acquired_at, new.last_commit_at) on conflict do nothing;
  return new;
end \$\$;
drop trigger if exists note on egiz.task;
create trigger note after update on egiz.task for each row when (new.epoch > old.epoch) execute function public.note();
SQL
    start
    wait_for "$total" 120
    psql -F ' | ' -c "select '| $things | $rows | $round', count(*),
      round(1000 * percentile_cont(0.5) within group (order by extract(epoch from committed - acquired)))::int,
      round(1000 * max(extract(epoch from committed - acquired))),
      round(1000 * extract(epoch from min(committed) - '$began'::timestamptz)) || ' |' from public.first_commit"
    [ -z "${LOGS:-}" ] || { psql -c 'select min(acquired), min(committed) from public.first_commit'; cat "$work/worker.log"; } >&2
  done
  kill "$worker"
  wait "$worker" 2>/dev/null || true
  worker=
  kill "$broker"
  wait "$broker" 2>/dev/null || true
  broker=
done
