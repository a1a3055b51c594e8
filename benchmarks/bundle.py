"""A bundle of a 1 GB base and a 12 MB model, made, checked and applied, beside tar and sha256sum.

    python benchmarks/bundle.py [--quick] [--json] [--folder DIR]

Each round, interleaved: `bundle create`, which checks every blob while it packs, and the least that
costs: GNU `tar` of the same files, a sync of what it wrote, and its sha256; `bundle verify` and the
sha256 of the same file, both from the disk and not from memory; `bundle apply` into an empty layout
and, of a model, into one that has the base. The sha256 is OpenSSL's, which uses the processor's own
instructions for it; what coreutils' `sha256sum` takes is printed beside. Each of ours is a process
of its own. Blobs are random. Peak memory is that of the largest process.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.reporting import report
from yolodeploy.oci import media_types, our_image
from yolodeploy.oci.layout import Layout
from yolodeploy.oci.manifests import ImageConfig, Manifest, RootFs

CHUNK = 1 << 20
MODEL_MB = 12
TARGETS = {
    "create_to_tar_and_sha256": {"op": "<=", "value": 1.3},
    "verify_to_sha256": {"op": "<=", "value": 1.3},
    "peak_mb": {"op": "<=", "value": 100.0},
}


def random_image(layout: Layout, name: str, *sizes_mb: int) -> None:
    """An image of a base and, with a second size, a model."""
    kinds = (our_image.BASE, our_image.MODEL)
    layers = tuple(
        layout.add_blob(
            (os.urandom(CHUNK) for _ in range(size_mb)),
            media_types.LAYER_TAR,
            {our_image.LAYER_KIND: kind},
        )
        for kind, size_mb in zip(kinds, sizes_mb, strict=False)
    )
    _named(layout, name, layers)


def with_another_model(layout: Layout, name: str, base_of: str) -> None:
    """An image on the base of another."""
    base = layout.read_manifest(layout.find(base_of).digest).layers[0]
    chunks = (os.urandom(CHUNK) for _ in range(MODEL_MB))
    kind = {our_image.LAYER_KIND: our_image.MODEL}
    _named(layout, name, (base, layout.add_blob(chunks, media_types.LAYER_TAR, kind)))


def _named(layout: Layout, name: str, layers: tuple) -> None:  # type: ignore[type-arg]
    rootfs = RootFs(diff_ids=tuple(layer.digest for layer in layers))
    config = layout.add_json(
        ImageConfig(architecture="amd64", os="linux", rootfs=rootfs), media_types.CONFIG
    )
    manifest = Manifest(media_type=media_types.MANIFEST, config=config, layers=layers)
    layout.set_ref(layout.add_json(manifest, media_types.MANIFEST), name)


def timed(act: Callable[[], object]) -> float:
    """Seconds that something takes."""
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def ours(home: Path, *words: str) -> None:
    """A command line, in a process of its own."""
    program = "import sys; from yolodeploy.cli.main import run; run()"
    subprocess.run(
        [sys.executable, "-P", "-c", program, "bundle", *words],
        env={
            **os.environ,
            "YOLODEPLOY_HOME": str(home),
            "PYTHONPATH": str(Path(__file__).parents[1]),
        },
        check=True,
        capture_output=True,
    )


def forgotten(path: Path) -> None:
    """Let the system forget what it has of a file in memory."""
    fd = os.open(path, os.O_RDONLY)
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(fd)


def tarred(source: Path, target: Path) -> None:
    """The same files by GNU tar, durably."""
    subprocess.run(["tar", "-cf", target, "-C", source, "."], check=True)
    fd = os.open(target, os.O_RDONLY)
    os.fsync(fd)
    os.close(fd)


def summed(path: Path, *command: str) -> None:
    """What the digest of a file costs."""
    forgotten(path)
    subprocess.run([*command, path], check=True, capture_output=True)


def measured(folder: Path, base_mb: int, rounds: int) -> dict[str, float]:
    """Seconds, ratios of medians, MB."""
    home = folder / "home"
    layout = Layout(home / "images").create()
    random_image(layout, "one", base_mb, MODEL_MB)
    with_another_model(layout, "two", "one")
    stick, thin, tar = folder / "stick.tar", folder / "thin.tar", folder / "peer.tar"
    ours(home, "create", str(thin), "--image", "two", "--without-base", "--no-playbooks")
    create = ("create", str(stick), "--image", "one", "--image", "two", "--no-playbooks")
    took: dict[str, list[float]] = {}
    for _ in range(rounds):
        stick.unlink(missing_ok=True)
        tar.unlink(missing_ok=True)
        shutil.rmtree(folder / "gateway", ignore_errors=True)
        os.sync()
        acts: dict[str, Callable[[], object]] = {
            "tar": lambda: tarred(layout.path / "blobs", tar),
            "create": lambda: ours(home, *create),
            "sha256": lambda: summed(stick, "openssl", "dgst", "-sha256"),
            "sha256sum": lambda: summed(stick, "sha256sum"),
            "verify": lambda: ours(home, "verify", str(stick)),
            "apply": lambda: ours(folder / "gateway", "apply", str(stick), "--no-containerd"),
        }
        for name, act in acts.items():
            took.setdefault(name, []).append(timed(act))
        update = folder / "update"
        shutil.rmtree(update, ignore_errors=True)
        shutil.copytree(folder / "gateway", update)
        Layout(update / "images").remove(layout.find("two").digest)
        model = layout.read_manifest(layout.find("two").digest).layers[1]
        Layout(update / "images").blobs.path(model.digest).unlink()
        apply = timed(lambda: ours(update, "apply", str(thin), "--no-containerd"))  # noqa: B023
        took.setdefault("update", []).append(apply)
    figures = {f"{name}_s": statistics.median(values) for name, values in took.items()}
    least = figures["tar_s"] + figures["sha256_s"]
    figures["create_to_tar_and_sha256"] = figures["create_s"] / least
    figures["verify_to_sha256"] = figures["verify_s"] / figures["sha256_s"]
    figures["bundle_mb"] = stick.stat().st_size / 1e6
    figures["update_mb"] = thin.stat().st_size / 1e6
    figures["peak_mb"] = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return figures


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--quick", action="store_true", help="a base of 200 MB, fewer rounds")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--folder", type=Path, help="where the files lie; by default in TMPDIR")
    arguments = parser.parse_args()
    base_mb, rounds = (200, 3) if arguments.quick else (1000, 5)
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        figures = measured(Path(name), base_mb, rounds)
    report("bundle", figures, TARGETS, as_json=arguments.json)


if __name__ == "__main__":
    main()
