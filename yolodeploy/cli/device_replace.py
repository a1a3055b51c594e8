"""`yolodeploy device replace`: a gateway that was installed anew."""

from __future__ import annotations

from pathlib import Path

import click

from yolodeploy.cli.day_two import bundle_option, online_option, parts_named, parts_option
from yolodeploy.cli.output import yes_option
from yolodeploy.cli.plays import PlayOptions, perform, play_options
from yolodeploy.cli.telling import confirm, tell


@click.command()
@click.argument("name")
@bundle_option
@parts_option
@online_option
@yes_option
@play_options
def replace(
    name: str,
    bundle: Path | None,
    parts: Path | None,
    online: bool,
    yes: bool,
    options: PlayOptions,
) -> int:
    """Take in a gateway that was installed anew.

    It shows another key, and its cluster refuses it: both are forgotten, and it becomes the device
    of that name again, with its labels and the sharing of its GPUs.
    """
    from yolodeploy.ops.home import home
    from yolodeploy.ops.provisioning import replacing_variables
    from yolodeploy.ops.replacing import look_at_new, pin_new

    found = look_at_new(home(), name)
    named = parts_named(bundle, parts)
    variables = replacing_variables(home(), found.row.site, found.row.name, named, online=online)
    old, new = found.fingerprints
    if found.changed:
        tell("done.key_pinned", key=old)
        tell("done.key_shown", key=new)
    if options.dry_run:
        tell("done.device_anew", device=found.row.name, site=found.row.site)
        return 0
    confirm("ask.key_shown_anew", key=new, yes=yes, action="device replace")
    pin_new(home(), found)
    return perform(
        found.row.site, "replace.yml", options, variables=variables, devices=found.devices
    )
