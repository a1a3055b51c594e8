"""Ending with the process that started this one."""

from __future__ import annotations

import ctypes
import os
import signal

from yolodeploy.core.errors import Failed

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def exit_with_parent(parent: int) -> None:
    """Have the kernel send SIGTERM to this process when `parent` dies.

    `parent` is `os.getppid()` as read when the process began. The kernel watches the *thread*
    that started this process: a parent that starts servers must do so from one that stays.

    Raises:
        Failed: `serve.orphan`, the parent died before the kernel was asked.
    """
    end_with(parent, signal.SIGTERM)
    # an orphan is given to process 1 (or a subreaper): then nobody is left to end this one
    if parent == 1:
        raise Failed("serve.orphan")


def end_with(parent: int, number: signal.Signals) -> None:
    """Have the kernel send a signal to this process when `parent` dies, which may be process 1.

    Raises:
        Failed: `serve.orphan`, the parent died before the kernel was asked.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, number, 0, 0, 0) != 0:
        raise Failed("serve.prctl", reason=os.strerror(ctypes.get_errno()))
    if os.getppid() != parent:
        raise Failed("serve.orphan")
