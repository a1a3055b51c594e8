"""`yolodeploy image sbom|sign|verify`: what is in an image, and who stands for it."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import click

from yolodeploy.cli.output import Column, dry_run_option, emit_one, output_option
from yolodeploy.cli.telling import tell
from yolodeploy.cli.words import FILE
from yolodeploy.core.digests import short


class _Judged(NamedTuple):
    image: str
    digest: str
    key: str


_COLUMNS = [
    Column("image", "image", lambda row: row.image),
    Column("digest", "digest", lambda row: row.digest),
    Column("key", "key", lambda row: row.key),
]


@click.command()
@click.argument("name")
def sbom(name: str) -> None:
    """Print an image's list of parts, as CycloneDX JSON.

    As its layers have them: Debian's packages, Python's, our server, the model with its digest and
    licence. The same image gives the same text. image push --sbom puts it beside the image.
    """
    from yolodeploy.ops.home import home
    from yolodeploy.ops.provenance import image_sbom

    click.echo(image_sbom(home(), name), nl=False)


@click.command()
@click.argument("name")
@click.option("--key", required=True, help="Private key: a file, or what else cosign takes.")
@click.option(
    "--password-file", type=FILE, help="File with the key's password. Default: cosign asks."
)
@click.option(
    "--as", "reference", default="", metavar="HOST/REPOSITORY",
    help="What the image will be pulled as; podman's policies ask for it.",
)  # fmt: skip
@dry_run_option
@output_option
def sign(
    name: str, key: str, password_file: Path | None, reference: str, dry_run: bool, form: str
) -> None:
    """Have cosign sign an image.

    image push takes the signature along. cosign 3 or newer must be installed; nothing is sent
    anywhere.
    """
    from yolodeploy.ops.home import home
    from yolodeploy.ops.provenance import sign_image

    digest = sign_image(home(), name, key, password_file, reference, dry_run=dry_run)
    tell("done.image_signed", dry_run=dry_run, image=name, digest=short(digest))
    emit_one(_Judged(name, digest, ""), _COLUMNS[:2], form)


@click.command()
@click.argument("name")
@click.option("--key", type=FILE, required=True, help="Public key, as PEM: cosign.pub.")
@output_option
def verify(name: str, key: Path, form: str) -> None:
    """See whether the holder of a key has signed an image. Needs neither cosign nor a network.

    app create --signed-by makes it a condition of an app's releases.
    """
    from yolodeploy.ops.home import home
    from yolodeploy.ops.provenance import verify_image

    digest, found = verify_image(home(), name, key)
    tell("done.image_signed_by", image=name, digest=short(digest), key=short(found.digest))
    emit_one(_Judged(name, digest, found.digest), _COLUMNS, form)


COMMANDS = (sbom, sign, verify)
