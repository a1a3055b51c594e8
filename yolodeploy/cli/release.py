"""`yolodeploy release`: immutable releases of apps."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from yolodeploy.cli.output import (
    Column,
    dry_run_option,
    emit,
    emit_data,
    emit_documents,
    emit_one,
    moment,
    output_option,
    print_names,
    shown,
)
from yolodeploy.cli.reading import read
from yolodeploy.cli.telling import said, tell
from yolodeploy.cli.words import FILE, Figure
from yolodeploy.core.digests import short

if TYPE_CHECKING:
    from yolodeploy.core.release import Release
    from yolodeploy.inventory.releases import ReleaseRow

# as in core.release, which `--help` does not load
ENGINES = ("onnxruntime", "openvino", "cuda", "tensorrt")
PRECISIONS = ("f32", "bf16", "f16", "int8")


def _gates(row: ReleaseRow) -> list[object]:
    import msgspec

    gates: list[object] = msgspec.to_builtins(row.release.spec.gates)
    return gates


COLUMNS = [
    Column("release", "release", lambda row: row.release.alias),
    Column("digest", "digest", lambda row: row.digest, text=short),
    Column("image", "image", lambda row: row.release.spec.image, text=short),
    Column("model", "model", lambda row: row.release.spec.model, text=short),
    Column("classes", "classes", lambda row: list(row.release.spec.classes)),
    Column("gates", "gates", _gates, text=lambda gates: str(len(gates))),
    Column("created_at", "made", lambda row: row.created_at, wide=True, text=moment),
]


def _meant(words: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """`gained:CLASS` or `lost:CLASS`, as pairs."""
    pairs = tuple((kind, name) for kind, _, name in (word.partition(":") for word in words))
    for word, (kind, name) in zip(words, pairs, strict=True):
        if kind not in ("gained", "lost") or not name:
            raise click.BadParameter(said("usage.meant", given=word))
    return pairs


@click.group()
def release() -> None:
    """Releases: image digest, serving settings, resources, gates. `APP@N` is an alias."""


@release.command()
@click.argument("app")
@click.option("--image", required=True, help="Name or digest of an image.")
@click.option("--conf", type=Figure(0, 1), default=0.25, show_default=True)
@click.option("--iou", type=Figure(0, 1), default=0.7, show_default=True)
@click.option("--max-det", type=click.IntRange(1, 1000), default=300, show_default=True)
@click.option("--threads", type=click.IntRange(0, 256), default=0, help="0: what there is.")
@click.option("--engine", type=click.Choice(ENGINES), help="onnxruntime, on the CPU, by default.")
@click.option("--precision", type=click.Choice(PRECISIONS), help="The model's own by default.")
@click.option("--fallback", is_flag=True, help="Use the CPU where the engine cannot be had.")
@click.option("--accept-difference", is_flag=True, help="Even if it does not find what f32 finds.")
@click.option("--batch", type=click.IntRange(1, 256), help="Pictures at once, on a GPU.")
@click.option("--batch-wait-ms", type=Figure(0, 1000), help="Longest wait for others.")
@click.option("--scaled-decode", is_flag=True, help="Decode JPEGs no larger than needed.")
@click.option("--deadline-ms", type=Figure(1, 600_000), help="Of a request: 30,000.")
@click.option("--cpu-millis", type=click.IntRange(1, 256_000), default=1000, help="1,000: one CPU.")
@click.option("--memory-mb", type=click.IntRange(16, 1 << 20), default=512, help="512 MiB.")
@click.option("--gpus", type=click.IntRange(0, 16), default=0, help="GPUs, or shares of them.")
@click.option("--vram-mb", type=click.IntRange(0, 1 << 20), default=0, help="GPU memory, in MiB.")
@click.option("--mig", metavar="PROFILE", help="Instances of 1g.10gb and the like, not GPUs.")
@click.option("--gates", type=FILE, help="JSON file with gates.")
@click.option(
    "--meant",
    multiple=True,
    metavar="gained|lost:CLASS",
    callback=lambda _c, _p, words: _meant(words),
    help="A change of detections that is the purpose; several.",
)
@dry_run_option
@output_option
def create(
    app: str,
    image: str,
    conf: float,
    iou: float,
    max_det: int,
    threads: int,
    cpu_millis: int,
    memory_mb: int,
    gpus: int,
    vram_mb: int,
    mig: str | None,
    gates: Path | None,
    meant: tuple[tuple[str, str], ...],
    dry_run: bool,
    form: str,
    **further: Any,
) -> None:
    """Make a release; the same specification again is the same release."""
    import msgspec

    from yolodeploy.core.gates import Change
    from yolodeploy.core.release import Serving
    from yolodeploy.ops.catalog import create_release, gates_from, resources_of
    from yolodeploy.ops.home import home

    made = create_release(
        home(),
        app,
        image,
        serving=Serving(
            conf=conf,
            iou=iou,
            max_det=max_det,
            threads=threads,
            # what is not asked for stays out of the release's digest
            **{name: value for name, value in further.items() if value},
        ),
        resources=resources_of(cpu_millis, memory_mb, gpus, vram_mb, mig or ""),
        gates=gates_from(gates) if gates else None,
        meant=msgspec.convert(
            [{"kind": kind, "name": name} for kind, name in meant], tuple[Change, ...]
        ),
        dry_run=dry_run,
    )
    tell("done.release_made", dry_run=dry_run, release=made.alias, digest=short(made.digest))
    emit_one(_row(made), COLUMNS, form)


@release.command("list")
@click.option("--app", help="Only those of one app.")
@output_option
def list_(app: str | None, form: str) -> None:
    """List releases, newest first."""
    from yolodeploy.inventory.catalog import get_app
    from yolodeploy.inventory.connection import read_inventory
    from yolodeploy.inventory.releases import list_releases
    from yolodeploy.ops.home import home

    with read_inventory(home().inventory) as inventory:
        if app is not None:
            get_app(inventory, app)
        rows = list_releases(inventory, app)
    emit(rows, COLUMNS, form)


@release.command()
@click.argument("name")
@click.option("--site", help="A cluster: show exactly what is applied there, for kubectl.")
@output_option
def show(name: str, site: str | None, form: str) -> None:
    """Show a release's whole specification; NAME is APP@N or a digest."""
    import msgspec

    found = _release(name)
    if site is not None:
        from yolodeploy.ops.applied import applied
        from yolodeploy.ops.home import home

        emit_documents(applied(home(), site, found), form)
        return
    if form == "name":
        print_names([found.alias])
        return
    data = {"release": found.alias, "digest": found.digest, **msgspec.to_builtins(found.spec)}
    emit_data(data, "yaml" if form in ("table", "wide") else form)


@release.command()
@click.argument("old")
@click.argument("new")
@output_option
def diff(old: str, new: str, form: str) -> None:
    """Show what differs between two releases."""
    import msgspec

    before = _flat(msgspec.to_builtins(_release(old).spec))
    after = _flat(msgspec.to_builtins(_release(new).spec))
    rows = [
        (key, before.get(key), after.get(key))
        for key in sorted(before.keys() | after.keys())
        if before.get(key) != after.get(key)
    ]
    columns = [
        Column("field", "field", lambda row: row[0]),
        Column("old", old, lambda row: row[1], text=_leaf),
        Column("new", new, lambda row: row[2], text=_leaf),
    ]
    emit(rows, columns, form)


def _release(name: str) -> Release:
    from yolodeploy.inventory.releases import get_release

    return read(lambda inventory: get_release(inventory, name))


def _row(made: Release) -> ReleaseRow:
    """The row of a release; of one that would be made, as if that were now."""
    import time

    from yolodeploy.inventory.connection import read_inventory
    from yolodeploy.inventory.releases import ReleaseRow, list_releases
    from yolodeploy.ops.home import home

    with read_inventory(home().inventory) as inventory:
        rows = [row for row in list_releases(inventory, made.spec.app) if row.digest == made.digest]
    return rows[0] if rows else ReleaseRow(made, made.digest, time.time())


def _leaf(value: object) -> str:
    return short(value) if isinstance(value, str) and value.startswith("sha256:") else shown(value)


def _flat(value: object, path: str = "") -> dict[str, object]:
    """`{"serving.conf": 0.25, …}`: every leaf by its path."""
    if isinstance(value, dict):
        items = ((f"{path}.{key}" if path else str(key), item) for key, item in value.items())
    elif isinstance(value, list | tuple) and value and isinstance(value[0], dict):
        items = ((f"{path}[{index}]", item) for index, item in enumerate(value))
    else:
        return {path: value}
    return {key: leaf for name, item in items for key, leaf in _flat(item, name).items()}
