#!/usr/bin/env bash
# A session as a new user has it, by curl: an account, a project, a type with a schema, a twin with a 3D model and bindings, a live
# socket, telemetry through Kafka, history, an alert that is acknowledged, and an event that the schema refuses.
#
# It starts an `egiz up` of its own, with examples/quickstart/pumps.yaml, on free ports in a folder that is thrown away. (A worker of
# `egiz up` serves the topologies that it was started with, so one that runs already would not serve this one.)
#
# Needs curl, python3 and kcat. EGIZ names the program, else that of a build is taken.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
egiz=${EGIZ:-}
for candidate in "$here"/../.build/{release,debug}/egiz; do [ -n "$egiz" ] || { [ -x "$candidate" ] && egiz=$candidate; }; done

step() { printf '\n\033[1m%s\033[0m\n' "$*"; }
fail() { echo "quickstart: $*" >&2; exit 1; }
# field NAME...: what stands there in the JSON of the input.
field() { python3 -c 'import json, sys
value = json.load(sys.stdin)
for name in sys.argv[1:]: value = value[int(name)] if isinstance(value, list) else value[name]
print(value if isinstance(value, str) else json.dumps(value))' "$@"; }

work=$(mktemp -d /tmp/egiz-quickstart.XXXXXX)
chmod 755 "$work"
server=
cleanup() {
    if [ -n "$server" ]; then kill "$server" 2>/dev/null && wait "$server" 2>/dev/null || true; fi
    rm -rf "$work"
}
trap cleanup EXIT

[ -x "$egiz" ] || fail "there is no egiz program; run \`make build\`, or name one with EGIZ"
step "An \`egiz up\` for this session"
mkdir "$work/topologies"
cp "$here/quickstart/pumps.yaml" "$work/topologies/"
EGIZ_DATA_DIR=$work/data EGIZ_HTTP_ADDRESS=127.0.0.1:0 EGIZ_LOG_LEVEL=warning "$egiz" up --topologies "$work/topologies" --kafka-port 0 \
    </dev/null >"$work/log" 2>&1 &
server=$!
run=$work/data/run.json
for _ in $(seq 600); do
    [ -s "$run" ] && break
    kill -0 "$server" 2>/dev/null || { cat "$work/log" >&2; fail "egiz up has ended"; }
    sleep 0.1
done
api=$(field api <"$run")
kafka=$(field kafka <"$run")
A=$api/api/v1
me=$(od -An -N4 -tx4 /dev/urandom | tr -d ' ')
namespace=com.example.q$me
token=

# call STATUS METHOD PATH [curl options]: as the user, the answer's body; fails with the answer where the status is another one.
call() {
    local expected=$1 method=$2 path=$3 status
    shift 3
    status=$(curl -sS --max-time 20 -X "$method" -o "$work/answer" -w '%{http_code}' ${token:+-H "authorization: Bearer $token"} "$@" "$A$path")
    [ "$status" = "$expected" ] || fail "$method $path: expected $expected, got $status: $(cat "$work/answer")"
    cat "$work/answer"
}
json() { local expected=$1 method=$2 path=$3 body=$4; shift 4; call "$expected" "$method" "$path" -H 'content-type: application/json' -d "$body" "$@"; }
# As the operator of this machine, who is an admin: without a token.
operator() { token='' call "$@"; }
# until_true WHAT COMMAND...: tries for 20 s.
until_true() {
    local what=$1
    shift
    for _ in $(seq 200); do
        if "$@" >/dev/null 2>&1; then return; fi
        sleep 0.1
    done
    fail "$what did not happen within 20 s"
}

step "An account, and a token"
json 201 POST /auth/register "{\"email\": \"u$me@example.com\", \"password\": \"correct horse $me\"}" | field userId
token=$(json 200 POST /auth/login "{\"email\": \"u$me@example.com\", \"password\": \"correct horse $me\"}" | field accessToken)
call 200 GET /users/me | field email

step "A project that owns the namespace $namespace"
project=$(json 201 POST /projects '{"name": "Pumps of hall 3"}' | field projectId)
json 201 POST "/projects/$project/namespaces" "{\"namespace\": \"$namespace\"}" | field namespace

step "A type with a schema, units, a binding and an alert rule; and one that inherits all of it"
json 201 PUT "/twin-types/$namespace:machine:1.0" '{
  "schema": { "additionalProperties": { "properties": { "properties": { "properties": {
      "temperature": { "type": "number", "minimum": -40, "maximum": 200 } } } } } },
  "policy": "reject",
  "units": { "/features/pump/properties/temperature": "°C" },
  "bindings": [ { "objectName": "Tank", "target": "color", "path": "features.pump.temperature",
                  "range": { "in": [20, 90], "out": ["blue", "red"] }, "default": "gray" } ],
  "alertRules": [ { "name": "hot", "key": "heat", "when": "features.pump.temperature > 85", "severity": "critical",
                    "message": "{thingId} is at {features.pump.temperature:.1} °C" } ] }' | field version
json 201 PUT "/twin-types/$namespace:pump:1.0" "{\"parent\": \"$namespace:machine:1.0\"}" | field version
call 200 GET "/twin-types/$namespace:pump:1.0/in-force" | field policy

step "A 3D model, a twin of the type with that model, and a binding of its own"
model=$(call 201 POST "/models?name=pump&project=$project" -H 'content-type: model/gltf+json' \
    -d '{"asset": {"version": "2.0"}, "scenes": [{"nodes": [0]}], "nodes": [{"name": "Tank", "children": [1]}, {"name": "Lamp"}]}' | field modelId)
call 200 GET "/models/$model/nodes" | field items
thing=$namespace:p1
json 201 POST /twins "{\"thingId\": \"$thing\", \"type\": \"$namespace:pump:1.0\", \"modelId\": \"$model\", \"metadata\": {\"hall\": 3}}" \
    -H "idempotency-key: $me" | field thingId
json 201 POST "/twins/$thing/bindings" '{"objectName": "Lamp", "target": "emissive", "path": "features.pump.running",
    "map": {"true": "lime", "false": "red"}}' | field id

step "The topology, by the operator: checked, and deployed (it is, by \`egiz up\`: unchanged)"
yaml=(-H 'content-type: application/yaml' --data-binary "@$here/quickstart/pumps.yaml")
operator 200 POST /topologies/validate "${yaml[@]}" | field valid
operator 200 POST /topologies "${yaml[@]}" | field outcome
runs() { [ "$(operator 200 GET /topologies/quickstart | field runningVersion)" = "$(operator 200 GET /topologies/quickstart | field wantedVersion)" ]; }
until_true "that the topology runs" runs

step "A live socket, which waits for the change, the colour and the alert"
python3 "$here/quickstart/listen.py" "$api" "$token" "$thing" temperature '"Tank"' '"raised"' >"$work/live" 2>"$work/live.err" &
listener=$!
until_true "that the socket is live" grep -q '"type":"live"' "$work/live"

step "Telemetry by Kafka"
say() { printf '%s' "{\"thingId\":\"$thing\",\"features\":{\"pump\":{\"temperature\":$1,\"running\":true}}}" \
    | kcat -P -b "$kafka" -t quickstart.telemetry.v1 -k "$thing"; }
for temperature in 21.5 60 91.5; do say "$temperature"; done
shows() { [ "$(call 200 GET "/twins/$thing" | field features pump properties temperature)" = "$1" ]; }
until_true "that the twin is at 91.5 °C" shows 91.5
call 200 GET "/twins/$thing"; echo
wait "$listener" || { cat "$work/live" "$work/live.err" >&2; fail "the socket did not tell what happened"; }
echo "the socket told:"
cut -c1-160 "$work/live"

step "History, and what the scene shows"
call 200 GET "/twins/$thing/history?path=/features/pump/properties/temperature" | tee "$work/history"; echo
[ "$(field items <"$work/history" | python3 -c 'import json, sys; print([i["value"] for i in json.load(sys.stdin)])')" = "[21.5, 60, 91.5]" ] \
    || fail "that is not the history of what was sent"
until_true "that the scene has two properties" python3 -c 'import json, sys, urllib.request
request = urllib.request.Request(sys.argv[1], headers={"authorization": "Bearer " + sys.argv[2]})
sys.exit(len(json.load(urllib.request.urlopen(request))["items"]) != 2)' "$A/twins/$thing/scene" "$token"
call 200 GET "/twins/$thing/scene"; echo

step "The alert, acknowledged"
alert=$(call 200 GET "/twins/$thing/alerts?open=true" | field items 0 id)
# What is changed is what was seen: the ETag of the alert goes back as If-Match (428 without it, 412 where it has changed since).
json 428 POST "/alerts/$alert/acknowledge" '{"note": "unseen"}' | field code
call 200 GET "/alerts/$alert" -D "$work/head" >/dev/null
tag=$(sed -n 's/^[Ee][Tt][Aa][Gg]: *\(.*[^\r]\)\r*$/\1/p' "$work/head")
json 202 POST "/alerts/$alert/acknowledge" '{"note": "I look after it"}' -H "if-match: $tag"; echo
acknowledged() { [ "$(call 200 GET "/alerts/$alert" | field state)" = acknowledged ]; }
until_true "that the alert is acknowledged" acknowledged
call 200 GET "/alerts/$alert" | field acknowledgedBy

step "What the schema refuses becomes a dead letter and changes nothing"
say 900
refused() { operator 200 GET "/dead-letters?thing=$thing" | grep -q '"schema"'; }
until_true "that the event is a dead letter" refused
shows 91.5 || fail "the refused event has changed the twin"

step "Who did what"
operator 200 GET '/audit?limit=5' | python3 -c 'import json, sys
for entry in json.load(sys.stdin)["items"]: print(entry["at"], entry["action"], entry["object"])'
step "quickstart: done"
