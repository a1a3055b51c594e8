"""What a command costs before it does anything, and what the installs weigh.

    python benchmarks/cold_start.py [--quick] [--json]

CPU time of whole processes, interleaved with bare Python in the same run: `--help`, and `status`
on an inventory with 1,000 devices. The sizes are those of what pip puts into a fresh virtual
environment without byte code, without pip itself: the light install, and the same with the
`serve` extra on this machine's processor. With `--quick` they are left out.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.reporting import report
from yolodeploy.core.gates import DEFAULT_GATES
from yolodeploy.core.release import Release, ReleaseSpec
from yolodeploy.core.site import AppState, DeviceState, InstanceState, Phase, SiteState
from yolodeploy.inventory.connection import open_inventory
from yolodeploy.inventory.releases import add_release
from yolodeploy.inventory.sites import add_site
from yolodeploy.inventory.status import record_site_state

TARGETS = {
    "help_cpu_ms": {"op": "<=", "value": 100.0},
    "status_cpu_ms": {"op": "<=", "value": 150.0},
    "light_install_mb": {"op": "<=", "value": 140.0},
    "serve_install_mb": {"op": "<=", "value": 330.0},
}
INSTALLS = {"light_install_mb": "", "serve_install_mb": "[serve]"}
SITES, DEVICES = 100, 10


def cpu_ms(command: list[str], environment: dict[str, str]) -> float:
    """User and system time of one process and its children, in ms."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)  # fmt: skip
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return 1000 * (after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)


def fill(home: Path) -> None:
    """An inventory with 1,000 devices on 100 sites, all running one release."""
    digest = "sha256:" + "0" * 64
    spec = ReleaseSpec(app="brake-disc", image=digest, model=digest, gates=DEFAULT_GATES)
    with open_inventory(home / "inventory.db") as inventory:
        release = add_release(inventory, spec, at=time.time())
        with inventory.transaction():
            for number in range(SITES):
                name = f"site-{number:03}"
                add_site(inventory, name, "embedded", f"/nowhere/{name}", at=time.time())
                record_site_state(inventory, name, state_of(name, release), at=time.time())


def state_of(site: str, release: Release) -> SiteState:
    """A site with ten ready devices."""
    names = [f"{site}-{number}" for number in range(DEVICES)]
    return SiteState(
        site=site,
        at=time.time(),
        lease=None,
        devices=tuple(
            DeviceState(name=name, ready=True, cpu_percent=31.5, memory_mb=118) for name in names
        ),
        apps=(
            AppState(app="brake-disc", phase=Phase.COMMITTED, release=release, settled=True),
        ),
        instances=tuple(
            InstanceState(name=name, device=name, app="brake-disc", release=release.digest,
                          ready=True)
            for name in names
        ),
    )  # fmt: skip


def install_mb(folder: Path, name: str, extra: str) -> dict[str, float]:
    """MB of an install without byte code, under `name`, and its six largest packages."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    root = Path(__file__).resolve().parents[1]
    packages = next((folder / "lib").glob("python*")) / "site-packages"
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "-q", "--no-compile", "--target", packages,
         f"{root}{extra}"],
        check=True,
    )  # fmt: skip
    sizes = {
        path.name: sum(f.stat().st_size for f in path.rglob("*") if f.is_file()) / 1e6
        for path in packages.iterdir()
        # sqlite-utils asks for pip, which is there before anything that it installs
        if path.is_dir() and path.name.partition("-")[0] != "pip"
    }
    largest = sorted(sizes, key=lambda package: -sizes[package])[:6]
    return {
        name: sum(sizes.values()),
        **{f"{name}_{package}": sizes[package] for package in largest},
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--quick", action="store_true", help="11 rounds, no install")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    rounds = 11 if arguments.quick else 41
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        home.mkdir()
        fill(home)
        environment = {**os.environ, "YOLODEPLOY_HOME": str(home)}
        entry = [sys.executable, "-c", "from yolodeploy.cli.main import run; run()"]
        commands = {
            "bare_python": [sys.executable, "-c", "pass"],
            "help": [*entry, "--help"],
            "status": [*entry, "status"],
        }
        taken: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(rounds):
            for name, command in commands.items():
                taken[name].append(cpu_ms(command, environment))
        figures = {f"{name}_cpu_ms": statistics.median(times) for name, times in taken.items()}
        for name in ("help", "status"):
            figures[f"{name}_to_bare"] = figures[f"{name}_cpu_ms"] / figures["bare_python_cpu_ms"]
        targets = dict(TARGETS)
        if arguments.quick:
            for name in INSTALLS:
                del targets[name]
        else:
            for name, extra in INSTALLS.items():
                figures |= install_mb(Path(folder) / name, name, extra)
    report("cold_start", figures, targets, as_json=arguments.json)


if __name__ == "__main__":
    main()
