"""Cutting the TCP connections of another process: its sockets are fetched through its pidfd and shut down.

Works for any peer, also for brokers that advertise their own ports, where a proxy would be left aside.
"""

import ctypes
import os
import socket

_PIDFD_GETFD = 438
_libc = ctypes.CDLL(None, use_errno=True)


def can_cut():
    """Whether this kernel and its rules let us take a descriptor of another process."""
    try:
        own = os.pidfd_open(os.getpid())
    except (AttributeError, OSError):
        return False
    try:
        taken = _libc.syscall(_PIDFD_GETFD, own, own, 0)
        if taken >= 0:
            os.close(taken)
        return taken >= 0
    finally:
        os.close(own)


def cut(pid, is_wanted):
    """Shuts down all connections of the process whose peer (host, port) is wanted; how many."""
    count = 0
    try:
        process = os.pidfd_open(pid)
        descriptors = os.listdir(f"/proc/{pid}/fd")
    except OSError:
        return 0
    try:
        for number in descriptors:
            try:
                if not os.readlink(f"/proc/{pid}/fd/{number}").startswith("socket:"):
                    continue
            except OSError:
                continue
            taken = _libc.syscall(_PIDFD_GETFD, process, int(number), 0)
            if taken < 0:
                continue
            with socket.socket(fileno=taken) as connection:
                try:
                    if connection.family in (socket.AF_INET, socket.AF_INET6) and is_wanted(connection.getpeername()):
                        connection.shutdown(socket.SHUT_RDWR)
                        count += 1
                except OSError:
                    continue
    finally:
        os.close(process)
    return count
