"""Asks the API for history and twins and prints how long it takes; see run.sh. Only the standard library."""
import argparse, http.client, json, os, random, subprocess, sys, threading, time, urllib.parse

def percentile(values, p):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * p))]

class Client:
    def __init__(self, port): self.connection = http.client.HTTPConnection("127.0.0.1", port)
    def get(self, path):
        start = time.perf_counter()
        self.connection.request("GET", path)
        answer = self.connection.getresponse()
        body = answer.read()
        took = (time.perf_counter() - start) * 1000
        if answer.status != 200: sys.exit(f"{path}: {answer.status} {body[:300]}")
        return took, body

def history(thing, start, end, rest):
    path = urllib.parse.quote("/features/f/properties/v", safe="")
    return f"/api/v1/twins/{thing}/history?path={path}&from={start}&to={end}{rest}"

def main():
    args = argparse.ArgumentParser()
    args.add_argument("--port", type=int, required=True)
    args.add_argument("--hot", type=int, required=True)
    args.add_argument("--slow", type=int, required=True)
    args.add_argument("--day", required=True)
    args.add_argument("--label", required=True)
    args.add_argument("--queries", type=int, default=100)
    args = args.parse_args()
    random.seed(args.label)
    client = Client(args.port)
    year, month, day = map(int, args.day.split("-"))
    next_day = subprocess.run(["date", "-u", "-d", f"{args.day} + 1 day", "+%Y-%m-%d"], capture_output=True, text=True).stdout.strip()
    year_ago = subprocess.run(["date", "-u", "-d", f"{args.day} - 364 days", "+%Y-%m-%d"], capture_output=True, text=True).stdout.strip()
    hot = lambda i: f"bench:hot-{1 + i * 7919 % args.hot}"
    slow = lambda i: f"bench:slow-{1 + i * 7919 % args.slow}"
    def page(i):
        hour = random.randrange(23)
        return history(hot(i), f"{args.day}T{hour:02}:03:00Z", f"{next_day}T00:00:00Z", "&limit=10000")
    questions = [
        ("twin by id", lambda i: f"/api/v1/twins/{slow(i)}", None),
        ("24 h at 10 Hz (864,000 samples) to 1 min", lambda i: history(hot(i), f"{args.day}T00:00:00Z", f"{next_day}T00:00:00Z", "&interval=1m&aggregate=min,max,avg,count"), 1440),
        ("24 h at 10 Hz to 1 min, time-weighted", lambda i: history(hot(i), f"{args.day}T00:00:00Z", f"{next_day}T00:00:00Z", "&interval=1m&aggregate=twa"), 1440),
        ("the same, compacted by the compactor", lambda i: history("bench:raw", f"{args.day}T00:00:00Z", f"{next_day}T00:00:00Z", "&interval=1m&aggregate=min,max,avg,count"), 1440),
        ("a year (30,000 samples) to 1 day", lambda i: history(slow(i), f"{year_ago}T00:00:00Z", f"{next_day}T00:00:00Z", "&interval=1d&aggregate=min,max,avg,count"), 365),
        ("10,000 raw samples", page, 10000),
    ]
    for name, question, items in questions:
        times = []
        for i in range(args.queries):
            took, body = client.get(question(i))
            times.append(took)
            if items is not None:
                found = len(json.loads(body)["items"])
                if found != items: sys.exit(f"{name}: {found} items, expected {items}")
        print(f"| {args.label} | {name} | {percentile(times, 0.5):.1f} | {percentile(times, 0.99):.1f} | {max(times):.1f} |", flush=True)

main()
