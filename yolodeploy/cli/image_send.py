"""`yolodeploy image send`: an image to devices over SSH."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from yolodeploy.cli.output import Column, dry_run_option, emit, output_option, size
from yolodeploy.cli.plays import ask_password_option, asked
from yolodeploy.cli.telling import tell
from yolodeploy.cli.words import FILE

if TYPE_CHECKING:
    from yolodeploy.images.sending.delivery import Delivered
    from yolodeploy.ops.sending import Sent


@click.command()
@click.argument("name", metavar="IMAGE")
@click.argument(
    "devices", nargs=-1, required=True, metavar="DEVICE|SITE|[ssh://][USER@]HOST[:PORT]…"
)
@click.option(
    "--as",
    "target",
    default="",
    metavar="HOST/REPOSITORY[:TAG]",
    help="Its name there, as pods ask for it. Default: the setting registry, or localhost, and "
    "the image's name.",
)
@click.option("--limit", default="", metavar="RATE", help="For all devices together: 8mbit, 1MB/s.")
@click.option(
    "--at-once",
    type=click.IntRange(1, 64),
    default=4,
    show_default=True,
    help="How many devices at the same time.",
)
@click.option("--identity", type=FILE, help="The key to log in with. Default: as ssh does.")
@ask_password_option
@click.option("--detach", is_flag=True, help="Start it and return.")
@dry_run_option
@output_option
def send(
    name: str,
    devices: tuple[str, ...],
    target: str,
    limit: str,
    at_once: int,
    identity: Path | None,
    ask_password: bool,
    detach: bool,
    dry_run: bool,
    form: str,
) -> None:
    """Bring an image to devices over SSH: only what each lacks.

    It goes into their containerd.

    Cut off, or killed, the same command goes on where it stopped. A device that cannot be reached
    does not keep the others from it.
    """
    from yolodeploy.cli.sending import Narrator
    from yolodeploy.ops.home import home
    from yolodeploy.ops.send_wish import wish
    from yolodeploy.ops.sending import send_image, start_send

    wanted = wish(
        home(), name, devices, name=target, limit=limit, devices_at_once=at_once, identity=identity
    )
    password = asked(login=ask_password, sudo=False).login
    if detach and not dry_run:
        operation = start_send(home(), wanted, password)
        tell("done.follow", operation=operation)
        emit([operation], [Column("operation", "operation", str)], form)
        return
    narrator = Narrator(dry_run=dry_run)
    try:
        sent = send_image(home(), wanted, dry_run=dry_run, watcher=narrator, password=password)
    finally:
        narrator.end()
    if any(one.error is None for one in sent.devices):
        tell("done.image_sent", dry_run=dry_run, image=sent.reference, digest=sent.digest)
    emit(sent.devices, _columns(sent), form)
    sent.check()


def _columns(sent: Sent) -> list[Column]:
    return [
        Column("device", "device", lambda one: one.device),
        Column("address", "address", lambda one: one.address, wide=True),
        Column("state", "state", lambda one: one.state.value, words=True),
        Column("present_bytes", "present", lambda one: one.present_bytes, text=size),
        Column("staged_bytes", "staged", lambda one: one.staged_bytes, text=size),
        Column("to_send_bytes", "to send", lambda one: one.to_send_bytes, text=size),
        Column("moved_bytes", "moved", lambda one: one.moved_bytes, text=size),
        Column("error", "error", lambda one: one.error.code if one.error else ""),
        Column("reason", "", lambda one: one.error.text() if one.error else ""),
        Column("parts", "", _parts),
        Column("image", "", lambda _one: sent.digest),
        Column("reference", "", lambda _one: str(sent.reference)),
    ]


def _parts(one: Delivered) -> list[dict[str, object]]:
    return [
        {
            "part": part.kind,
            "digest": part.blob.digest,
            "size_bytes": part.size_bytes,
            "action": part.fate.value,
            "moved_bytes": part.moved_bytes,
            "resumed_bytes": part.resumed_bytes,
        }
        for part in one.parts
    ]
