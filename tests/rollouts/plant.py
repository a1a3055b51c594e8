"""A home with sites and releases, whose rollouts are driven as the command line drives them.

No gate on latency: the machine that runs the tests has other things to do as well.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from tests.sites.parts import APP, Bench, until
from yolodeploy.core.gates import AgreementGate, ErrorsGate, Gate, RestartsGate
from yolodeploy.core.release import Release
from yolodeploy.core.site import Phase
from yolodeploy.core.steps import Entry, SiteResult
from yolodeploy.inventory import journal
from yolodeploy.inventory import operations as operation_rows
from yolodeploy.inventory import rollouts as rows
from yolodeploy.inventory.connection import open_inventory, read_inventory
from yolodeploy.inventory.rollouts import RolloutRow, RolloutState
from yolodeploy.oci import media_types
from yolodeploy.oci.layers import LayerFile, layer_chunks
from yolodeploy.oci.layout import Layout
from yolodeploy.oci.manifests import ImageConfig, Manifest, RootFs
from yolodeploy.ops import operations, rollout_run, rollouts
from yolodeploy.ops.catalog import add_model, build_image, create_app, create_release
from yolodeploy.ops.home import Home
from yolodeploy.ops.rollouts import Started
from yolodeploy.ops.sites import create_site
from yolodeploy.rollouts.planning import Wish

CHECKOUT = Path(__file__).parents[2]
EXAMPLE = CHECKOUT / "examples" / "brake_disc"
FRAMES = 4
LONGEST_S = 800.0  # a whole rollout over twenty sites, of which some wait for what never comes

# the spoiled model loses every box; between the sound ones half of them are not at stake
CALM: tuple[Gate, ...] = (
    ErrorsGate(min_samples=4),
    RestartsGate(),
    AgreementGate(max_lost=0.7, max_gained=0.9, min_frames=4, min_boxes=3),
)
# each step ends as soon as it can be told how: what a busy machine may take longer costs nothing
WISH = Wish(soak_s=0.2, observe_s=120.0, settle_s=180.0, guard_s=600.0)
LONG = msgspec.structs.replace(WISH, soak_s=60.0)


def small_base(home: Home) -> str:
    """The digest of a base without a system: doubles run nothing, embedded sites leave it aside."""
    layout = Layout(home.layout).create()
    files = layer_chunks([LayerFile("/usr/bin/python", b"#!", 0o755)])
    layer = layout.add_blob(files, media_types.LAYER_TAR)
    config = ImageConfig(architecture="amd64", os="linux", rootfs=RootFs(diff_ids=(layer.digest,)))
    described = layout.add_json(config, media_types.CONFIG)
    manifest = Manifest(media_type=media_types.MANIFEST, config=described, layers=(layer,))
    return layout.add_json(manifest, media_types.MANIFEST).digest


class SiteEnd(NamedTuple):
    """How a site is in the end."""

    phase: Phase
    release: str
    previous: str
    settled: bool
    leased: bool
    instances: tuple[tuple[str, bool, int], ...]
    processes: int


class End(NamedTuple):
    """How a rollout ended, as far as a person cares."""

    state: RolloutState
    results: dict[str, SiteResult | None]
    gates: dict[str, dict[str, str]]
    sites: dict[str, SiteEnd]


class Plant:
    """A home folder with everything in it."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.frames = home.root / "frames"
        self.frames.mkdir()
        for picture in sorted((EXAMPLE / "frames").glob("*.jpg"))[:FRAMES]:
            shutil.copy(picture, self.frames)
        create_app(home, APP, frames=str(self.frames))

    def release(self, version: int, gates: tuple[Gate, ...] = CALM) -> str:
        """The alias of a new release of a sample model."""
        name = f"brake-disc-v{version}"
        with read_inventory(self.home.inventory) as inventory:
            known = inventory.row("SELECT 1 FROM models WHERE name = ?", (name,))
        if known is None:
            add_model(self.home, EXAMPLE / "models" / f"{name}.onnx")
        image = build_image(self.home, name, base=small_base(self.home))
        return create_release(self.home, APP, image.digest, gates=gates).alias

    def sites(self, count: int = 1) -> list[Bench]:
        """Some sites of one device."""
        names = [f"site-{number}" for number in range(1, count + 1)]
        for name in names:
            create_site(self.home, name, 1, {})
        return [Bench(self.home, name) for name in names]

    def bench(self, name: str = "site-1") -> Bench:
        return Bench(self.home, name)

    def start(
        self, release: str, sites: Sequence[str] = (), wish: Wish = WISH, frames: str = ""
    ) -> Started:
        """As `rollout start` does it."""
        return rollouts.start(self.home, release, sites, wish, frames)

    def created(self, release: str, wish: Wish = WISH, sites: Sequence[str] = ()) -> str:
        """A rollout that nothing drives yet."""
        operation = operations.new_id()
        _, planned = rollouts.plan(self.home, release, sites, wish)
        with open_inventory(self.home.inventory) as inventory:
            rollout = rows.create_rollout(inventory, planned, operation, at=time.time())
            arguments = {"rollout": rollout, "frames": str(self.frames)}
            operation_rows.create_operation(
                inventory, operation, "rollout", arguments, at=time.time()
            )
        return rollout

    def crash(self, rollout: str, moment: str, number: str = "KILL") -> subprocess.Popen[bytes]:
        """Drive a rollout in a process that signals itself at a moment; see `crashing_engine`."""
        log = (self.home.root / "crashing.log").open("ab")
        with log:
            return subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "tests.rollouts.crashing_engine",
                    str(self.home.root),
                    rollout,
                    moment,
                    number,
                ],
                cwd=CHECKOUT,
                stdout=log,
                stderr=log,
            )

    def drive(self, rollout: str) -> int:
        """Drive it in this process, as an operation does it; the exit code."""
        with open_inventory(self.home.inventory) as inventory:
            teller = operations.Teller(inventory, rows.get_rollout(inventory, rollout).operation)
            arguments = {"rollout": rollout, "frames": str(self.frames)}
            return rollout_run.run(self.home, inventory, teller, arguments)

    def ended(self, started: Started) -> int:
        """Wait for an operation; its exit code."""
        row = until(
            lambda: (row := self.operation(started)).ended_at is not None and row,
            f"{started.operation} has ended",
            LONGEST_S,
        )
        assert row.exit_code is not None
        return row.exit_code

    def operation(self, started: Started) -> operation_rows.OperationRow:
        return operations.ending(self.home, started.operation)

    def run(
        self, release: str, sites: Sequence[str] = (), wish: Wish = WISH, frames: str = ""
    ) -> tuple[str, int]:
        """A whole rollout: its name and its exit code."""
        started = self.start(release, sites, wish, frames)
        return started.rollout, self.ended(started)

    def resume(self, rollout: str, *, take_over: bool = False) -> int:
        """As `rollout resume` does it; the exit code."""
        return self.ended(rollouts.resume(self.home, rollout, take_over=take_over))

    def row(self, rollout: str) -> RolloutRow:
        with read_inventory(self.home.inventory) as inventory:
            return rows.get_rollout(inventory, rollout)

    def journal(self, rollout: str, site: str = "site-1") -> list[Entry]:
        with read_inventory(self.home.inventory) as inventory:
            return journal.journal(inventory, rollout, site)

    def reached(self, rollout: str, line: str, site: str = "site-1") -> None:
        """Wait until a line such as `observe intended` is in the journal."""
        until(
            lambda: line in [text_of(entry) for entry in self.journal(rollout, site)],
            f"{site} has reached {line}",
        )

    def results(self, rollout: str) -> dict[str, SiteResult | None]:
        with read_inventory(self.home.inventory) as inventory:
            return {row.site: row.result for row in journal.rollout_sites(inventory, rollout)}

    def end(self, rollout: str) -> End:
        """Everything that a crash must not change."""
        with read_inventory(self.home.inventory) as inventory:
            state = rows.get_rollout(inventory, rollout).state
            found = journal.rollout_sites(inventory, rollout)
        return End(
            state=state,
            results={row.site: row.result for row in found},
            gates={
                row.site: {gate.gate: gate.verdict.value for gate in row.gates} for row in found
            },
            sites={row.site: site_end(self.bench(row.site)) for row in found},
        )


def site_end(bench: Bench) -> SiteEnd:
    """How a site is now."""
    state = bench.site.observe()
    app = state.app(APP)
    assert app is not None
    return SiteEnd(
        phase=app.phase,
        release=_alias(app.release),
        previous=_alias(app.previous),
        settled=app.settled,
        leased=state.lease is not None,
        instances=tuple((item.release, item.ready, item.restarts) for item in state.instances),
        processes=len(bench.processes()),
    )


def text_of(entry: Entry) -> str:
    """`observe intended`."""
    return f"{entry.step.value} {entry.outcome.value}"


def wait(process: subprocess.Popen[bytes]) -> int:
    """The exit code of a process; negative for a signal."""
    return process.wait(LONGEST_S)


def signal_group(process: subprocess.Popen[bytes], number: int) -> None:
    os.kill(process.pid, number)


def _alias(release: Release | None) -> str:
    return release.alias if release is not None else ""
