"""Before anything is read: no network, no other program, no pickle, and an end with the parent.

ultralytics would install packages, look for newer versions of itself and report home. Its settings
are told not to (`environment` of whoever starts this); here the interpreter is told too, by an
audit hook, which nothing can take off again.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys

_FORBIDDEN = """
subprocess.Popen os.system os.exec os.posix_spawn os.fork os.forkpty pty.spawn
socket.connect socket.bind socket.getaddrinfo socket.gethostbyname socket.sendto socket.sendmsg
pickle.find_class
"""
FORBIDDEN = frozenset(_FORBIDDEN.split())
PR_SET_PDEATHSIG = 1  # linux/prctl.h
LARGEST_FILE = 2 << 30  # bytes; protobuf, and so ONNX in one file, ends there
CLONE_NEWNET = 0x40000000  # linux/sched.h


def isolate(parent: int, memory_bytes: int) -> None:
    """Keep this process to itself, within so much memory, until it or its parent ends."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)
    # as root a network of its own, which has no way out; else the hook has to do
    libc.unshare(CLONE_NEWNET)
    # not the address space: libraries map gigabytes that they never touch
    resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST_FILE, LARGEST_FILE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.addaudithook(_refuse)


def _refuse(event: str, _arguments: object) -> None:
    if event in FORBIDDEN:
        raise PermissionError(f"an export may not do this: {event}")
