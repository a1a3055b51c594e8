"""Space, speed and health of the disks."""

import os
import re
import shutil
import tempfile
import time
from pathlib import Path

from look.host import judged, unknown
from look.machine import listed, said

SYNCS = 100
SYNC_LIMIT_S = 5.0  # a card that stalls is found out by then
LEAST_INODES_PERCENT = 5
WRITTEN = ("/", "/etc", "/var/lib", "/usr/local/bin")
FAULTS = re.compile(
    r"I/O error|EXT4-fs error|XFS.*(corrupt|error)|BTRFS.*error|[Rr]emounting filesystem read-only"
    r"|mmc\d+: .*([Tt]imeout|error)|mmcblk\d.*(timed out|error)|blocked for more than \d+ seconds"
    r"|ata\d.*failed command|nvme\d.*(timeout|controller is down)|critical (medium|target) error",
)


def disk(host):
    """Whether there is room; less will do once everything is installed."""
    wanted = host.asked["free_mb_kept" if host.asked["k3s"] else "free_mb"]
    free = {folder: shutil.disk_usage(nearest(host, folder)).free // 1_000_000 for folder in wanted}
    short = [folder for folder in wanted if free[folder] < wanted[folder]]
    told = short or wanted
    return judged(
        short,
        folders=listed(told),
        free=listed(free[folder] for folder in told),
        wanted=listed(wanted[folder] for folder in told),
    )


def nearest(host, folder):
    """The folder, or the nearest one above that exists."""
    path = host.path(folder)
    while not path.exists():
        path = path.parent
    return path


def inodes(host):
    """Whether there is room for more files; small files use them up before the space."""
    short = []
    for folder in host.asked["free_mb"]:
        told = os.statvfs(nearest(host, folder))
        if told.f_files and told.f_favail * 100 < told.f_files * LEAST_INODES_PERCENT:
            short.append(folder)
    return judged(short, folders=listed(short), least=LEAST_INODES_PERCENT)


def fsync(host):
    """Median of 4 kB writes made safe, and what 99 of 100 keep: one may meet a busy moment."""
    took = syncs_ms(host.path(host.asked["fsync_folder"]))
    if not took:
        return unknown()
    p99, most = round(took[-(-len(took) * 99 // 100) - 1], 2), host.asked["fsync_ms"]
    return judged(
        p99 > most,
        folder=host.asked["fsync_folder"],
        p99_ms=p99,
        median_ms=round(took[len(took) // 2], 2),
        most_ms=f"{most:g}",
    )


def syncs_ms(folder):
    """How long writes take, in order; none where none can be made."""
    took = []
    end = time.monotonic() + SYNC_LIMIT_S
    try:
        with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
            while len(took) < SYNCS and time.monotonic() < end:
                begun = time.perf_counter()
                file.write(b"\xa5" * 4096)
                os.fsync(file.fileno())
                took.append((time.perf_counter() - begun) * 1000)
    except OSError:
        return []
    return sorted(took)


def medium(host):
    """Whether k3s's database is on something that was made for it."""
    device = device_of(host, "/var/lib")
    if device is None:
        return unknown()
    kinds = {"mmcblk": "SD/eMMC"}
    kind = next((kind for head, kind in kinds.items() if device.startswith(head)), None)
    spins = (host.lines(f"/sys/block/{device}/queue/rotational") or ["0"])[0].strip() == "1"
    # a virtual disk says that it spins, because nobody told it otherwise
    if kind is None and spins and not device.startswith(("vd", "xvd", "loop", "zram")):
        kind = "HDD"
    return judged(kind is not None, device=device, kind=kind or "SSD")


def device_of(host, folder):
    """The whole disk under a folder; None where there is none to be seen.

    By its number, because a mount may say `/dev/root` or a name of LVM's; file systems that make
    their numbers up (btrfs, overlays) are found by what is mounted.
    """
    number = nearest(host, folder).stat().st_dev
    link = f"/sys/dev/block/{os.major(number)}:{os.minor(number)}"
    if host.exists(link):
        return whole(host, Path(os.path.realpath(host.path(link))).name)
    source = mounted(host, folder)
    return None if source is None else whole(host, Path(source).name)


def mounted(host, folder):
    """What is mounted where a folder is; None where nothing is told."""
    rows = [line.split() for line in host.lines("/proc/self/mounts")]
    under = [
        row for row in rows if len(row) > 1 and (folder + "/").startswith(row[1].rstrip("/") + "/")
    ]
    if not under:
        return None
    # of those on one folder the last one lies above the others
    return max(reversed(under), key=lambda row: len(row[1]))[0]


def whole(host, name):
    """The disk of a partition, or the first one below a volume of LVM or RAID."""
    for disk_name in map(os.path.basename, host.found("/sys/block/*")):
        if name == disk_name or host.exists(f"/sys/block/{disk_name}/{name}"):
            below = host.found(f"/sys/block/{disk_name}/slaves/*")
            return whole(host, Path(below[0]).name) if below else disk_name
    return None


def read_only(host):
    """Whether files can be written where k3s is installed and keeps its own."""
    closed = []
    for folder in WRITTEN:
        try:
            if os.statvfs(nearest(host, folder)).f_flag & os.ST_RDONLY:
                closed.append(folder)
        except OSError:
            closed.append(folder)
    return judged(closed, folders=listed(closed))


def noexec_tmp(host):
    """Whether programs may run in /tmp; installers and Ansible's own files do."""
    try:
        flags = os.statvfs(host.path("/tmp")).f_flag  # noqa: S108 it is asked about, not used
    except OSError:
        return unknown()
    return judged(flags & os.ST_NOEXEC)


def disk_faults(host):
    """Whether the kernel has had trouble with a disk in the last day."""
    return said(host.kernel_log(), FAULTS)


def journal_size(host):
    """Whether the journal takes the room of images."""
    told = host.answer("journalctl", "--disk-usage")
    found = re.search(r"take up ([\d.]+)([KMGT]?)", told or "")
    if not found:
        return unknown()
    scale = {"": 1e-6, "K": 1e-3, "M": 1, "G": 1e3, "T": 1e6}[found.group(2)]
    mb, most = round(float(found.group(1)) * scale), host.asked["journal_mb"]
    return judged(mb > most, mb=mb, most=most)


def gc_pressure(host):
    """Whether the disk is so full that the kubelet throws images away, imported ones too."""
    folder = nearest(host, "/var/lib/rancher/k3s/agent/containerd")
    told = os.statvfs(folder)
    used = round(100 * (1 - told.f_bavail / told.f_blocks)) if told.f_blocks else 0
    config = host.text("/etc/rancher/k3s/config.yaml") or ""
    set_to = re.search(r"image-gc-high-threshold=(\d+)", config)
    most = int(set_to.group(1)) if set_to else 85  # the kubelet's own default
    return judged(used >= most, used=used, most=most)


CHECKS = {
    "disk": disk,
    "inodes": inodes,
    "fsync": fsync,
    "medium": medium,
    "read_only": read_only,
    "noexec_tmp": noexec_tmp,
    "disk_faults": disk_faults,
    "journal_size": journal_size,
    "gc_pressure": gc_pressure,
}
