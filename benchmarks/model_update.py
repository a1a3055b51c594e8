"""A model-only rebuild: a 12 MB model on a base image of 400 MB, and what it is held against.

    python benchmarks/model_update.py [--quick] [--json] [--folder DIR]

Each round, interleaved: our build; the physical limit (read, sha256, write, fsync of the same
12 MB); a naive rebuild of all layers through `tarfile`. The base is random, so that nothing
compresses, and is made in a temporary folder. Peak memory is that of a process of its own.

Then, where Debian's docker-registry is installed, the same to a registry on loopback: ours, in a
process that runs already and as typed commands, beside docker build and push, BuildKit, umoci and
skopeo, as far as they are here; what leaves us, counted on the wire; without `--quick` also the
memory that a layer of 2 GB takes.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import yolodeploy
from benchmarks.model_update_parts import registry
from benchmarks.reporting import report
from yolodeploy.core.release import ModelFacts
from yolodeploy.images.build import build
from yolodeploy.oci import media_types
from yolodeploy.oci.layer_store import LayerStore
from yolodeploy.oci.layers import LayerFile, layer_chunks
from yolodeploy.oci.layout import Layout
from yolodeploy.oci.manifests import ImageConfig, Manifest, RootFs

MODEL_BYTES = 12 << 20
BASE_FILES = 8
CHUNK = 1 << 20
TARGETS = {
    "build_wall_s": {"op": "<=", "value": 0.3},
    "rss_growth_mb": {"op": "<=", "value": 8.0},  # from no base to the whole base
    "moved_mb": {"op": "<=", "value": 13.0},
}


class Took(NamedTuple):
    """Seconds of wall clock and of processor."""

    wall: float
    cpu: float


def timed(act: Callable[[], object]) -> Took:
    """How long something takes."""
    cpu, wall = time.process_time(), time.perf_counter()
    act()
    return Took(time.perf_counter() - wall, time.process_time() - cpu)


def random_file(path: Path, size: int) -> Path:
    """A file that does not compress."""
    with path.open("wb") as file:
        for _ in range(size // CHUNK):
            file.write(os.urandom(CHUNK))
    return path


def facts_of(path: Path) -> ModelFacts:
    """What the build needs to know; the file is no real network."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return ModelFacts(
        digest=f"sha256:{digest}", size_bytes=path.stat().st_size, task="detect",
        classes=("crack",), height=640, width=640, stride=32, opset=17,
    )  # fmt: skip


def add_base(layout: Layout, files: list[Path]) -> str:
    """A base image of one layer."""
    inside = [LayerFile(f"usr/lib/{path.name}", path) for path in files]
    layer = layout.add_blob(layer_chunks(inside), media_types.LAYER_TAR)
    rootfs = RootFs(diff_ids=(layer.digest,))
    config = ImageConfig(architecture="amd64", os="linux", rootfs=rootfs)
    manifest = Manifest(
        media_type=media_types.MANIFEST,
        config=layout.add_json(config, media_types.CONFIG),
        layers=(layer,),
    )
    described = layout.add_json(manifest, media_types.MANIFEST)
    layout.set_ref(described, f"base-{len(files)}")
    return described.digest


def copied_durably(source: Path, target: Path) -> None:
    """The least that any rebuild must do with a model."""
    content = hashlib.sha256()
    with source.open("rb") as read, target.open("wb", buffering=0) as written:
        while chunk := read.read(CHUNK):
            content.update(chunk)
            written.write(chunk)
        os.fsync(written.fileno())


def naive(layers: list[list[Path]], folder: Path) -> None:
    """Every layer packed anew by `tarfile`, hashed, written, synchronised."""
    for number, files in enumerate(layers):
        path = folder / f"{number}.tar"
        with path.open("wb") as out, tarfile.open(fileobj=out, mode="w") as tar:
            for file in files:
                tar.add(file, arcname=f"opt/{file.name}")
        with path.open("rb") as read:
            hashlib.file_digest(read, "sha256")
            os.fsync(read.fileno())


def in_a_process(layout: Path, model: Path, base: str) -> tuple[float, float]:
    """Seconds of a whole build process, and its peak memory in MB."""
    command = [sys.executable, __file__, "--child", str(layout), str(model), base]
    started = time.perf_counter()
    told = subprocess.run(command, check=True, capture_output=True, text=True)
    return time.perf_counter() - started, float(told.stdout)


def child(layout: str, model: str, base: str) -> None:
    """One build; prints this process's own peak memory in MB.

    Not `ru_maxrss`: that starts at what the parent had when it forked.
    """
    path = Path(model)
    build(Layout(Path(layout)), path, facts_of(path), base=base or None, name="child")
    status = Path("/proc/self/status").read_text()
    peak_kb = next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]
    print(int(peak_kb) / 1024)


def measured(folder: Path, base_mb: int, rounds: int) -> dict[str, float]:
    """All figures: seconds, MB and ratios of medians."""
    layout = Layout(folder / "layout").create()
    files = [
        random_file(folder / f"lib{n}.so", (base_mb // BASE_FILES) << 20) for n in range(BASE_FILES)
    ]
    base = add_base(layout, files)
    package = sorted(Path(yolodeploy.__file__).parent.rglob("*.py"))
    model = random_file(folder / "first.onnx", MODEL_BYTES)
    build(layout, model, facts_of(model), base=base, name="brake-disc")
    store = LayerStore(folder / "store")
    took: dict[str, list[Took]] = {"build": [], "limit": [], "naive": [], "unpack": []}
    moved = 0
    for number in range(rounds):
        model = random_file(folder / "next.onnx", MODEL_BYTES)
        facts = facts_of(model)
        os.sync()  # what was made for the round is not part of it

        def ours() -> None:
            nonlocal moved
            image = build(layout, model, facts, base=base, name="brake-disc")  # noqa: B023
            moved = image.new_bytes

        def unpacked() -> None:
            manifest = layout.read_manifest(layout.find("brake-disc").digest)
            store.add(layout, manifest.layers[-1])

        acts: list[tuple[str, Callable[[], object]]] = [
            ("build", ours),
            ("limit", lambda: copied_durably(model, folder / "limit")),  # noqa: B023
            ("naive", lambda: naive([files, package, [model]], folder)),  # noqa: B023
        ]
        for name, act in acts[number % 3 :] + acts[: number % 3]:
            took[name].append(timed(act))
        took["unpack"].append(timed(unpacked))
    figures = {"moved_mb": moved / 1e6}
    for name, all_took in took.items():
        figures[f"{name}_wall_s"] = statistics.median(one.wall for one in all_took)
        figures[f"{name}_cpu_s"] = statistics.median(one.cpu for one in all_took)
    for part in ("wall", "cpu"):
        ours_s = figures[f"build_{part}_s"]
        figures[f"build_to_limit_{part}"] = ours_s / figures[f"limit_{part}_s"]
        figures[f"naive_to_build_{part}"] = figures[f"naive_{part}_s"] / ours_s
    with_base, without = [], []
    for _ in range(5):
        model = random_file(folder / "next.onnx", MODEL_BYTES)
        os.sync()
        with_base.append(in_a_process(layout.path, model, base))
        without.append(in_a_process(layout.path, model, ""))
    figures["process_wall_s"] = statistics.median(wall for wall, _ in with_base)
    figures["rss_mb"] = max(peak for _, peak in with_base)
    figures["rss_growth_mb"] = figures["rss_mb"] - max(peak for _, peak in without)
    return {name: round(value, 4) for name, value in figures.items()}


def main() -> None:
    """Measure, print a table, and with `--json` an object as the last line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--quick", action="store_true", help="five rounds, under two minutes")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--folder", type=Path, help="where to measure (default: TMPDIR)")
    parser.add_argument("--base-mb", type=int, default=400)
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        child(*arguments.child)
        return
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        figures = measured(Path(folder), arguments.base_mb, 5 if arguments.quick else 15)
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        figures |= registry.measured(
            Path(folder), 5 if arguments.quick else 15, facts_of, large=not arguments.quick
        )
    targets = {**TARGETS, **registry.TARGETS}
    targets = {name: target for name, target in targets.items() if name in figures}
    report("model_update", figures, targets, as_json=arguments.json)


if __name__ == "__main__":
    main()
