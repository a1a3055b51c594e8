"""What a gateway sees of kernel, hardware, clock and disk, which are this machine's: laid over.

Only sshd and what it starts see it, in a mount namespace of their own; the gateway's services have
the real ones, and nothing is asked of this machine's kernel.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from shlex import quote

from tests.gateways import doubles
from tests.gateways.hosts import Gateway

LAID = "/run/laid"
LIBRARY = "/usr/lib/clock_and_disk.so"
# personality(2): the processor and the kernel as a 32-bit program of long ago sees them
OLD_AND_32_BIT = "/usr/bin/setarch linux32 --uname-2.6 "
SURE_US, LOST_US = 1000, 16_000_000
# its source is this machine's disk, whatever that is called
DISK = "$(awk '$2 == \"/var/lib\" {print $1}' /proc/self/mounts | xargs basename)"
STATE = "/var/lib/rancher/k3s"
CONTAINERD = f"{STATE}/agent/containerd"
MODULES = ("overlay", "br_netfilter", "nf_conntrack", "ip_tables", "vxlan")


def over(path: str, text: str) -> str:
    """A shell's commands that bind a text over a file of the kernel, where there is that file."""
    laid = LAID + path
    return (f"mkdir -p $(dirname {laid}) && printf %s {quote(text)} >{laid} && "
            f"if [ -e {path} ]; then mount --bind {laid} {path}; fi")  # fmt: skip


def instead(folder: str, files: Mapping[str, str]) -> str:
    """A shell's commands that bind a folder of these files over one of the kernel's."""
    commands = [f"mkdir -p {LAID}{folder}"]
    for name, text in files.items():
        place = f'"{LAID}{folder}/{name}"'
        commands.append(f"mkdir -p $(dirname {place}) && printf '%s\\n' {quote(text)} >{place}")
    return " && ".join([*commands, f"mount --bind {LAID}{folder} {folder}"])


def modules(*built_in: str, loadable: tuple[str, ...] = ()) -> str:
    """The shelf of a kernel's modules: those that it has built in, and those that it could load."""
    lists = {"builtin": [f"kernel/{name}.ko" for name in built_in],
             "dep": [f"kernel/{name}.ko.xz:" for name in loadable]}  # fmt: skip
    folder = "/lib/modules/$(uname -r)"
    return f"mkdir -p {folder} && " + " && ".join(
        f"printf '%s\\n' {quote(chr(10).join(lines))} >{folder}/modules.{name}"
        for name, lines in lists.items()
    )


def kernel_says(*lines: str) -> str:
    """A shell's commands: journald reads a pipe of ours as the kernel's log, and keeps the lines.

    A record a write, and a moment between them: from a pipe, several would be read as one. The
    pipe is held open by a service, or journald would wait for somebody at its other end.
    """
    records = [f"3,{number},{number},-;{line}" for number, line in enumerate(lines, 1)]
    told = " ".join(map(quote, records))
    return (
        "mkfifo /dev/kmsg && systemd-run -q --unit=kmsg sh -c "
        "'exec 3<>/dev/kmsg; touch /run/kmsg-held; sleep infinity' && "
        "until [ -e /run/kmsg-held ]; do sleep 0.1; done && "
        "mkdir -p /run/systemd/journald.conf.d && printf '[Journal]\\nReadKMsg=yes\\n' "
        ">/run/systemd/journald.conf.d/kmsg.conf && systemctl restart systemd-journald"
        f" && journalctl --rotate && for record in {told}; do "
        'for try in 1 2 3 4 5 6 7 8 9; do echo "$record" >/dev/kmsg; sleep 0.1; '
        'journalctl --sync; journalctl -kqo cat | grep -qF "${record#*;}" && break; done; done'
    )


SOUND = "\n".join((
    over("/proc/meminfo", "MemTotal:       16265408 kB\nMemAvailable:   15000000 kB\n"),
    over("/proc/swaps", "Filename Type Size Used Priority\n/dev/zram0 partition 1 0 5\n"),
    instead("/sys/fs/cgroup", {"cgroup.controllers": "cpuset cpu io memory hugetlb pids rdma"}),
    instead("/sys/dev/block", {}),  # its number is this machine's
    instead("/sys/block", {f"{DISK}/queue/rotational": "0"}),
    modules(*MODULES),
    # this machine's disk may be full
    f"mkdir -p {CONTAINERD} && mount -t tmpfs -o size=1m none {CONTAINERD}",
))  # fmt: skip


def give_own_view(gateway: Gateway, *, clock_error_us: int = SURE_US, started_by: str = "") -> None:
    """From the next session on it sees what is laid over; `started_by` stands before sshd."""
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "clock_and_disk.so"
        source = Path(doubles.__file__).parent / "clock_and_disk.c"
        words = ["gcc", "-shared", "-fPIC", "-O1", "-o", str(library), str(source)]
        subprocess.run(words, check=True, capture_output=True)
        gateway.send(library, LIBRARY)
    gateway.put(
        "/etc/systemd/system/systemd-timedated.service.d/double.conf",
        f'[Service]\nEnvironment="LD_PRELOAD={LIBRARY}" DOUBLE_CLOCK_ERROR_US={clock_error_us}\n',
    )
    gateway.put(
        "/etc/systemd/system/ssh.service.d/own-view.conf",
        "[Service]\nPrivateMounts=yes\nExecStart=\n"
        f"ExecStart={started_by}/usr/sbin/sshd -D $SSHD_OPTS\n",
    )
    gateway("systemctl daemon-reload; systemctl restart ssh; systemctl stop systemd-timedated")
