"""What a server process has taken of its machine."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .running import Server

TICKS = os.sysconf("SC_CLK_TCK")


def rss_mb(server: Server) -> float:
    """Memory now."""
    return _status_mb(server, "VmRSS:")


def peak_mb(server: Server) -> float:
    """The most memory that the process ever had."""
    return _status_mb(server, "VmHWM:")


def forget_peak(server: Server) -> float:
    """Begin to measure the peak anew; the memory now."""
    Path(f"/proc/{server.process.pid}/clear_refs").write_text("5")
    return peak_mb(server)


def cpu_s(server: Server) -> float:
    """Processor time of all its threads."""
    fields = Path(f"/proc/{server.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def open_files(server: Server) -> int:
    """Sockets and files that it holds."""
    return len(list(Path(f"/proc/{server.process.pid}/fd").iterdir()))


def _status_mb(server: Server, name: str) -> float:
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(status.split(name)[1].split()[0]) / 1024
