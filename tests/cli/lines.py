"""One command line of every command, for tests that ask all of them the same."""

from __future__ import annotations

from collections.abc import Iterator

import click

from yolodeploy.cli.main import yolodeploy

# they read or change the inventory, and so cannot do without one
NEED_INVENTORY = (
    "status",
    "status --refresh",
    "device list",
    "device show d1",
    "device add g1 root@127.0.0.1:1 --site plant",
    "device import {devices} --site plant",
    "device remove d1 --yes",
    "device edit d1 --label a=b",
    "device find",
    "device replace d1 --online --yes",
    "device hold d1 --reason shift",
    "device unhold d1",
    "site list",
    "site show plant",
    "site edit plant --label a=b",
    "site window plant",
    "site remove plant --yes",
    "site proxy plant --none",
    "site provision plant --online",
    "site reset plant --yes",
    "site tunnel plant",
    "site shell plant",
    "site upgrade plant --online --yes",
    "site backup plant",
    "site restore plant --yes",
    "site renew plant",
    "site account plant",
    "site hold plant --reason shift",
    "site unhold plant",
    "gpu show",
    "gpu share plant --exclusive",
    "model list",
    "model show m",
    "model compare m n --frames {tmp}",
    "image build m",
    "image push m 127.0.0.1:1/a",
    "image list",
    "image show m",
    "image send m nobody@127.0.0.1:1",
    "image index x --of m",
    "image remove m --yes",
    "image prune",
    "image sbom m",
    "image sign m --key cosign.key",
    "image verify m --key cosign.pub",
    "bundle create {tmp}/x.tar --image m",
    "app list",
    "app show brake-disc",
    "app scale brake-disc",
    "app expose brake-disc",
    "app place brake-disc",
    "app limit brake-disc",
    "release create brake-disc --image m",
    "release create brake-disc --image m --meant gained:scratch --meant lost:dent",
    "release list",
    "release show brake-disc@1",
    "release diff brake-disc@1 brake-disc@2",
    "rollout plan brake-disc@1",
    "rollout start brake-disc@1",
    "camera add door --site plant --url rtsp://camera.plant/1",
    "camera edit door --site plant --fps 2",
    "camera remove door --site plant --yes",
    "camera list",
    "camera show door --site plant",
    "camera history plant",
    "camera undo plant",
    "rollout list",
    "rollout status r-1",
    "rollout watch r-1",
    "rollout pause r-1",
    "rollout resume r-1",
    "rollout approve r-1 --yes",
    "rollout abort r-1 --yes",
    "rollout undo r-1 --yes",
    "latency",
    "metrics --listen 127.0.0.1:0",
    "events",
    "logs",
    "detect {picture}",
    "operations",
    "operations list",
    "operations follow op-1",
    "operations cancel op-1",
    "controller status",
    "inventory check",
    "inventory backup {tmp}/backup.db",
    "inventory export {tmp}/exported",
    "inventory prune",
)
# they make an inventory where there is none, or do without
NEED_NONE = (
    "site create x",
    "site adopt x",
    "site adopt x --context nowhere --kubeconfig {tmp}/absent",
    "site lock --k3s v1.34.9+k3s1 --k3s-from http://127.0.0.1:1",
    "site fetch {tmp}/parts",
    "site start plant",
    "site stop plant --yes",
    "model add {model}",
    "image pull 127.0.0.1:1/a:b",
    "image build-base cpu",
    "image lock cpu",
    "bundle verify {tmp}/absent.tar",
    "bundle apply {tmp}/absent.tar --no-containerd",
    "bundle show {tmp}/absent.tar",
    "app create weld",
    "inventory restore {tmp}/absent.db --yes",
    "doctor",
    "controller notify",
    "controller unit",
    "config show",
    "config set concurrency 3",
    "config validate",
    "config path",
    "completion bash",
    "camera test {tmp}/absent.mp4",
)
ELSEWHERE = {"quickstart", "serve", "controller"}


def commands(
    command: click.Command = yolodeploy, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command of the tree with the words that lead to it."""
    if path:
        yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from commands(found, (*path, name))


LEAVES = {
    " ".join(path): command
    for path, command in commands()
    if not isinstance(command, click.Group) or command.invoke_without_command
}


def takes(option: str) -> set[str]:
    """The commands that have an option, by the name of its parameter."""
    return {
        path for path, command in LEAVES.items() if any(p.name == option for p in command.params)
    }
