"""The program: start, address, stop. Everything over real sockets."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from conftest import PREDICT, well

HERE = Path(__file__).resolve().parent.parent
LIMIT = 60.0


def command(*options):
    return [sys.executable, "-m", "egiz_ml_service", *options]


def environment(**more):
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("EGIZ_", "MLFLOW_"))}
    return {**clean, "PYTHONPATH": str(HERE), "EGIZ_ML_BACKEND": "numpy", **more}


@contextmanager
def running(*options, **more):
    process = subprocess.Popen(
        command("--port", "0", *options), env=environment(**more), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline()
        assert line.startswith("ml-service: http://"), process.communicate()
        yield process, line.split()[1]
    finally:
        process.kill()
        process.communicate()


def test_it_listens_on_loopback_at_a_free_port_and_says_where(tmp_path):
    file = tmp_path / "address"
    with running("--address-file", str(file)) as (process, address):
        assert address.startswith("http://127.0.0.1:")
        assert file.read_text() == address + "\n"
        assert httpx.get(address + "/health").json()["status"] == "ok"
        process.send_signal(signal.SIGTERM)
        assert process.wait(LIMIT) == 0
        assert not file.exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_call_under_way_is_answered_before_the_stop(number):
    with running(EGIZ_ML_FAULTS="1") as (process, address):
        httpx.put(address + "/faults", json={"kind": "slow", "seconds": 1, "count": 1})
        answers = []
        call = threading.Thread(target=lambda: answers.append(httpx.post(address + PREDICT, json={"instances": [well()]}, timeout=LIMIT)))
        call.start()
        wait_until_used_up(address)
        process.send_signal(number)
        assert process.wait(LIMIT) == 0
        call.join(LIMIT)
        assert [answer.json()["predictions"][0]["label"] for answer in answers] == ["normal"]


def wait_until_used_up(address: str) -> None:
    """An ordered fault is gone once the call that it hits has come."""
    while httpx.get(address + "/faults").json() is not None:
        pass


def test_a_hanging_call_does_not_hold_up_the_stop():
    with running(EGIZ_ML_FAULTS="1") as (process, address):
        httpx.put(address + "/faults", json={"kind": "hang", "count": 1})
        answers = []

        def ask():
            try:
                answers.append(httpx.post(address + PREDICT, json={"instances": [well()]}, timeout=LIMIT).json()["type"])
            except httpx.HTTPError as error:
                answers.append(error)

        call = threading.Thread(target=ask)
        call.start()
        wait_until_used_up(address)
        started = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(LIMIT) == 0
        assert time.monotonic() - started < 4
        call.join(LIMIT)
        assert answers == ["urn:egiz:problem:stopping"]


def test_it_stops_when_the_process_that_started_it_is_gone():
    script = f"""
import subprocess, sys, time
child = subprocess.Popen({command("--port", "0", "--with-parent")!r}, stdout=subprocess.PIPE, text=True)
print(child.pid, child.stdout.readline(), flush=True)
"""
    parent = subprocess.run([sys.executable, "-c", script], env=environment(), capture_output=True, text=True, timeout=LIMIT)
    pid, _, address = parent.stdout.split()[:3]
    deadline = time.monotonic() + LIMIT
    while time.monotonic() < deadline:
        try:
            httpx.get(address + "/health", timeout=5)
        except httpx.HTTPError:
            break
    else:
        os.kill(int(pid), signal.SIGKILL)
        pytest.fail("the service outlived the process that started it")


def test_logs_are_json_lines_and_carry_the_trace():
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    with running() as (process, address):
        httpx.post(address + PREDICT, json={}, headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"})
        process.send_signal(signal.SIGTERM)
        lines = [json.loads(line) for line in process.communicate(timeout=LIMIT)[1].splitlines()]
    request = next(line for line in lines if line["message"] == "request")
    assert (request["level"], request["status"], request["traceId"]) == ("warning", 422, trace)


def test_an_address_that_is_taken_ends_the_start():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ended = subprocess.run(command("--port", str(taken.getsockname()[1])), env=environment(), capture_output=True, text=True, timeout=LIMIT)
    assert ended.returncode == 1
    assert ended.stderr.startswith("ml-service: ")


@pytest.mark.parametrize(
    ("variables", "word"),
    [
        ({"EGIZ_ML_BACKEND": "jax"}, "EGIZ_ML_BACKEND"),
        ({"EGIZ_ML_FAULTS": "yes"}, "EGIZ_ML_FAULTS"),
        ({"EGIZ_ML_MAX_BODY": "0"}, "EGIZ_ML_MAX_BODY"),
        ({"EGIZ_ML_MAX_INSTANCES": "many"}, "EGIZ_ML_MAX_INSTANCES"),
        ({"EGIZ_ML_MODELS": "/nowhere"}, "/nowhere"),
    ],
)
def test_a_setting_that_makes_no_sense_ends_the_start_with_its_name(variables, word):
    ended = subprocess.run(command("--port", "0"), env=environment(**variables), capture_output=True, text=True, timeout=LIMIT)
    assert ended.returncode == 1
    assert word in ended.stderr and "Traceback" not in ended.stderr


def test_a_body_that_says_it_is_too_long_is_refused_before_it_comes():
    with running() as (_, address):
        host, port = address.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=LIMIT) as connection:
            head = f"POST {PREDICT} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: 99999999\r\n\r\n"
            connection.sendall(head.encode())
            assert connection.recv(4096).startswith(b"HTTP/1.1 413 ")
