"""What hosts say when a step fails, as errors with a remedy: the usual ones, by their words."""

from __future__ import annotations

import re
from typing import NamedTuple

from yolodeploy.core.errors import Failed, Refused, YolodeployError
from yolodeploy.provision.play import Host, State, Step
from yolodeploy.ssh.children import Answer
from yolodeploy.ssh.faults import fault
from yolodeploy.ssh.host_keys import HostKeys

_VIA_SSH = re.compile(r"^.*Failed to connect to the host via ssh:\s*")


class _Usual(NamedTuple):
    """Words that give it away, and the code of what it is."""

    words: re.Pattern[str]
    code: str


def _usual(words: str, code: str) -> _Usual:
    return _Usual(re.compile(words, re.IGNORECASE), code)


# the most telling first: a full disk also breaks sudo and Python
_USUAL = (
    _usual(r"no space left on device|disk quota exceeded", "play.disk_full"),
    _usual(r"read-only file system", "play.read_only"),
    _usual(r"must have a tty|no tty present|terminal is required", "play.sudo_tty"),
    _usual(r"missing sudo password|a password is required", "play.sudo_password_missing"),
    _usual(r"incorrect sudo password|sorry, try again|incorrect password attempt",
           "play.sudo_password_wrong"),
    _usual(r"is not in the sudoers file|not allowed to (run|execute)", "play.sudo_forbidden"),
    _usual(r"sudo: (command )?not found|no such file or directory: '?sudo|sudo: No such file",
           "play.no_sudo"),
    _usual(r"no python3 that|python[0-9.]*: (command )?not found|discovered python.*not found"
           r"|/usr/bin/python[0-9.]*: not found|the module interpreter .* was not found",
           "play.no_python"),
    _usual(r"failed to create temporary directory|Permission denied.*\.ansible",
           "play.no_temporary"),
)  # fmt: skip


def fault_of(step: Step, host: Host, keys: HostKeys) -> YolodeployError | None:
    """The error that a failed step is, where it is a usual one."""
    if step.state is State.UNREACHABLE and host.route is not None:
        found = named(step.said, host.name)
        if found is not None:
            return found
        said = _VIA_SSH.sub("", step.said)
        return fault(host.name, host.route, Answer(255, "", said), keys)
    return named(step.said, host.name)


def named(said: str, device: str) -> YolodeployError | None:
    """The usual error that some words of a host give away."""
    for usual in _USUAL:
        if usual.words.search(said):
            kind = Refused if usual.code.startswith("play.sudo") else Failed
            return kind(usual.code, device=device, reason=said)
    return None
