#!/usr/bin/env bash
# How long lists take for somebody who sees ten twins of very many.
#
#   benchmarks/queries/scope.sh [twins] [registered]
#
# twins: of 100 namespaces; registered: so many of them belong to other projects one by one. The caller's project has a namespace with
# five twins, and five that are registered with it. EGIZ names the binary (default: a release build).
set -euo pipefail
cd "$(dirname "$0")/../.."
twins=${1:-1000000}
registered=${2:-200000}
egiz=${EGIZ:-.build/release/egiz}
[ -x "$egiz" ] || { swift build -c release --product egiz >&2; }
work=$(mktemp -d /tmp/egiz-bench-scope.XXXXXX)
chmod 755 "$work"
pgbin=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
pgport=$((20000 + RANDOM % 20000))
port=$((20000 + RANDOM % 20000))
as_postgres() { if [ "$(id -u)" = 0 ]; then (cd "$work" && runuser -u postgres -- "$@"); else "$@"; fi; }
cleanup() {
  [ -n "${api:-}" ] && kill "$api" 2>/dev/null || true
  as_postgres "$pgbin/pg_ctl" -D "$work/pg" -w -m fast stop >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap cleanup EXIT
export EGIZ_DATABASE_URL="postgres://postgres@127.0.0.1:$pgport/egiz" PGHOST=127.0.0.1 PGPORT=$pgport PGUSER=postgres
mkdir "$work/pg" && { [ "$(id -u)" != 0 ] || { chown postgres "$work/pg"; chown postgres "$work"; }; }
as_postgres "$pgbin/initdb" -D "$work/pg" -E UTF8 --locale=C.UTF-8 -A trust >/dev/null
as_postgres "$pgbin/pg_ctl" -D "$work/pg" -w -l "$work/pg.log" -o "-p $pgport -k $work -c shared_buffers=512MB -c max_wal_size=4GB" start >/dev/null
psql -qc "create database egiz"
"$egiz" db migrate >&2
EGIZ_HTTP_ADDRESS=127.0.0.1:$port EGIZ_LOG_LEVEL=warning "$egiz" api & api=$!
for _ in $(seq 100); do curl -sf "http://127.0.0.1:$port/healthz" >/dev/null && break; sleep 0.1; done

url=http://127.0.0.1:$port/api/v1
json='content-type: application/json'
curl -sf "$url/auth/register" -H "$json" -d '{"email":"few@example.com","password":"correct horse battery"}' >/dev/null
token=$(curl -sf "$url/auth/login" -H "$json" -d '{"email":"few@example.com","password":"correct horse battery"}' | python3 -c 'import json,sys; print(json.load(sys.stdin)["accessToken"])')
project=$(curl -sf "$url/projects" -H "$json" -H "authorization: Bearer $token" -d '{"name":"few"}' | python3 -c 'import json,sys; print(json.load(sys.stdin)["projectId"])')
curl -sf "$url/projects/$project/namespaces" -H "$json" -H "authorization: Bearer $token" -d '{"namespace":"org.few"}' >/dev/null
echo "filling..." >&2
psql -q -d egiz -v twins="$twins" -v registered="$registered" -v project="$project" >&2 <<'SQL'
\set ON_ERROR_STOP on
set synchronous_commit = off;
insert into egiz.project (name) values ('many');
insert into egiz.twin (thing_id, stage, partition, revision, input_topic, input_partition, input_offset, created, modified, document)
select thing, 'bench.events', 0, 1, 'twins', 0, 0, now(), now(),
    ('{"thingId":"' || thing || '","attributes":{"serial":"' || md5(thing) || '"},"features":{"f":{"properties":{"v":21.5,"state":"running"}}}}')::json
from (
    select 'bench.n' || number % 100 || ':t-' || number from generate_series(1, :twins) number
    union all select 'org.few:t-' || number from generate_series(1, 5) number) made (thing);
insert into egiz.project_thing (thing_id, project_id)
select 'bench.n' || number % 100 || ':t-' || number,
    case when number > :registered - 5 then :'project' else (select project_id from egiz.project where name = 'many') end::uuid
from generate_series(1, :registered) number;
insert into egiz.ml_prediction (stage, partition, thing_id, task, model, shadow, score, revision, event_time, output_topic, output_partition, output_offset, latency_ms)
select 'bench.events', 0, thing_id, 'wear', 'm', false, 0.5, 1, now(), 'o', 0, 1, 2.5 from egiz.twin;
insert into egiz.alert (stage, partition, processor, thing_id, alert_key, rule, severity, state, message, raised_at, updated_at, revision)
select 'bench.events', 0, 'alerts', thing_id, 'heat', 'hot', 'critical', 'raised', 'hot', now(), now(), 4 from egiz.twin
where right(thing_id, 1) = '7' or thing_id like 'org.few:%';
vacuum analyze;
SQL
[ -z "${SCOPE_SQL:-}" ] || PROJECT=$project psql -d egiz -v project="$project" -f "$SCOPE_SQL"
python3 - "$port" "$token" "$twins" "$registered" <<'PY'
import http.client, json, sys, time, urllib.parse
port, token, twins, registered = int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
connection = http.client.HTTPConnection("127.0.0.1", port)
like = urllib.parse.quote('like(attributes/serial,"*a*")')
print(f"{twins:,} twins, {registered:,} registered one by one; somebody who sees ten, and an admin\n")
print("| list | seen by | items | p50 ms | max ms |\n|---|---|---|---|---|")
for name, path in [("twins", "/twins?limit=100"), ("twins with a filter", f"/twins?limit=100&filter={like}"),
                   ("predictions", "/predictions?limit=100"), ("alerts", "/alerts?limit=100")]:
    for who, headers in [("ten", {"authorization": "Bearer " + token}), ("all", {})]:
        times = []
        for _ in range(20):
            start = time.perf_counter()
            connection.request("GET", "/api/v1" + path, headers=headers)
            answer = connection.getresponse()
            body = answer.read()
            times.append((time.perf_counter() - start) * 1000)
            if answer.status != 200: sys.exit(f"{path}: {answer.status} {body[:300]}")
        times.sort()
        print(f"| {name} | {who} | {len(json.loads(body)['items'])} | {times[len(times) // 2]:.1f} | {times[-1]:.1f} |", flush=True)
PY
