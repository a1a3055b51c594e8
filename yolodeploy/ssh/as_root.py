"""Reading a file that only root may read, without leaving anything behind."""

from __future__ import annotations

from yolodeploy.core.errors import NotFound, Refused
from yolodeploy.ssh.connection import Connection
from yolodeploy.ssh.shell import LocalShell

_ABSENT, _NO_RIGHTS = 3, 4

# sudo's own words differ by language and version; whether it lets us is all that counts
_READ = f"""
path=$1 asked=$2
[ -r "$path" ] && exec cat "$path"
[ "$(id -u)" -ne 0 ] || exit {_ABSENT}
if [ "$asked" = yes ]; then
  may() {{ sudo -S -p '' "$@" 2>/dev/null; }}
else
  may() {{ sudo -n "$@" 2>/dev/null </dev/null; }}
fi
may sh -c '[ -e "$1" ] || exit {_ABSENT}; cat "$1"' sh "$path"
status=$?
case $status in 0 | {_ABSENT}) exit $status ;; esac
exit {_NO_RIGHTS}
"""


def read_as_root(shell: Connection | LocalShell, path: str, sudo_password: str = "") -> str:
    """What is in a file there.

    Raises:
        NotFound: `ssh.no_file`.
        Refused: `ssh.no_sudo`, `ssh.wrong_sudo_password`; as `Connection.run`.
        Unreachable: As `Connection.run`.
    """
    asked = "yes" if sudo_password else "no"
    told = f"{sudo_password}\n" if sudo_password else ""
    answer = shell.run(_READ, path, asked, told=told)
    if answer.status == _ABSENT:
        raise NotFound("ssh.no_file", device=shell.device, path=path)
    if answer.status:
        code = "ssh.wrong_sudo_password" if sudo_password else "ssh.no_sudo"
        raise Refused(code, device=shell.device)
    return answer.out
