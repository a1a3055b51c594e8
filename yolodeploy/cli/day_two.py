"""`yolodeploy site`, day two: upgrade, backup, restore, renew, account."""

from __future__ import annotations

from pathlib import Path

import click

from yolodeploy.cli.output import yes_option
from yolodeploy.cli.plays import PlayOptions, perform, play_options
from yolodeploy.cli.telling import confirm, tell
from yolodeploy.cli.words import FILE

bundle_option = click.option("--bundle", type=FILE, help="A bundle with k3s and its images.")
parts_option = click.option("--parts", type=FILE, help="A folder with them, as a bundle has it.")
online_option = click.option(
    "--online", is_flag=True, help="The gateways fetch them from the internet."
)


def parts_named(bundle: Path | None, parts: Path | None) -> Path | None:
    """The folder with what the gateways get, where one was named.

    Raises:
        Everything of `parts_of_bundle`.
    """
    from yolodeploy.ops.home import home
    from yolodeploy.ops.provisioning import parts_of_bundle

    return parts_of_bundle(home(), bundle) if bundle is not None else parts


@click.command()
@click.argument("name")
@click.option("--k3s", default="", metavar="VERSION", help="The version. Default: the lock's.")
@bundle_option
@parts_option
@online_option
@click.option("--no-backup", is_flag=True, help="Make no backup before the first server.")
@click.option("--no-drain", is_flag=True, help="Leave pods where they are while k3s restarts.")
@click.option(
    "--at-once",
    type=click.IntRange(1, 16),
    default=2,
    show_default=True,
    help="How many agents at the same time, after the first.",
)
@yes_option
@play_options
def upgrade(
    name: str,
    k3s: str,
    bundle: Path | None,
    parts: Path | None,
    online: bool,
    no_backup: bool,
    no_drain: bool,
    at_once: int,
    yes: bool,
    options: PlayOptions,
) -> int:
    """Bring a k3s site to the version of the lock.

    Servers one by one, then one agent, which is proved, then the others. A node whose new version
    does not start goes on with the old one. Cut off, or killed, the same command goes on.
    """
    from yolodeploy.ops.home import home
    from yolodeploy.ops.upgrading import upgrade_of

    found = upgrade_of(
        home(), name, parts_named(bundle, parts), online=online, version=k3s,
        backup=not no_backup, drain=not no_drain, at_once=at_once,
    )  # fmt: skip
    before = found.site.k3s_version or "k3s"
    tell("done.upgrades", site=name, before=before, version=found.version)
    tell("done.upgrade_stops")
    if not options.dry_run:
        confirm("ask.site_upgrade", site=name, yes=yes, action="site upgrade")
    return perform(name, "upgrade.yml", options, variables=found.variables)


@click.command()
@click.argument("name")
@click.option(
    "--keep", type=click.IntRange(0, 1000), default=0, show_default=True,
    help="Keep this many backups of the site; 0 keeps all.",
)  # fmt: skip
@play_options
def backup(name: str, keep: int, options: PlayOptions) -> int:
    """Bring what a k3s site cannot be rebuilt from here.

    Datastore, tokens, keys, certificates, configuration: one file for you alone, because whoever
    has it has the site. Encrypt it before it leaves this machine.
    """
    from yolodeploy.ops.backing_up import backup_variables
    from yolodeploy.ops.home import home
    from yolodeploy.ops.replacing import first_server

    variables = backup_variables(home(), name, keep)
    tell("done.backup_stops")
    # an agent that cannot be reached is no reason to have no backup
    return perform(
        name, "backup.yml", options, variables=variables, devices=[first_server(home(), name)]
    )


@click.command()
@click.argument("name")
@click.argument("file", type=FILE, required=False)
@click.option("--from-another", is_flag=True, help="Take a backup of another site.")
@bundle_option
@parts_option
@yes_option
@play_options
def restore(
    name: str,
    file: Path | None,
    from_another: bool,
    bundle: Path | None,
    parts: Path | None,
    yes: bool,
    options: PlayOptions,
) -> int:
    """Make a k3s site what it was when it was backed up.

    Onto the same server, or onto one that was installed anew under its name. FILE is the newest
    backup where none is named. What has been made since is gone.
    """
    from yolodeploy.ops.backing_up import restore_variables
    from yolodeploy.ops.home import home
    from yolodeploy.ops.replacing import first_server

    variables = restore_variables(
        home(), name, file, parts_named(bundle, parts), from_another=from_another
    )
    tell("done.restores", file=variables["restore_file"])
    if not options.dry_run:
        known_anew(f"{name}/{first_server(home(), name)}", yes=yes)
        confirm("ask.site_restore", site=name, yes=yes, action="site restore")
    return perform(name, "restore.yml", options, variables=variables)


def known_anew(device: str, *, yes: bool) -> None:
    """Where the server was installed anew: show its keys, and pin the new one when that is meant.

    Raises:
        Everything of `look_at_new` and `pin_new`.
    """
    from yolodeploy.ops.home import home
    from yolodeploy.ops.replacing import look_at_new, pin_new

    found = look_at_new(home(), device, restoring=True)
    if not found.changed:
        return
    old, new = found.fingerprints
    tell("done.key_pinned", key=old)
    tell("done.key_shown", key=new)
    confirm("ask.key_shown", key=new, yes=yes, action="site restore")
    pin_new(home(), found)


@click.command()
@click.argument("name")
@click.option("--rotate", is_flag=True, help="Make all anew, however long they are good for.")
@play_options
def renew(name: str, rotate: bool, options: PlayOptions) -> int:
    """Renew the certificates of a k3s site.

    After a long time without power, or before one. The clock is looked at first; only nodes on
    which it is due are restarted, and pods go on.
    """
    return perform(name, "renew.yml", options, variables={"renew_rotate": rotate})


@click.command()
@click.argument("name")
@click.option(
    "--namespace", "namespaces", multiple=True, metavar="APP", help="Of an app; repeatable."
)
@click.option(
    "--days", type=click.IntRange(1, 3650), default=90, show_default=True,
    help="How long its token is good for.",
)  # fmt: skip
@play_options
def account(name: str, namespaces: tuple[str, ...], days: int, options: PlayOptions) -> int:
    """Make the account for day-to-day work on a k3s site.

    It works in the namespaces of apps that are named, sees nodes, and may do no more. Its
    kubeconfig comes here; `site tunnel` uses it from then on, and not the administrator's.
    """
    from yolodeploy.ops.accounts import account_variables
    from yolodeploy.ops.home import home
    from yolodeploy.ops.replacing import first_server

    variables = account_variables(home(), name, namespaces, days)
    return perform(
        name, "account.yml", options, variables=variables, devices=[first_server(home(), name)]
    )
