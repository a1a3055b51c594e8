"""A fleet's cost to whoever looks after it: polling, collecting, planning and rolling out.

    python benchmarks/fleet.py [--quick] [--json]

- **Polling**: clusters of 50 pods on 50 nodes, asked over HTTP as the collector does it; one API
  server that answers from ready bytes stands for all. Only the CPU of who asks is counted. Beside
  it, in the same rounds, the peer, which is the Kubernetes client's own list of the same pods
  decoded into its models, and `json.loads` of the same bytes.
- **Collecting**: every device of the fleet in one round, states, sketches and events, into an
  inventory; its share of one core when there is a round every 15 s.
- **Rolling out**: the real engine with its real journal on sites that are at once where they were
  told to be. What is left is the engine's own work.
- **Planning** for a hundred thousand such sites.

Memory is the largest that the process had, and what it grew by when the rounds went on.
"""

from __future__ import annotations

import argparse
import gc
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import NamedTuple

import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.fleet_parts.objects import APP, release
from benchmarks.fleet_parts.sites import Instant
from benchmarks.inventory import timed
from benchmarks.reporting import report
from yolodeploy.core.gates import ErrorsGate, RestartsGate
from yolodeploy.core.release import Release
from yolodeploy.inventory import operations, releases, rollouts
from yolodeploy.inventory import sites as site_rows
from yolodeploy.inventory.catalog import add_app
from yolodeploy.inventory.connection import Inventory, open_inventory
from yolodeploy.ops.operations import Teller
from yolodeploy.ops.rollout_journal import InventoryJournal
from yolodeploy.ops.shipped import shipped
from yolodeploy.rollouts.engine import Engine
from yolodeploy.rollouts.planning import Wish, plan_rollout
from yolodeploy.rollouts.ports import Ending
from yolodeploy.rollouts.rollout import Operator, Rollout
from yolodeploy.sites.kubernetes.access import Access
from yolodeploy.sites.kubernetes.live import OFTEN_S
from yolodeploy.sites.kubernetes.site import KubernetesSite
from yolodeploy.telemetry.rounds import Collector

PODS = 50
ROUND_S = 15
TARGETS: dict[str, dict[str, object]] = {
    "poll_cpu_ms": {"op": "<=", "value": 5},
    "engine_cpu_ms_a_site": {"op": "<=", "value": 20},
    "plan_100000_sites_s": {"op": "<=", "value": 2},
    "collector_share_of_one_core": {"op": "<=", "value": 1},
    "growth_over_rounds_mb": {"op": "<=", "value": 16},
    "peak_memory_mb": {"op": "<=", "value": 512},
}

Figures = dict[str, float]


class Served(NamedTuple):
    """The API server: a kubeconfig for it, its port, and the bytes of a list of pods."""

    kubeconfig: Path
    port: int
    pods: bytes


@contextmanager
def serving(folder: Path) -> Iterator[Served]:
    """The API server in a process of its own."""
    program = Path(__file__).with_name("fleet_parts") / "api.py"
    line = [sys.executable, str(program), str(PODS), str(folder)]
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline().split()[0])
        try:
            file = folder / "kubeconfig"
            server = {"name": "c", "cluster": {"server": f"http://127.0.0.1:{port}"}}
            context = {"name": "here", "context": {"cluster": "c", "user": "u"}}
            config = {
                "apiVersion": "v1", "kind": "Config", "clusters": [server], "contexts": [context],
                "users": [{"name": "u", "user": {"token": "t"}}], "current-context": "here",
            }  # fmt: skip
            file.write_text(yaml.safe_dump(config))
            yield Served(file, port, (folder / "pods.json").read_bytes())
        finally:
            process.kill()


def cluster(served: Served, name: str, folder: Path) -> KubernetesSite:
    """One site of the fleet."""
    access = Access(served.kubeconfig, "here")
    return KubernetesSite(name, access, folder, shipped("k3s"), lambda _: "registry.local/app")


# polling -------------------------------------------------------------------------------------


def bench_polling(served: Served, folder: Path, count: int, rounds: int) -> Figures:
    """Every site asked once a round, the peer and the limit in between."""
    before_mb = memory_mb()
    sites = [cluster(served, f"s{number}", folder) for number in range(count)]
    opened = timed(lambda: [site.observe() for site in sites])
    state = sites[0].observe()
    assert len(state.instances) == len(state.devices) == PODS
    held_mb = memory_mb() - before_mb
    ours, peer, plain = [], [], []
    for _ in range(rounds):
        time.sleep(OFTEN_S)  # who asks more often than that gets a watch
        ours.append(timed(lambda: [site.observe() for site in sites]).cpu_s / count)
        peer.append(median_cpu_s(the_client_alone(served), 5))
        plain.append(median_cpu_s(lambda: json.loads(served.pods), 20))
    poll, client = statistics.median(ours), statistics.median(peer)
    return {
        "sites": count,
        "pods_a_site": PODS,
        "list_of_pods_kb": round(len(served.pods) / 1000, 1),
        "poll_cpu_ms": 1000 * poll,
        "poll_first_cpu_ms": 1000 * opened.cpu_s / count,
        "client_list_cpu_ms": 1000 * client,
        "json_loads_cpu_ms": 1000 * statistics.median(plain),
        "client_against_poll": client / poll,
        "memory_a_site_kb": 1000 * held_mb / count,
    }


def the_client_alone(served: Served) -> Callable[[], object]:
    """The peer: one of a poll's six requests, as everybody writes it."""
    from kubernetes.client import CoreV1Api
    from kubernetes.config import new_client_from_config

    api = CoreV1Api(new_client_from_config(str(served.kubeconfig)))  # type: ignore[no-untyped-call]
    return lambda: api.list_namespaced_pod(APP)


def median_cpu_s(work: Callable[[], object], times: int) -> float:
    """CPU seconds of this process; the first time may load something."""
    work()
    return statistics.median(timed(work).cpu_s for _ in range(times))


# collecting ----------------------------------------------------------------------------------


def bench_collecting(served: Served, folder: Path, devices: int, rounds: int) -> Figures:
    """Rounds over all devices; the first makes connections and rows, and does not count."""
    sites = [cluster(served, f"c{number}", folder) for number in range(devices // PODS)]
    with open_inventory(folder / "collecting.db") as inventory:
        for site in sites:
            site_rows.add_site(inventory, site.name, "kubernetes", "here", at=time.time())
        collector = Collector(inventory)
        spent, series = [], 0
        for number in range(rounds + 1):
            brought = []
            spent.append(timed(lambda b=brought: b.extend(collector.round(sites, now=time.time))))  # type: ignore[misc]
            series = sum(one.series for one in brought)
            assert all(one.reachable for one in brought)
            assert series == devices, "every device told something new"
            ask_next(served)
            if number == 1:
                gc.collect()
                early_mb = resident_mb()
        late_mb = resident_mb()
    cpu_s = statistics.median(one.cpu_s for one in spent[1:])
    return {
        "devices": devices,
        "round_wall_s": statistics.median(one.wall_s for one in spent[1:]),
        "round_cpu_s": cpu_s,
        "collector_share_of_one_core": cpu_s / ROUND_S * (10_000 / devices),
        "cpu_ms_a_device": 1000 * cpu_s / devices,
        "growth_over_rounds_mb": late_mb - early_mb,
    }


def ask_next(served: Served) -> None:
    """Let the servers measure more."""
    connection = HTTPConnection("127.0.0.1", served.port, timeout=10)
    connection.request("POST", "/next")
    connection.getresponse().read()
    connection.close()


# rolling out ---------------------------------------------------------------------------------


def bench_engine(folder: Path, count: int) -> Figures:
    """One rollout over sites that are instant, with the journal on disk."""
    names = [f"e{number}" for number in range(count)]
    old, new = gated(1), gated(2)
    sites = {name: Instant(name, old) for name in names}
    wish = Wish(waves="1,10%,100%", concurrency=32, soak_s=0.0, compare=True)
    with open_inventory(folder / "engine.db") as inventory:
        add_app(inventory, APP, at=time.time())
        new = stored(inventory, new)
        for name in names:
            site_rows.add_site(inventory, name, "kubernetes", "here", at=time.time())
        operations.create_operation(inventory, "op-1", "rollout", {}, at=time.time())
        planned = plan_rollout(new, sites.values(), wish, lambda _: None)
        rollout = rollouts.create_rollout(inventory, planned, "op-1", at=time.time())
        rollouts.take_rollout(inventory, rollout, "us/op-1/1", at=time.time(), stale_after=10.0)
        teller = Teller(inventory, "op-1")
        journal = InventoryJournal(inventory, rollout, "us/op-1/1", teller, sites)  # type: ignore[arg-type]
        engine = Engine(
            Rollout("r-1", planned, new, journal, [b"a frame"]),
            Operator("us/op-1/1", "op-1"),
            sites.__getitem__,
        )
        ending = []
        spent = timed(lambda: ending.append(engine.run()))
        assert ending == [Ending.DONE]
        entries = inventory.row("SELECT count(*) FROM steps")
    assert entries is not None
    return {
        "engine_sites": count,
        "engine_cpu_ms_a_site": 1000 * spent.cpu_s / count,
        "engine_entries_a_site": entries[0] / count,
        "engine_sites_a_s": count / spent.wall_s,
    }


def gated(number: int) -> Release:
    """Judged by what a site that answers in no time can be judged by."""
    made = release(number)
    gates = (ErrorsGate(min_samples=1), RestartsGate())
    return Release(number, replaced(made.spec, gates=gates))


def stored(inventory: Inventory, wanted: Release) -> Release:
    """The release as the inventory knows it."""
    return releases.add_release(inventory, wanted.spec, at=time.time())


def replaced(spec: object, **fields: object) -> object:
    """The same specification with other fields."""
    from msgspec.structs import replace

    return replace(spec, **fields)  # type: ignore[type-var]


def bench_planning(sites: int) -> Figures:
    """From sites that are known to a plan."""
    old, new = gated(1), gated(2)
    fleet = [Instant(f"p{number:06}", old) for number in range(sites)]
    gc.collect()
    plans = []

    def plan() -> None:
        plans.append(plan_rollout(new, fleet, Wish(), lambda _: None))

    spent = [timed(plan) for _ in range(3)]
    (first, *_) = plans
    assert sum(map(len, first.waves)) == sites
    looked_up = timed(lambda: [first.site(name) for name in first.waves[-1][-1000:]])
    wall_s = statistics.median(one.wall_s for one in spent)
    return {
        "plan_sites": sites,
        "plan_100000_sites_s": wall_s * (100_000 / sites),
        "plan_lookup_us": 1e6 * looked_up.cpu_s / min(1000, len(first.waves[-1])),
    }


def memory_mb() -> float:
    """The most that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def resident_mb() -> float:
    """What this process has now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 2**20


def main() -> None:
    """Run all of it and print the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of the fleet")
    parser.add_argument("--json", action="store_true", help="end with one JSON object")
    arguments = parser.parse_args()
    few = arguments.quick
    figures: Figures = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with serving(folder) as served:
            figures |= bench_polling(served, folder, 100 if few else 1000, 3)
            figures |= bench_collecting(served, folder, 1_000 if few else 10_000, 3 if few else 6)
        figures |= bench_engine(folder, 100 if few else 1000)
        figures["peak_memory_mb"] = memory_mb()
        figures |= bench_planning(100_000)
    report("fleet", figures, TARGETS, as_json=arguments.json)


if __name__ == "__main__":
    main()
