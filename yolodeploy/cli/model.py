"""`yolodeploy model`: trained models."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from yolodeploy.cli.output import (
    Column,
    dry_run_option,
    emit,
    emit_one,
    moment,
    output_option,
    size,
)
from yolodeploy.cli.reading import read
from yolodeploy.cli.telling import said, tell
from yolodeploy.cli.words import FILE, Figure
from yolodeploy.core.digests import short

if TYPE_CHECKING:
    from yolodeploy.ops.model_intake import IntakeWish, Taken

COLUMNS = [
    Column("model", "model", lambda row: row.name),
    Column("task", "task", lambda row: row.facts.task),
    Column("classes", "classes", lambda row: list(row.facts.classes)),
    Column("input", "input", lambda row: f"{row.facts.width}x{row.facts.height}"),
    Column("size_bytes", "size", lambda row: row.facts.size_bytes, text=size),
    Column("digest", "digest", lambda row: row.facts.digest, text=short),
    Column("stride", "stride", lambda row: row.facts.stride, wide=True),
    Column("opset", "opset", lambda row: row.facts.opset, wide=True),
    Column("license", "licence", lambda row: row.facts.license, wide=True),
    Column("producer", "producer", lambda row: row.facts.producer, wide=True),
    Column("added_at", "added", lambda row: row.added_at, wide=True, text=moment),
]
# of one model the whole digest
SHOWN = [one._replace(text=None) if one.key == "digest" else one for one in COLUMNS]
ASPECT = "16:9"  # of most cameras


@click.group()
def model() -> None:
    """Trained models: ONNX files with their metadata, named by digest."""


@model.command()
@click.argument("file", type=FILE)
@click.option("--name", default="", help="Default: from the file's name.")
@click.option(
    "--size",
    "side",
    type=click.IntRange(1, 8192),
    metavar="PIXELS",
    help="Longer side of the input. Default: as it was trained.",
)
@click.option(
    "--aspect", metavar="WIDTH:HEIGHT", help=f"Of the input: the camera's. Default: {ASPECT}."
)
@click.option(
    "--for",
    "target",
    type=click.Choice(["cpu", "gpu"]),
    help="For a GPU the batch is left open. Default: cpu.",
)
@click.option("--half", is_flag=True, help="Float16: half the size, for GPUs.")
@click.option("--int8", is_flag=True, help="Integers, calibrated on --frames.")
@click.option("--frames", type=FILE, metavar="FOLDER", help="Typical pictures, for --int8.")
@click.option(
    "--accept-difference", is_flag=True, help="Take INT8 although it does not find what f32 finds."
)
@click.option("--nms", is_flag=True, help="Put the suppression of doubles into the model.")
@click.option(
    "--end-to-end",
    is_flag=True,
    help="Take the head that needs no suppression, of families that have one.",
)
@dry_run_option
@output_option
def add(file: Path, name: str, dry_run: bool, form: str, **asked: Any) -> None:  # fmt: skip
    """Take a model in: an ONNX file, or a .pt to be exported.

    Export and probe run in processes of their own, and what a .pt holds as code is never run. The
    options but --int8 and --frames are for .pt files. A copy of the model is kept.
    """
    from yolodeploy.ops.home import home
    from yolodeploy.ops.model_intake import take_in

    def step(what: str) -> None:
        tell(f"progress.model_{what}", model=name or file.stem)

    taken = take_in(home(), file, name, _wish(file, **asked), dry_run=dry_run, step=step)
    _tell(taken, dry_run)
    emit_one(taken.row, COLUMNS, form)


def _wish(
    file: Path,
    side: int | None,
    aspect: str | None,
    target: str | None,
    half: bool,
    int8: bool,
    frames: Path | None,
    accept_difference: bool,
    nms: bool,
    end_to_end: bool,
) -> IntakeWish:
    from yolodeploy.core.errors import UsageError
    from yolodeploy.images.exporting import ExportWish
    from yolodeploy.ops.model_intake import IntakeWish, is_checkpoint

    given = {
        "--size": side, "--aspect": aspect, "--for": target, "--half": half, "--nms": nms,
        "--end-to-end": end_to_end,
    }  # fmt: skip
    if not is_checkpoint(file):
        for option, value in given.items():
            if value:
                raise UsageError("export.not_for_onnx", option=option)
    if nms and end_to_end:
        raise click.UsageError(said("usage.exclude", one="--nms", other="--end-to-end"))
    export = ExportWish(
        side=side or 0,
        aspect=_aspect(aspect or ASPECT),
        dynamic=target == "gpu",
        half=half,
        nms=nms,
        end_to_end=end_to_end,
    )
    return IntakeWish(export, int8, frames, accept_difference)


def _aspect(text: str) -> tuple[int, int]:
    width, _, height = text.partition(":")
    if not all(
        part.isascii() and part.isdigit() and 1 <= int(part) <= 99 for part in (width, height)
    ):
        raise click.BadParameter(
            said("usage.aspect", given=repr(text)),
            param_hint="--aspect",
        )
    return int(width), int(height)


def _tell(taken: Taken, dry_run: bool) -> None:
    if taken.comparison is not None:
        code = "done.model_int_whole" if taken.kept == "nothing" else "done.model_int"
        tell(code, kept=taken.kept, differs=taken.comparison.differs)
    tell("done.model_added", dry_run=dry_run, model=taken.row.name)


@model.command("list")
@output_option
def list_(form: str) -> None:
    """List models."""
    from yolodeploy.inventory.catalog import list_models

    rows = read(list_models)
    emit(rows, COLUMNS, form)


@model.command()
@click.argument("name")
@output_option
def show(name: str, form: str) -> None:
    """Show one model, by name or digest."""
    from yolodeploy.inventory.catalog import get_model

    row = read(lambda inventory: get_model(inventory, name))
    emit_one(row, SHOWN, form)


@model.command()
@click.argument("a")
@click.argument("b")
@click.option("--frames", type=FILE, required=True, metavar="FOLDER", help="Pictures; no labels.")
@click.option(
    "--conf",
    type=Figure(0.01, 1),
    default=0.25,
    show_default=True,
    help="Least score of a box.",
)
@click.option(
    "--most",
    type=click.IntRange(1, 100_000),
    default=200,
    show_default=True,
    help="Pictures at most.",
)
@output_option
def compare(a: str, b: str, frames: Path, conf: float, most: int, form: str) -> None:  # fmt: skip
    """Say how B differs from A on the same pictures.

    Each is a model's name or digest, or an ONNX file.
    """
    from yolodeploy.cli.model_comparison import Counter, print_comparison
    from yolodeploy.ops.home import home
    from yolodeploy.ops.model_comparison import compare_models

    counter = Counter()
    try:
        found = compare_models(home(), a, b, frames, conf=conf, most=most, frame=counter.heard)
    finally:
        counter.end()
    print_comparison(found, a, b, form)
