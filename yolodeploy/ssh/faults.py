"""What OpenSSH says when a connection cannot be had, as errors with a remedy."""

from __future__ import annotations

import re
from shlex import quote

from yolodeploy.core.errors import Refused, Unreachable, YolodeployError
from yolodeploy.ssh.address import Address
from yolodeploy.ssh.children import Answer
from yolodeploy.ssh.host_keys import HostKeys

_OFFENDING = re.compile(r"^Offending \S+ key in (.+):\d+\s*$", re.MULTILINE)
_FORGET = re.compile(r'ssh-keygen .*-R "?([A-Za-z0-9.:%\[\]_-]+)"?')  # Debian's says it
_CHANGED = ("REMOTE HOST IDENTIFICATION HAS CHANGED", "Host key verification failed")
_DENIED = ("Permission denied (", "Too many authentication failures")
_ABSENT = "Could not resolve hostname"
# said beside the reason; it is none itself
_ASIDE = re.compile(r"^(Warning: Permanently added|mux_client|Shared connection|Control socket)")


def fault(device: str, address: Address, answer: Answer, keys: HostKeys) -> YolodeployError:
    """Why there is no connection, or no longer one."""
    said = answer.err
    if any(words in said for words in _CHANGED):
        file, name = _OFFENDING.search(said), _FORGET.search(said)
        return Refused(
            "ssh.host_key_changed",
            device=device,
            file=quote(file[1] if file else str(keys.path)),
            name=quote(name[1] if name else address.known_as),
        )
    if any(words in said for words in _DENIED):
        return Refused("ssh.denied", device=device, address=address, reason=_reason(answer))
    code = "ssh.no_such_host" if _ABSENT in said else "ssh.unreachable"
    return Unreachable(code, device=device, address=address, reason=_reason(answer))


def _reason(answer: Answer) -> str:
    lines = [line for line in answer.err.strip().splitlines() if not _ASIDE.match(line)]
    return lines[-1] if lines else "the connection was cut"
