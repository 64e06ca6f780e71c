#!/usr/bin/env python3
"""What a server must bear: 10,000 logins, malformed and oversized bodies, slow-loris connections, 10,000 idle sockets.

    python3 benchmarks/abuse/abuse.py http://127.0.0.1:8080

Standard library only. While each of these goes on, a probe asks the API every 20 ms on a connection of its own; the line that is printed
says how the probe fared. Exits with 1 where the probe was not answered, or the server is not well afterwards.
"""
import asyncio, json, random, resource, sys, time
from urllib.parse import urlsplit

url = urlsplit(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8080")
HOST, PORT = url.hostname, url.port or 80
PROBE = b"GET /api/v1/twins?limit=1 HTTP/1.1\r\nHost: localhost\r\n\r\n"
bad = False


async def answer(reader):
    """Status and body of one answer; None where the connection was closed instead."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError, asyncio.LimitOverrunError):
        return None
    length = 0
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    body = await reader.readexactly(length) if length else b""
    return int(head.split(b" ", 2)[1]), body


async def ask(raw, timeout=30):
    try:
        reader, writer = await asyncio.wait_for(asyncio.open_connection(HOST, PORT), timeout)
    except (OSError, asyncio.TimeoutError):
        return "refused"
    try:
        writer.write(raw)
        await writer.drain()
        found = await asyncio.wait_for(answer(reader), timeout)
        return found[0] if found else "closed"
    except asyncio.TimeoutError:
        return "timeout"
    except ConnectionError:
        return "closed"
    finally:
        writer.close()


async def probe(stop, times, failures):
    reader = writer = None
    while not stop.is_set():
        start = time.perf_counter()
        try:
            if writer is None:
                reader, writer = await asyncio.open_connection(HOST, PORT)
            writer.write(PROBE)
            found = await asyncio.wait_for(answer(reader), 10)
            if found is None or found[0] != 200:
                raise ConnectionError(found)
            times.append(time.perf_counter() - start)
        except (OSError, asyncio.TimeoutError, ConnectionError) as error:
            failures.append(repr(error))
            reader = writer = None
        await asyncio.sleep(0.02)
    if writer:
        writer.close()


async def during(name, work):
    global bad
    stop, times, failures = asyncio.Event(), [], []
    task = asyncio.create_task(probe(stop, times, failures))
    await asyncio.sleep(0.2)
    start = time.perf_counter()
    result = await work()
    seconds = time.perf_counter() - start
    stop.set()
    await task
    times.sort()
    at = lambda share: round(times[min(len(times) - 1, int(len(times) * share))] * 1000, 1) if times else None
    well = await ask(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    bad = bad or bool(failures) or well != 200 or not times
    print(json.dumps({
        "during": name, "seconds": round(seconds, 1), "answers": result, "probes": len(times),
        "probe_p50_ms": at(0.5), "probe_p99_ms": at(0.99), "probe_max_ms": at(1), "probe_failures": len(failures),
        "healthz_after": well}), flush=True)


async def many(count, width, one):
    """Runs one(n) for n below count, `width` at a time; how often each outcome came."""
    outcomes, numbers = {}, iter(range(count))

    async def worker():
        for number in numbers:
            outcome = str(await one(number))
            outcomes[outcome] = outcomes.get(outcome, 0) + 1

    await asyncio.gather(*(worker() for _ in range(width)))
    return dict(sorted(outcomes.items()))


def post(path, body, extra=b""):
    return (b"POST " + path + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n"
            + extra + b"Content-Length: " + str(len(body)).encode() + b"\r\n\r\n" + body)


async def logins():
    def one(number):
        body = json.dumps({"email": f"user{number % 500}@example.com", "password": "wrong wrong wrong"}).encode()
        return ask(post(b"/api/v1/auth/login", body))
    return await many(10_000, 200, one)


async def malformed():
    random.seed(7)
    heads = [
        b"\x16\x03\x01\x02\x00\x01\x00", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\r\n" * 50, b"GET /%ff%00 HTTP/1.1\r\n\r\n",
        b"POST /api/v1/auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        b"POST /api/v1/auth/login HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET / HTTP/1.1\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(500)) + b"\r\n",
        b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ]
    bodies = [b"", b"{", b"[" * 5000, b'{"email":' + b'"a' * 999, b"\xff\xfe\x00", b"null", b'{"email":1e999,"password":[]}',
              b'{"email":"a@b","password":"' + b"x" * 9000 + b'"}']

    def one(number):
        kind = number % 3
        if kind == 0:
            return ask(random.choice(heads), 15)
        if kind == 1:
            return ask(post(b"/api/v1/auth/login", random.choice(bodies)), 15)
        return ask(random.randbytes(random.randint(1, 2000)) + b"\r\n\r\n", 15)
    return await many(3000, 50, one)


async def oversized():
    """Bodies of 64 MiB where 8 KiB are taken; the server need not read them."""
    async def one(number):
        try:
            reader, writer = await asyncio.open_connection(HOST, PORT)
        except OSError:
            return "refused"
        try:
            size = 64 << 20
            writer.write(b"POST /api/v1/auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                         b"Content-Length: " + str(size).encode() + b"\r\n\r\n")
            chunk, sent = b" " * 65536, 0
            reading = asyncio.create_task(answer(reader))
            while sent < size and not reading.done():
                writer.write(chunk)
                await writer.drain()
                sent += len(chunk)
            found = await asyncio.wait_for(reading, 40)
            return found[0] if found else "closed"
        except (ConnectionError, asyncio.TimeoutError) as error:
            return "closed" if isinstance(error, ConnectionError) else "timeout"
        finally:
            writer.close()
    return await many(50, 10, one)


async def loris():
    """A thousand connections that send a byte of a body each second; all must be cut."""
    async def one(number):
        try:
            reader, writer = await asyncio.open_connection(HOST, PORT)
        except OSError:
            return "refused"
        start, closed = time.perf_counter(), None
        try:
            writer.write(b"POST /api/v1/auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                         b"Content-Length: 900\r\n\r\n{")
            closed = asyncio.ensure_future(reader.read(1))
            while time.perf_counter() - start < 90 and not closed.done():
                writer.write(b" ")
                await writer.drain()
                await asyncio.wait([closed], timeout=1)
        except ConnectionError:
            pass
        finally:
            if closed is not None:
                closed.cancel()
            writer.close()
        return "cut within a minute" if time.perf_counter() - start < 60 else "not cut"
    return await many(1000, 1000, one)


async def idle():
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit[1], limit[1]))
    open_now, writers = 0, []
    for _ in range(100):
        found = await asyncio.gather(*(asyncio.open_connection(HOST, PORT) for _ in range(100)), return_exceptions=True)
        writers += [item[1] for item in found if not isinstance(item, BaseException)]
    open_now = len(writers)
    await asyncio.sleep(20)
    still = sum(1 for writer in writers if not writer.is_closing())
    for writer in writers:
        writer.close()
    return {"opened": open_now, "still open after 20 s": still}


async def main():
    await during("nothing", lambda: asyncio.sleep(3, {}))
    await during("10,000 logins", logins)
    await during("malformed requests and bodies", malformed)
    await during("bodies of 64 MiB", oversized)
    await during("1,000 slow-loris connections", loris)
    await during("10,000 idle sockets", idle)
    sys.exit(1 if bad else 0)


asyncio.run(main())
