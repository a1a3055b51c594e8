"""`yolodeploy site lock`: pin what gateways get."""

from __future__ import annotations

from pathlib import Path

import click

from yolodeploy.cli.output import Column, dry_run_option, emit, output_option
from yolodeploy.cli.telling import tell
from yolodeploy.cli.words import FILE, ca_option, insecure_option
from yolodeploy.ops.download_places import K3S, TOOLKIT

k3s_from_option = click.option(
    "--k3s-from", default=K3S, show_default=True, help="Where k3s is published."
)
toolkit_from_option = click.option(
    "--toolkit-from", default=TOOLKIT, show_default=True, help="Where the toolkit is published."
)


@click.command()
@click.option("--k3s", default="", metavar="VERSION", help="Pin k3s, such as v1.34.9+k3s1.")
@click.option("--toolkit", default="", metavar="VERSION", help="Pin NVIDIA's container toolkit.")
@click.option(
    "--image",
    "images",
    multiple=True,
    metavar="NAME=[REPOSITORY:]TAG",
    help="Pin the image of an add-on by its digest; repeatable.",
)
@click.option("--file", type=FILE, help="Where to write. Default: lock.yml of the home folder.")
@k3s_from_option
@toolkit_from_option
@insecure_option
@ca_option
@dry_run_option
@output_option
def lock(
    k3s: str,
    toolkit: str,
    images: tuple[str, ...],
    file: Path | None,
    k3s_from: str,
    toolkit_from: str,
    insecure: bool,
    ca: Path | None,
    dry_run: bool,
    form: str,
) -> None:
    """Pin k3s and add-ons by digest. Needs the internet.

    Digests are those that their makers publish; what is not found changes nothing. Add-ons are
    device_plugin, gpu_feature_discovery, dcgm_exporter, proof_cuda and proof_cpu.
    """
    from yolodeploy.oci.registry.access import Access
    from yolodeploy.ops.home import home
    from yolodeploy.ops.site_lock import Wanted, lock_site

    wanted = Wanted(k3s, toolkit, images, k3s_from.rstrip("/"), toolkit_from.rstrip("/"))
    access = Access(insecure=insecure, ca=ca)
    pins = lock_site(home(), wanted, access, output=file, dry_run=dry_run)
    changed = sum(pin.before != pin.now for pin in pins)
    tell("done.pins_changed", dry_run=dry_run, changed=changed, all=len(pins))
    columns = [
        Column("entry", "entry", lambda pin: pin.entry),
        Column("before", "before", lambda pin: pin.before),
        Column("now", "now", lambda pin: pin.now),
    ]
    emit(pins, columns, form, longest=110)
