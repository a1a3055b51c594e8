"""What OpenSSH says when a connection cannot be had, as errors with a remedy."""

from __future__ import annotations

import re
import time
from shlex import quote

from yolodeploy.core.errors import Refused, Unreachable, YolodeployError
from yolodeploy.ssh.address import Address
from yolodeploy.ssh.children import Answer
from yolodeploy.ssh.host_keys import HostKeys
from yolodeploy.ssh.route import Route, fingerprint

_OFFENDING = re.compile(r"^Offending \S+ key in (.+):\d+\s*$", re.MULTILINE)
_FORGET = re.compile(r'ssh-keygen .*-R "?([A-Za-z0-9.:%\[\]_-]+)"?')  # Debian's says it
_SHOWN = re.compile(r"^The fingerprint for the (\S+) key .*\s+(SHA256:[\w+/]+)", re.MULTILINE)
_OTHER_KIND = re.compile(r"^No (\S+) host key is known for", re.MULTILINE)
_CHANGED = ("REMOTE HOST IDENTIFICATION HAS CHANGED", "Host key verification failed")
_DENIED = ("Permission denied (", "Too many authentication failures")
_ABSENT = "Could not resolve hostname"
# said beside the reason; it is none itself
_ASIDE = re.compile(r"^(Warning: Permanently added|mux_client|Shared connection|Control socket)")
# a device behind others: what ended was a pipe, and who speaks is the host in between
_PIPE_ENDED = re.compile(
    r"^(kex_exchange_identification: |ssh_exchange_identification: |banner exchange: )?"
    r"Connection (closed|reset|to|timed)\b.*UNKNOWN port .*$|"
    r"^(kex_exchange_identification: Connection closed|stdio forwarding failed).*$",
    re.MULTILINE,
)
_NO_FURTHER = re.compile(r"^channel 0: open failed: (?:[a-z ]+ failed: )?(.+?)\s*$", re.MULTILINE)


def fault(device: str, route: Route, answer: Answer, keys: HostKeys) -> YolodeployError:
    """Why there is no connection, or no longer one."""
    if route.jump and _PIPE_ENDED.search(answer.err):
        return _behind(device, route, answer, keys)
    said = answer.err
    if any(words in said for words in _CHANGED):
        return _changed(device, route, said, keys)
    address, reason = route.address, _reason(answer)
    if any(words in said for words in _DENIED):
        return Refused("ssh.denied", device=device, address=address, reason=reason)
    if _ABSENT in said:
        return Unreachable("ssh.no_such_host", device=device, address=address, reason=reason)
    # only who is known by a key can be looked for by it
    code = "ssh.away" if route.host_key else "ssh.unreachable"
    return Unreachable(code, device=device, address=address, reason=reason)


def _changed(device: str, route: Route, said: str, keys: HostKeys) -> Refused:
    if route.host_key:
        shown, other = _SHOWN.search(said), _OTHER_KIND.search(said)
        since = time.strftime("%Y-%m-%d", time.localtime(route.known_since))
        return Refused(
            "ssh.another_host_key",
            device=device,
            address=route.address,
            shown=f"{shown[1]} {shown[2]}" if shown else other[1] if other else "?",
            pinned=fingerprint(route.host_key),
            since=since if route.known_since else "?",
        )
    file, name = _OFFENDING.search(said), _FORGET.search(said)
    return Refused(
        "ssh.host_key_changed",
        device=device,
        file=quote(file[1] if file else str(keys.path)),
        name=quote(name[1] if name else route.address.known_as),
    )


def _behind(device: str, route: Route, answer: Answer, keys: HostKeys) -> YolodeployError:
    """What the hosts in between say, or what the last of them says of the device."""
    further = _NO_FURTHER.search(answer.err)
    said = _PIPE_ENDED.sub("", answer.err)
    if further:
        last = Answer(answer.status, "", further[1])
        return fault(device, route._replace(jump=()), last, keys)
    hop = _who_speaks(route.jump, said)
    return fault(str(hop), Route(hop), Answer(answer.status, "", said), keys)


def _who_speaks(jump: tuple[Address, ...], said: str) -> Address:
    """The one that is named; a host that answers nothing at all is the nearest."""
    named = (hop for hop in reversed(jump) if re.search(rf"\b{re.escape(hop.host)}\b", said))
    return next(named, jump[0])


def _reason(answer: Answer) -> str:
    lines = [line for line in answer.err.strip().splitlines() if not _ASIDE.match(line)]
    return lines[-1] if lines else "the connection was cut"
