"""`yolodeploy device replace`: a gateway that was installed anew."""

from __future__ import annotations

from pathlib import Path

import click

from yolodeploy.cli.day_two import bundle_option, online_option, parts_named, parts_option
from yolodeploy.cli.output import confirm, say, yes_option
from yolodeploy.cli.plays import PlayOptions, perform, play_options


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
    from yolodeploy.ops.provisioning import provision_variables
    from yolodeploy.ops.replacing import look_at_new, pin_new

    found = look_at_new(home(), name)
    variables, _ = provision_variables(home(), parts_named(bundle, parts), online=online)
    old, new = found.fingerprints
    if found.changed:
        say(f"pinned: {old}\nshown:  {new}")
    if options.dry_run:
        say(f"device {found.row.name} of site {found.row.site} would be taken in anew")
        return 0
    question = f"Is {new} what its own console says, and is what it was gone?"
    confirm(question, yes=yes, action="device replace")
    pin_new(home(), found)
    variables["replace_devices"] = [found.row.name]
    return perform(
        found.row.site, "replace.yml", options, variables=variables, devices=found.devices
    )
