"""`yolodeploy completion`: what a shell needs to complete our commands."""

from __future__ import annotations

import click

from yolodeploy.cli.telling import said


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script: eval "$(yolodeploy completion bash)"."""
    from click.shell_completion import get_completion_class

    from yolodeploy.cli.main import yolodeploy

    found = get_completion_class(shell)
    if found is None:
        raise click.UsageError(said("usage.no_completion", shell=shell))
    click.echo(found(yolodeploy, {}, "yolodeploy", "_YOLODEPLOY_COMPLETE").source())
