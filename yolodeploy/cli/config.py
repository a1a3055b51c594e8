"""`yolodeploy config`: settings, where each comes from, and changing them."""

from __future__ import annotations

import click

from yolodeploy.cli.output import Column, dry_run_option, emit, output_option
from yolodeploy.cli.telling import tell


@click.group()
def config() -> None:
    """Settings: flag, then environment (YOLODEPLOY_NAME), then config.toml, then default."""


@config.command()
@output_option
def show(form: str) -> None:
    """Show every setting in force, and where it comes from."""
    from yolodeploy.ops.settings import SETTINGS, settings

    columns = [
        Column("setting", "setting", lambda item: item.name),
        Column("value", "value", lambda item: item.value),
        Column("source", "source", lambda item: item.source),
        Column("expected", "expected", lambda item: SETTINGS[item.name].expected, wide=True),
        Column("purpose", "purpose", lambda item: SETTINGS[item.name].purpose),
    ]
    emit(settings().values(), columns, form)


@config.command("set")
@click.argument("name")
@click.argument("value")
@dry_run_option
def set_(name: str, value: str, dry_run: bool) -> None:
    """Write a setting to config.toml."""
    from yolodeploy.ops.settings import set_value

    path = set_value(name, value, dry_run=dry_run)
    code = "done.setting_would_go" if dry_run else "done.setting"
    tell(code, name=name, value=value, path=path)


@config.command()
def validate() -> None:
    """Check config.toml and the environment."""
    from yolodeploy.ops.settings import config_path, settings

    settings()
    tell("done.settings_valid", path=config_path())


@config.command()
def path() -> None:
    """Print where config.toml is looked for."""
    from yolodeploy.ops.settings import config_path

    click.echo(str(config_path()))
