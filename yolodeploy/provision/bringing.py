"""Parts brought to a gateway before a play, so that a cut link costs a piece and not a file.

They are staged under their digest in the cache of whoever logs in, checked, and then put where the
roles take them from.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from yolodeploy.core.errors import Failed, Refused, Unreachable
from yolodeploy.provision.acquaintance import ARCHES
from yolodeploy.provision.as_root import run_as_root
from yolodeploy.provision.faults import named
from yolodeploy.provision.parts import Part, parts_for
from yolodeploy.provision.play import Host
from yolodeploy.ssh.connection import Connection
from yolodeploy.ssh.outgoing import Outgoing
from yolodeploy.ssh.staging import bring

THERE = "/var/lib/yolodeploy/parts"
TASK = "Bring the parts"
_PAUSES_S = (2.0, 5.0)  # between tries while the link fails
_TELL_S = 5.0
_SPARE = 16 << 20  # bytes; tables of a file system, and what others write meanwhile

# words: digests. Where they are staged, and how much of each
_STAGED = r"""
stage="${XDG_CACHE_HOME:-$HOME/.cache}/yolodeploy/parts"
umask 077; mkdir -p "$stage" && cd "$stage" || exit 1
echo "arch=$(uname -m)"
echo "stage=$stage"
echo "free=$(df -Pk . | awk 'NR == 2 { print $4 }')"
for digest; do echo "$digest=$(stat -c %s "$digest" 2>/dev/null || echo 0)"; done
"""
# words: where parts lie, and of each its place there, its digest and its size; what is right
_RIGHT = r"""
there=$1; shift
right() { [ "$(stat -c %s "$1" 2>/dev/null)" = "$3" ] &&
  [ "$(sha256sum <"$1" | cut -c 1-64)" = "$2" ]; }
while [ $# -gt 0 ]; do
  case $1 in
    k3s/*) used=/usr/local/bin/k3s ;;
    k3s-images/*) used=/var/lib/rancher/k3s/agent/images/${1##*/} ;;
    *) used= ;;
  esac
  if right "$used" "$2" "$3" || right "$there/$1" "$2" "$3"; then echo "$2"; fi
  shift 3
done
"""
# words: the stage; where parts lie; of each its digest and its place there
_PLACE = r"""
cd "$1" && there=$2 || exit 1
shift 2
while [ $# -gt 0 ]; do
  if [ "$(sha256sum <"$1" | cut -c 1-64)" != "$1" ]; then rm -f "$1"; echo "spoilt"; exit 0; fi
  mkdir -p "$there/${2%/*}" && chown 0:0 "$1" && chmod 0644 "$1" &&
    mv -f "$1" "$there/$2.new" && mv -f "$there/$2.new" "$there/$2" || exit 1
  shift 2
done
"""
_ENTER = 'cd "$1" || exit 1; shift\n'

Told = Callable[[str], None]


class Bringing:
    """Brings parts to gateways. `told` hears how far each is; `sudo` is the password of sudo."""

    def __init__(self, parts: Sequence[Part], sudo: str) -> None:
        self._parts = parts
        self._sudo = sudo

    def to(self, host: Host, connection: Connection, told: Told) -> None:
        """Bring what a gateway lacks; again goes on where it stopped.

        Raises:
            Refused: `play.parts_arch`, `play.arch`, `play.sudo_*`.
            Failed: `play.no_room`, `play.disk_full`, `play.parts_spoilt`, `ssh.unreadable`.
            Unreachable: `ssh.*`, after some tries.
        """
        for pause_s in _PAUSES_S:
            try:
                self._brought(host, connection, told)
            except Unreachable:
                if not _waited(connection, pause_s):
                    raise
            else:
                return
        self._brought(host, connection, told)

    def _brought(self, host: Host, connection: Connection, told: Told) -> None:
        for _ in range(2):
            seen = _seen(connection, [part.digest for part in self._parts])
            profile = str(host.variables.get("node_profile", ""))
            wanted = parts_for(host.name, self._parts, seen["arch"], profile)
            lacking = self._lacking(connection, wanted)
            if not lacking:
                return
            _bring(connection, seen, lacking, told)
            words = [word for part in lacking for word in (part.digest, part.relative)]
            placed = run_as_root(connection, _PLACE, [seen["stage"], THERE, *words], self._sudo)
            if not placed.out:
                return
        raise Failed("play.parts_spoilt", device=host.name)

    def _lacking(self, connection: Connection, wanted: Sequence[Part]) -> list[Part]:
        words = [word for part in wanted for word in (part.relative, part.digest, str(part.size))]
        right = run_as_root(connection, _RIGHT, [THERE, *words], self._sudo).out.split()
        return [part for part in wanted if part.digest not in right]


def _seen(connection: Connection, digests: Sequence[str]) -> dict[str, str]:
    answer = connection.run(_STAGED, *digests)
    if answer.status:
        raise named(answer.err, connection.device) or Failed(
            "play.program_failed", device=connection.device, reason=answer.reason
        )
    told = dict(line.split("=", 1) for line in answer.out.splitlines() if "=" in line)
    arch = ARCHES.get(told.get("arch", ""))
    if arch is None or "stage" not in told:
        raise Refused(
            "play.arch", device=connection.device, arch=told.get("arch", "-"),
            known=", ".join(ARCHES),
        )  # fmt: skip
    return {**told, "arch": arch}


def _bring(
    connection: Connection, seen: dict[str, str], lacking: Sequence[Part], told: Told
) -> None:
    files = [
        Outgoing(part.digest, part.path, part.size, _number(seen.get(part.digest, "0")))
        for part in lacking
    ]
    files = [file for file in files if file.there != file.size]
    total = sum(file.size - file.begins_at for file in files)
    free = _number(seen.get("free", "0")) * 1024
    if total + _SPARE > free:
        raise Failed("play.no_room", device=connection.device, needed=total + _SPARE, free=free)
    if not files:
        return
    progress = _Progress(total, told)
    answer = bring(connection, _ENTER, [seen["stage"]], files, progress.moved)
    if answer.status:
        raise named(answer.err, connection.device) or Failed(
            "play.program_failed", device=connection.device, reason=answer.reason
        )


def _waited(connection: Connection, pause_s: float) -> bool:
    """Wait before another try; False at once where somebody has hung up for good."""
    end = time.monotonic() + pause_s
    while not connection.ended:
        if time.monotonic() >= end:
            return True
        time.sleep(0.1)
    return False


class _Progress:
    """Says how far it is, now and then."""

    def __init__(self, total: int, told: Told) -> None:
        self._total, self._told = total, told
        self._moved = 0
        self._told_at = 0.0

    def moved(self, count: int) -> None:
        self._moved += count
        now = time.monotonic()
        if now - self._told_at > _TELL_S:
            self._told_at = now
            self._told(f"{TASK}: {self._moved / 1e6:.1f} of {self._total / 1e6:.1f} MB")


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() else 0
