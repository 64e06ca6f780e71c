#!/usr/bin/env python3
"""Changes of each kind over the API, and how long after its answer each is told on the topic of the registry and has its first effect."""

import atexit
import collections
import json
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

API, KAFKA, TOPOLOGY, ROUNDS, BOUND = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), float(sys.argv[5])
SILENT = "bench.live:silent"
TYPE = "bench.live:pump:1.0"
DEADLINE = max(BOUND, 20)


def call(method, path, body=None, kind="application/json", match=None):
    data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(f"{API}/api/v1{path}", method=method, data=data)
    if data is not None:
        request.add_header("content-type", kind)
    if match:
        request.add_header("if-match", match)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            text = answer.read()
            return json.loads(text) if text else None
    except urllib.error.HTTPError as error:
        sys.exit(f"{method} {path}: {error.code} {error.read().decode()}")


def there(path):
    try:
        with urllib.request.urlopen(f"{API}/api/v1{path}", timeout=30) as answer:
            return answer.status == 200
    except urllib.error.HTTPError:
        return False


class Topic:
    """What comes on a topic, with the time at which it came."""

    def __init__(self, name):
        self.lines, self.lock = collections.deque(maxlen=50_000), threading.Lock()
        self.fits, self.found, self.came = None, 0.0, threading.Event()
        self.child = subprocess.Popen(
            ["kcat", "-C", "-q", "-u", "-b", KAFKA, "-t", name, "-o", "beginning", "-X", "fetch.wait.max.ms=10", "-f", "%s\\n"],
            stdout=subprocess.PIPE, text=True)
        atexit.register(self.child.kill)
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.child.stdout:
            at = time.monotonic()
            with self.lock:
                self.lines.append((at, line))
                if self.fits and self.fits(line):
                    self.fits, self.found = None, at
                    self.came.set()

    def wait(self, what, fits, since):
        """When the first line that fits came, after `since`."""
        with self.lock:
            for at, line in self.lines:
                if at >= since and fits(line):
                    return at
            self.came.clear()
            self.fits = fits
        if not self.came.wait(DEADLINE):
            sys.exit(f"{what} did not come within {DEADLINE:g} s")
        return self.found


def until(what, holds):
    end = time.monotonic() + DEADLINE
    while not holds():
        if time.monotonic() > end:
            sys.exit(f"{what} did not happen within {DEADLINE:g} s")
        time.sleep(0.01)
    return time.monotonic()


def shows(name):
    return lambda: any(item["objectName"] == name for item in call("GET", f"/twins/{SILENT}/scene")["items"])


def raises(name):
    return lambda: any(item["rule"] == name for item in call("GET", f"/twins/{SILENT}/alerts?open=true")["items"])


def binding(name):
    return {"objectName": name, "target": "text", "path": "features.f.n"}


def task(name, twins, **words):
    return {"settings": {"model": "m", "features": [{"name": name, "path": "features.f.n"}],
                         "twins": {"namespace": "bench.live", **twins}}, **words}


call("PUT", f"/twin-types/{TYPE}", {})
call("POST", "/twins", {"thingId": SILENT, "type": TYPE})


def wake(number):
    """Where epochs last long, what came before is seen only when a change ends one: so there is one after the other until it is seen."""
    call("PUT", f"/twin-types/{TYPE}", {"bindings": [binding(f"Wake{number}")]}, match="*")
    end = time.monotonic() + 2
    while time.monotonic() < end:
        if there(f"/twins/{SILENT}/scene") and shows("File0")():
            return True
        time.sleep(0.05)
    return False


if not any(wake(number) for number in range(30)):
    sys.exit("the silent twin is not there after 30 changes")
# Of the load some events ask the model.
SOME = {"when": "features.f.n % 50 == 0"}
call("PUT", "/ml/tasks/bench", task("first", SOME))
call("PUT", "/ml/tasks/bench-bound", task("value", {}, bound=True))
told = Topic("framework.notifications.v1.registry")
asked, asked_bound = Topic("ml.input.v1.bench"), Topic("ml.input.v1.bench-bound")
asked.wait("a question", lambda line: '"first"' in line, 0)
text = open(TOPOLOGY, encoding="utf-8").read()
name = "bench-registry"

KINDS = {
    "binding": (
        "binding", lambda n: call("POST", f"/twins/{SILENT}/bindings", binding(f"Own{n}")),
        lambda n, since: until("the binding's effect", shows(f"Own{n}"))),
    "type (its binding)": (
        "twin-type", lambda n: call("PUT", f"/twin-types/{TYPE}", {"bindings": [binding(f"Type{n}")]}, match="*"),
        lambda n, since: until("the type's effect", shows(f"Type{n}"))),
    "alert rule of a type": (
        "twin-type", lambda n: call(
            "PUT", f"/twin-types/{TYPE}",
            {"alertRules": [{"name": f"r{n}", "key": f"r{n}", "when": "features.f.n >= 0", "message": "m"}]}, match="*"),
        lambda n, since: until("the alert", raises(f"r{n}"))),
    "task of a model": (
        "ml-task", lambda n: call("PUT", "/ml/tasks/bench", task(f"n{n}", SOME), match="*"),
        lambda n, since: asked.wait("a question of the changed task", lambda line: f'"n{n}"' in line, since)),
    "task binding": (
        "ml-task-binding",
        lambda n: call("POST", "/ml/tasks/bench-bound/bindings", {"thingId": f"bench.live:m-{n}"}),
        lambda n, since: asked_bound.wait(
            "a question about the bound twin", lambda line: f'"bench.live:m-{n}"' in line, since)),
    "topology": (
        "topology", lambda n: call("POST", "/topologies", text.replace("File0", f"File{n + 1}").encode(), "application/yaml", match="*"),
        lambda n, since: until("the topology's effect", shows(f"File{n + 1}"))),
}

print(f"{'seconds after the answer':28} {'told p50':>9} {'max':>6} {'in effect p50':>14} {'max':>6}", flush=True)
worst = 0.0
for kind, (word, change, effect) in KINDS.items():
    tells, effects = [], []
    for n in range(ROUNDS):
        before = time.monotonic()
        change(n)
        answered = time.monotonic()
        effects.append(max(0.0, effect(n, before) - answered))
        record = told.wait(f"the record of the {kind}", lambda line: json.loads(line)["kind"] == word, before)
        tells.append(max(0.0, record - answered))
        # Not in step with what looks every half second.
        time.sleep(0.1 + n * 0.137 % 0.5)
    worst = max(worst, *tells, *effects)
    tells.sort()
    effects.sort()
    print(f"{kind:28} {tells[len(tells) // 2]:9.3f} {tells[-1]:6.3f} {effects[len(effects) // 2]:14.3f} {effects[-1]:6.3f}",
          flush=True)
if worst > BOUND:
    sys.exit(f"something took {worst:.1f} s, more than {BOUND:g}")
