"""A model update all the way to a registry on loopback, side by side with the peers."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import yolodeploy
from benchmarks.model_update_parts.peers import Docker, Peer, Typed, Umoci, docker_engine, has_umoci
from tests.registry.real import registry
from tests.registry.relay import relay
from yolodeploy.core.release import ModelFacts
from yolodeploy.images.build import build
from yolodeploy.inventory.catalog import add_model
from yolodeploy.inventory.connection import open_inventory
from yolodeploy.oci import media_types
from yolodeploy.oci.compression import Compression
from yolodeploy.oci.layers import LayerFile, layer_chunks
from yolodeploy.oci.layout import Layout
from yolodeploy.oci.manifests import ImageConfig, Manifest, RootFs
from yolodeploy.oci.registry.push import Push, Pushed
from yolodeploy.oci.registry.reference import Reference
from yolodeploy.ops.home import Home

MB = 1 << 20
BASE_MB, MODEL_MB, LARGE_MB = 144, 12, 2048
TARGETS = {
    "registry_docker_to_ours": {"op": ">=", "value": 4.0},
    "registry_umoci_skopeo_to_ours": {"op": ">=", "value": 1.0},
    "registry_bytes_over_layer_kb": {"op": "<=", "value": 20.0},
    "registry_push_2gb_rss_mb": {"op": "<=", "value": 100.0},
    "registry_pull_2gb_rss_mb": {"op": "<=", "value": 100.0},
}
_CHILD = """
import sys
from pathlib import Path
from yolodeploy.oci.layout import Layout
from yolodeploy.oci.registry.pull import Pull
from yolodeploy.oci.registry.push import Push
from yolodeploy.oci.registry.reference import parse_reference
what, layout, digest, reference = sys.argv[1:]
target = parse_reference(reference)
one = Push(Layout(Path(layout)), digest, target) if what == "push" else Pull(
    Layout(Path(layout)), target)
one.run(one.plan())
status = Path("/proc/self/status").read_text()
print(int(next(l for l in status.splitlines() if l.startswith("VmHWM")).split()[1]) / 1000)
"""


class InProcess:
    """Our build and push in one process that runs already: an operation, the dashboard."""

    def __init__(self, layout: Layout, base: str, target: str, facts: Callable[..., ModelFacts]):
        self._layout, self._base, self._facts = layout, base, facts
        self._target = target

    def update(self, model: Path, tag: str) -> None:
        """Both steps."""
        self.push(model, tag)

    def push(
        self, model: Path, tag: str, host: str = "", compression: Compression = Compression.NONE
    ) -> Pushed:
        """What moved."""
        name, _, repository = self._target.partition("/")
        built = build(
            self._layout, model, self._facts(model), base=self._base, name=f"brake-disc:{tag}",
            compression=compression,
        )  # fmt: skip
        one = Push(self._layout, built.digest, Reference(host or name, repository, tag))
        done = one.run(one.plan())
        one.close()
        return done


def measured(
    folder: Path, rounds: int, facts: Callable[[Path], ModelFacts], *, large: bool
) -> dict[str, float]:
    """Seconds, ratios and bytes. Empty where there is no registry to be started."""
    if shutil.which("docker-registry") is None:
        return {}
    with ExitStack() as stack:
        (folder / "registry").mkdir()
        host = stack.enter_context(registry(folder / "registry")).host
        engine_folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir="/var/tmp")))
        docker = stack.enter_context(docker_engine(engine_folder))
        home = Home(folder / "home").create()
        layout = Layout(home.layout).create()
        base = add_base(layout, BASE_MB * MB)
        pushed = Push(layout, base, Reference(host, "plant/base", "v1"))
        pushed.run(pushed.plan())
        ours = InProcess(layout, base, f"{host}/plant/ours", facts)
        typed = Typed(home.root, base, f"{host}/plant/typed")
        peers: dict[str, Peer] = {"ours": ours, "ours_typed": typed}
        server = Path(yolodeploy.__file__).parent / "serve"
        name = f"{host}/plant/base:v1"
        if docker is not None:
            for key, flag in (("docker", "0"), ("buildkit", "1")):
                target = f"{host}/plant/{key}"
                peers[key] = Docker(docker, name, server, target, folder / key, flag)
        if has_umoci():
            target = f"{host}/plant/umoci"
            peers["umoci_skopeo"] = Umoci(name, target, folder / "umoci", server)
        figures = side_by_side(peers, folder, rounds, home, facts)
        figures |= on_the_wire(ours, folder, host)
        if large:
            figures |= memory(folder, host)
    return {f"registry_{name}": value for name, value in figures.items()}


def add_base(layout: Layout, size: int) -> str:
    """A base of one layer that does not compress."""
    file = layout.path.parent / "base.bin"
    random_file(file, size)
    layer = layout.add_blob(layer_chunks([LayerFile("usr/lib/base", file)]), media_types.LAYER_TAR)
    file.unlink()
    rootfs = RootFs(diff_ids=(layer.digest,))
    config = layout.add_json(
        ImageConfig(architecture="amd64", os="linux", rootfs=rootfs), media_types.CONFIG
    )
    manifest = Manifest(media_type=media_types.MANIFEST, config=config, layers=(layer,))
    found = layout.add_json(manifest, media_types.MANIFEST)
    layout.set_ref(found, f"base-{size}")
    return found.digest


def random_file(path: Path, size: int) -> Path:
    """A file that does not compress, as weights hardly do."""
    with path.open("wb") as file:
        for _ in range(size // MB):
            file.write(os.urandom(MB))
    return path


def side_by_side(
    peers: dict[str, Peer],
    folder: Path,
    rounds: int,
    home: Home,
    facts: Callable[[Path], ModelFacts],
) -> dict[str, float]:
    """Medians of seconds; the first round, in which each fills its caches, is not counted."""
    took: dict[str, list[float]] = {name: [] for name in peers}
    names = list(peers)
    for number in range(rounds + 1):
        model = random_file(folder / f"model-{number}.onnx", MODEL_MB * MB)
        with open_inventory(home.inventory) as inventory:
            add_model(inventory, model.stem, facts(model), str(model), at=time.time())
        os.sync()
        for name in names[number % len(names) :] + names[: number % len(names)]:
            began = time.perf_counter()
            peers[name].update(model, f"v{number}")
            took[name].append(time.perf_counter() - began)
        model.unlink()
    figures = {f"{name}_s": statistics.median(times[1:]) for name, times in took.items()}
    for name in names[2:]:
        figures[f"{name}_to_ours"] = figures[f"{name}_s"] / figures["ours_s"]
        figures[f"{name}_to_ours_typed"] = figures[f"{name}_s"] / figures["ours_typed_s"]
    return figures


def on_the_wire(ours: InProcess, folder: Path, host: str) -> dict[str, float]:
    """Bytes that leave us for a model update, headers included, over those of the layer."""
    model = random_file(folder / "wire.onnx", MODEL_MB * MB)
    with relay(host) as link:
        done = ours.push(model, "wire", link.host)
        layer = next(part for part in done.parts if part.kind == "model")
        return {
            "bytes_over_layer_kb": (link.sent - layer.size_bytes) / 1000,
            "bytes_received_kb": link.received / 1000,
        }


def memory(folder: Path, host: str) -> dict[str, float]:
    """Peak memory of processes that move a layer of 2 GB."""
    layout = Layout(folder / "large").create()
    digest = add_base(layout, LARGE_MB * MB)
    figures = {}
    for what, place in (("push", layout.path), ("pull", folder / "pulled")):
        words = [what, place, digest, f"{host}/plant/large:v1"]
        began = time.perf_counter()
        told = subprocess.run(
            [sys.executable, "-c", _CHILD, *words], check=True, capture_output=True, text=True,
            env={**os.environ, "PYTHONPATH": str(Path.cwd())},
        )  # fmt: skip
        figures[f"{what}_2gb_rss_mb"] = float(told.stdout)
        figures[f"{what}_2gb_s"] = time.perf_counter() - began
    return figures
