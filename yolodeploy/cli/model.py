"""`yolodeploy model`: trained models."""

from __future__ import annotations

from pathlib import Path

import click

from yolodeploy.cli.output import (
    Column,
    dry_run_option,
    emit,
    emit_one,
    moment,
    output_option,
    say,
    size,
)
from yolodeploy.cli.reading import read
from yolodeploy.cli.words import FILE
from yolodeploy.core.digests import short

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


@click.group()
def model() -> None:
    """Trained models: ONNX files with their metadata, named by digest."""


@model.command()
@click.argument("file", type=FILE)
@click.option("--name", default="", help="Default: from the file's name.")
@dry_run_option
@output_option
def add(file: Path, name: str, dry_run: bool, form: str) -> None:
    """Take an ONNX file in.

    It is probed in a process of its own, and a copy of it is kept.
    """
    from yolodeploy.ops.catalog import add_model
    from yolodeploy.ops.home import home

    row = add_model(home(), file, name, dry_run=dry_run)
    say(f"model {row.name} {'would be' if dry_run else 'is'} added")
    emit_one(row, COLUMNS, form)


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
    emit_one(row, COLUMNS, form)
