"""Values that the tests of the inventory store."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from yolodeploy.core.release import Release, ReleaseSpec
from yolodeploy.core.site import (
    AppState,
    DeviceState,
    Epoch,
    Fence,
    InstanceState,
    Lease,
    Phase,
    SiteState,
    StageReport,
)
from yolodeploy.core.sketch import Sketch, Stages
from yolodeploy.core.waves import Plan, SitePlan, Standing

NOW = 1_800_000_000.0


def digest(letter: str) -> str:
    return "sha256:" + letter * 64


def spec(app: str = "brake-disc", image: str = "a") -> ReleaseSpec:
    return ReleaseSpec(app=app, image=digest(image), model=digest("b"))


def state(release: Release, *devices: str, site: str = "plant") -> SiteState:
    """A site where `release` is committed and one instance of it runs on each device."""
    app = release.spec.app
    return SiteState(
        site=site,
        at=NOW - 1,
        lease=Lease(Fence(3, "laptop"), NOW - 5, NOW + 25),
        devices=tuple(
            DeviceState(name=name, ready=True, cpu_percent=12.5, memory_mb=300.0)
            for name in devices
        ),
        apps=(AppState(app=app, phase=Phase.COMMITTED, release=release, settled=True),),
        instances=tuple(
            InstanceState(
                name=f"{name}-0", device=name, app=app, release=release.digest, ready=True,
                restarts=2,
            )
            for name in devices
        ),
    )  # fmt: skip


def plan(*sites: str, app: str = "brake-disc", left_out: tuple[str, ...] = ()) -> Plan:
    return Plan(
        app=app,
        release=digest("c"),
        sites=tuple(SitePlan(site=name, standing=Standing.GO) for name in (*sites, *left_out)),
        waves=tuple((name,) for name in sites),
    )


def stages(*values_us: float) -> Stages:
    sketch = Sketch(0.0, {})
    for value in values_us:
        sketch.record(value)
    return {"total": sketch}


def report(
    *epochs: Epoch, device: str = "d1", instance: str = "d1-0", release: str = "c"
) -> StageReport:
    return StageReport(
        site="plant",
        device=device,
        instance=instance,
        app="brake-disc",
        release=digest(release),
        epochs=epochs,
    )


def epoch(number: int, *values_us: float, failures: int = 0, source: str = "http") -> Epoch:
    return Epoch(
        number=number,
        source=source,
        requests=len(values_us) + failures,
        failures=failures,
        stages=stages(*values_us),
    )


def started(script: str, path: Path) -> subprocess.Popen[str]:
    """Another process with `open_inventory`, `path` and `sys` at hand; its stdout is piped."""
    head = (
        "import sys\nfrom pathlib import Path\n"
        "from yolodeploy.inventory.connection import open_inventory, read_inventory\n"
        "path = Path(sys.argv[1])\n"
    )
    return subprocess.Popen(
        [sys.executable, "-c", head + script, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
