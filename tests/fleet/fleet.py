"""Twenty sites and their operators: doubles of clusters behind links, and sites that really run."""

from __future__ import annotations

import signal
import sqlite3
from collections.abc import Iterable
from contextlib import ExitStack, closing
from pathlib import Path

import msgspec

from tests.fleet.links import Link, Links
from tests.fleet.plants import Kind, Plant
from tests.rollouts.plant import CALM, WISH, wait
from tests.rollouts.plant import Plant as Bench
from tests.sites.parts import until
from yolodeploy.core.gates import Gate, LatencyGate
from yolodeploy.core.release import Release
from yolodeploy.core.steps import Step
from yolodeploy.core.waves import Scope
from yolodeploy.inventory.connection import read_inventory
from yolodeploy.inventory.releases import get_release
from yolodeploy.inventory.rollouts import FINAL
from yolodeploy.ops.adopt import adopt_cluster
from yolodeploy.ops.home import Home
from yolodeploy.ops.quickstart import clean_up
from yolodeploy.ops.shipped import shipped
from yolodeploy.ops.sites import create_site
from yolodeploy.rollouts.planning import Wish
from yolodeploy.sites.interface import Site
from yolodeploy.sites.kubernetes.access import Access
from yolodeploy.sites.kubernetes.site import KubernetesSite

SITES = tuple(f"plant-{number:02}" for number in range(1, 21))
# the first is in the second wave, the other in the last
EMBEDDED = ("plant-03", "plant-12")
ONLY_CLUSTERS = "plant-[012][!32]"  # embedded sites are quicker, and would always be the first
CLUSTERS = tuple(name for name in SITES if name not in EMBEDDED)

# a machine that tests is slow in itself; a slow release here takes a minute for a picture
GATES: tuple[Gate, ...] = (*CALM, LatencyGate(slack_ms=30_000, min_samples=4))
FLEET_WISH = msgspec.structs.replace(WISH, concurrency=8)
NOT_READY_S = 10.0
SLOW_S = 4.0
WAITS = 3


def wish_for(kind: Kind, scope: Scope = Scope.ROLLOUT) -> Wish:
    """Nobody waits a minute for a release that is known never to be ready, or to stay slow."""
    return msgspec.structs.replace(
        FLEET_WISH,
        on_failure=scope,
        settle_s=NOT_READY_S if kind is Kind.NEVER_READY else FLEET_WISH.settle_s,
        observe_s=SLOW_S if kind is Kind.SLOW else FLEET_WISH.observe_s,
    )


class Laptop(Bench):
    """One operator's: an inventory of her own; images and embedded sites are all on one machine."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.frames = home.root / "frames"

    def digest(self, alias: str) -> str:
        return self.kept(alias).digest

    def kept(self, alias: str) -> Release:
        with read_inventory(self.home.inventory) as inventory:
            return get_release(inventory, alias)

    def killed_in(self, rollout: str, steps: Iterable[Step]) -> None:
        """In each step once, as soon as some cluster has begun it; each goes on from there."""
        for step in steps:
            process = self.crash(rollout, f"{ONLY_CLUSTERS}: after {step.value} intended")
            assert wait(process) == -signal.SIGKILL, step

    def drive(self, rollout: str) -> int:
        """Resume until nothing is left to do but for sites that are offline; the exit code."""
        for turn in range(6):
            # a lease of a lost laptop is taken over once it is known that it is lost
            code = self.resume(rollout, take_over=turn > 0)
            if self.row(rollout).state in FINAL or (code == WAITS and turn > 0):
                break
        return code


class Fleet:
    """The sites, how they are reached, and how they were before. Use it as a context manager."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.plants: dict[str, Plant] = {}
        self.links: dict[str, Link] = {}
        self.stopped: set[str] = set()
        self._stack = ExitStack()

    def __enter__(self) -> Fleet:
        with self._stack:
            home = Home(self.root / "ann").create()
            self._stack.callback(clean_up, home)
            links = self._stack.enter_context(Links())
            bench = Bench(home)
            self.laptop = Laptop(home)
            self.before, self.sound, self.spoiled = (bench.release(n, GATES) for n in (1, 2, 3))
            for name in CLUSTERS:
                self._cluster(links, name)
            for name in EMBEDDED:
                create_site(home, name, 1, {})
            self._begin()
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _cluster(self, links: Links, name: str) -> None:
        plant = self._stack.enter_context(Plant())
        self.plants[name] = plant
        self.links[name] = links.to(plant.address)
        direct = plant.kubeconfig(self.root / f"{name}.inside")
        outside = self.root / f"{name}.kubeconfig"
        outside.write_text(direct.read_text().replace(plant.address, self.links[name].address))
        adopt_cluster(self.laptop.home, name, "here", outside)

    def _begin(self) -> None:
        """The first release everywhere, and that is the past to which `reset` goes back."""
        rollout, code = self.laptop.run(self.before, wish=wish_for(Kind.SOUND))
        assert code == 0, self.laptop.row(rollout)
        for plant in self.plants.values():
            until(lambda plant=plant: not plant.on_guard(), "guards have ended")  # type: ignore[misc]
            plant.remember()
        copy_inventory(self.laptop.home.inventory, self.root / "past.db")

    # scenes ----------------------------------------------------------------------------------

    def reset(self) -> None:
        """Everything as it was before the first rollout that is tested."""
        for name in SITES:
            self.mend(name)
        for plant in self.plants.values():
            plant.forget()
        first = self.laptop.kept(self.before)
        for name in EMBEDDED:
            bench = self.laptop.bench(name)
            fence = bench.site.claim("reset", 60.0, take_over=True)
            bench.commit(first, fence)
            bench.site.release_lease(fence)
        self.restore(self.laptop.home)

    def restore(self, home: Home) -> None:
        for path in home.root.glob("inventory.db*"):
            path.unlink()
        copy_inventory(self.root / "past.db", home.inventory)

    def other_laptop(self, name: str = "bob") -> Laptop:
        """An operator who knows the same sites and releases, and nothing of this rollout."""
        home = Home(self.root / name).create()
        for part in ("images", "models", "frames", "sites"):
            (home.root / part).unlink(missing_ok=True)
            (home.root / part).symlink_to(self.laptop.home.root / part)
        self.restore(home)
        return Laptop(home)

    def make(self, alias: str, kind: Kind) -> None:
        """Say how the servers of a release are, in clusters; embedded ones are what they are."""
        for plant in self.plants.values():
            plant.make(self.laptop.digest(alias), kind)

    def alias_of(self, kind: Kind) -> str:
        return self.sound if kind is Kind.SOUND else self.spoiled

    def cut(self, name: str) -> None:
        """Nobody outside reaches the site; an embedded one has lost its power."""
        if name in self.links:
            self.links[name].cut()
        elif name not in self.stopped:
            self.laptop.bench(name).stop()
            self.stopped.add(name)

    def mend(self, name: str) -> None:
        if name in self.links:
            self.links[name].mend()
        elif name in self.stopped:
            bench = self.laptop.bench(name)
            bench.start()
            self.stopped.discard(name)
            until(lambda: bench.app().settled, f"{name} runs again what it ran")

    @property
    def offline(self) -> set[str]:
        return self.stopped | {name for name, link in self.links.items() if link.is_cut}

    def inside(self, name: str) -> Site:
        """The site as it is seen from within, whatever its link does."""
        if name in EMBEDDED:
            return self.laptop.bench(name).site
        access = Access(self.root / f"{name}.inside", "here")
        return KubernetesSite(
            name, access, self.laptop.home.layout, shipped("k3s"), lambda digest: "edge.local/app"
        )


def copy_inventory(source: Path, target: Path) -> None:
    """A copy that is whole, whoever has the source open."""
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)
    target.chmod(0o600)
