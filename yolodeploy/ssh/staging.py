"""Bringing files to a device so that a cut link costs little: in pieces, each acknowledged.

A piece is written at its own place in the file, so that a sender whose link was cut and came back,
or another one that sends the same file, writes what is there already. What lies below a file's size
has been written; whether it is right is for whoever knows its digest.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Sequence

from yolodeploy.core.errors import Unreachable
from yolodeploy.ssh.children import Answer, content
from yolodeploy.ssh.connection import Connection
from yolodeploy.ssh.outgoing import PIECE, Outgoing
from yolodeploy.ssh.pump import Book, Moved, Pump

SILENCE_S = 60.0

# words: for each file its name, where to go on (whole pieces) and its size
RECEIVE = f"""
while [ $# -gt 0 ]; do
  at=$2 size=$3
  exec 3<>"$1" || exit 1
  shift 3
  dd bs={PIECE} seek=$((at / {PIECE})) count=0 conv=notrunc </dev/null >&3 2>/dev/null || exit 1
  while [ $at -lt $size ]; do
    count=$((size - at))
    [ $count -le {PIECE} ] || count={PIECE}
    head -c $count >&3 || exit 1
    at=$((at + count))
    echo $count || exit 1
  done
done
"""


def bring(
    connection: Connection,
    enter: str,
    words: Sequence[str],
    files: Sequence[Outgoing],
    moved: Moved,
    book_s: Book | None = None,
    silence_s: float = SILENCE_S,
) -> Answer:
    """Bring the rest of some files; returns how the device's end ended: 0 when all is there.

    `enter` begins the program: it takes its own `words` away and changes to the folder. `moved` and
    `book_s` are as `Pump` has them.

    Raises:
        Refused, Unreachable: As `Connection.run`; `ssh.silent` after `silence_s` without a sign.
        Failed: `ssh.unreadable`.
    """
    named = [word for file in files for word in (file.name, str(file.begins_at), str(file.size))]
    with (
        tempfile.TemporaryFile() as err,
        connection.process(enter + RECEIVE, [*words, *named], err) as process,
    ):
        if not Pump(process, files, moved, book_s).run(silence_s):
            connection.close()
            raise Unreachable("ssh.silent", device=connection.device, seconds=round(silence_s))
        try:
            status = process.wait(silence_s)
        except subprocess.TimeoutExpired:
            status = -9
        answer = Answer(status, "", content(err))
    return connection.judged(answer)
