"""`yolodeploy site fetch`: bring what gateways get from no network."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from yolodeploy.cli.output import Column, dry_run_option, emit, output_option, size
from yolodeploy.cli.site_lock import k3s_from_option, toolkit_from_option
from yolodeploy.cli.telling import tell
from yolodeploy.cli.words import FILE, ca_option, insecure_option
from yolodeploy.ops.download_places import ARCHITECTURES

if TYPE_CHECKING:
    from yolodeploy.core.errors import YolodeployError


@click.command()
@click.argument("folder", type=FILE)
@click.option(
    "--arch",
    "arches",
    multiple=True,
    type=click.Choice(ARCHITECTURES),
    default=("amd64",),
    show_default=True,
    help="Of the gateways; repeatable.",
)
@k3s_from_option
@toolkit_from_option
@insecure_option
@ca_option
@dry_run_option
@output_option
def fetch(
    folder: Path,
    arches: tuple[str, ...],
    k3s_from: str,
    toolkit_from: str,
    insecure: bool,
    ca: Path | None,
    dry_run: bool,
    form: str,
) -> None:
    """Bring what the lock names into FOLDER, for offline sites.

    Needs the internet. The folder is for `site provision --parts` and `bundle create --parts`. Cut
    off, or killed, the same command goes on where it stopped.
    """
    from yolodeploy.cli.transfers import ChangingLine
    from yolodeploy.oci.registry.access import Access
    from yolodeploy.oci.registry.tally import Tally
    from yolodeploy.ops.home import home
    from yolodeploy.ops.part_fetching import fetch_parts

    line = ChangingLine(None)

    def heard(moved: int, errors: Iterable[YolodeployError]) -> None:
        for error in errors:
            line.again(error)
        line.moved(moved)

    try:
        brought = fetch_parts(
            home(), folder, arches, Access(insecure=insecure, ca=ca),
            k3s_from=k3s_from.rstrip("/"), toolkit_from=toolkit_from.rstrip("/"),
            dry_run=dry_run, tally=Tally(heard),
        )  # fmt: skip
    finally:
        line.end()
    moved = sum(one.moved_bytes for one in brought)
    told = {"folder": folder, "parts": len(brought), "size": size(moved)}
    tell("done.parts_fetched", dry_run=dry_run, **told)
    columns = [
        Column("part", "part", lambda one: one.part),
        Column("present", "present", lambda one: one.present),
        Column("moved_bytes", "moved", lambda one: one.moved_bytes, text=size),
        Column("source", "from", lambda one: one.source, wide=True),
    ]
    emit(brought, columns, form)
