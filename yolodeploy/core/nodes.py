"""What a cluster says of its nodes and of itself, beyond which of them are ready.

Nothing is made up: what an account may not read, or nobody measures, is None or empty.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec


class GpuLoad(msgspec.Struct, frozen=True, omit_defaults=True):
    """One GPU, or one slice of it, as a whole: what all processes use of its memory (MiB).

    `busy` is the share of the last moment in which it worked, 0 to 1. None: it does not tell.
    """

    uuid: str
    memory_mb: float | None = None
    used_mb: float | None = None
    busy: float | None = None


class DeviceLoad(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a server sees of the device that it runs on, whoever uses it: by the device's kernel."""

    cpu_used_millis: int | None = None
    memory_used_mb: int | None = None
    gpus: tuple[GpuLoad, ...] = ()


class NodeFigures(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One node: its capacity, and without that word what of it pods may have.

    `gpus` are shares where `sharing` says how one is shared. `cpu_used_millis` and
    `memory_used_mb` are the cluster's own measurements (metrics-server), else what a server of ours
    there sees of its device (`DeviceLoad`). `gpu_used_mb` is what all processes use of
    `gpu_total_mb`, of the GPUs that DCGM's exporter tells of, else of those that our servers there
    see; `gpu_busy` the mean of them; `gpu_memory_mb` what our servers say they take themselves.
    """

    kubelet: str = ""
    pressures: tuple[str, ...] = ()
    cpu_capacity_millis: int = 0
    cpu_millis: int = 0
    cpu_used_millis: int | None = None
    memory_capacity_mb: int = 0
    memory_mb: int = 0
    memory_used_mb: int | None = None
    pods: int = 0
    gpus_capacity: int = 0
    gpus: int = 0
    gpu: str = ""
    sharing: str = ""
    gpu_memory_mb: float | None = None
    gpu_used_mb: float | None = None
    gpu_total_mb: float | None = None
    gpu_busy: float | None = None


class ClusterFigures(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One cluster. `waiting` are pods that no node has, with the reason.

    Ends are Unix seconds: of the API server's certificate, and of the token or the certificate that
    we show it. `credentials` is which: `token`, `certificate`, `program` (a plug-in of the
    kubeconfig, whose tokens have no end that matters), `password` or empty.
    `unseen` is what this account may not list, and what therefore is guessed or missing.
    """

    waiting: tuple[str, ...] = ()
    certificate_ends: float | None = None
    token_ends: float | None = None
    client_ends: float | None = None
    credentials: str = ""
    unseen: tuple[str, ...] = ()

    @property
    def account_ends(self) -> float | None:
        """Until when the site lets us in; None where that is not known."""
        return self.token_ends if self.client_ends is None else self.client_ends


def with_gpus(node: NodeFigures, gpus: Iterable[GpuLoad]) -> NodeFigures:
    """How full GPUs are, each counted once, whoever tells of it."""
    known = list({gpu.uuid: gpu for gpu in gpus}.values())
    used = [gpu.used_mb for gpu in known if gpu.used_mb is not None]
    whole = [gpu.memory_mb for gpu in known if gpu.memory_mb is not None]
    busy = [gpu.busy for gpu in known if gpu.busy is not None]
    return msgspec.structs.replace(
        node,
        gpu_used_mb=sum(used) if used else None,
        gpu_total_mb=sum(whole) if whole else None,
        gpu_busy=sum(busy) / len(busy) if busy else None,
    )


def with_loads(node: NodeFigures, loads: Sequence[DeviceLoad]) -> NodeFigures:
    """What is known of a node by our servers there, where nobody measures it better."""
    if node.gpu_used_mb is None:
        node = with_gpus(node, (gpu for load in loads for gpu in load.gpus))
    if node.cpu_used_millis is not None or node.memory_used_mb is not None:
        return node
    cpu = [load.cpu_used_millis for load in loads if load.cpu_used_millis is not None]
    memory = [load.memory_used_mb for load in loads if load.memory_used_mb is not None]
    # servers look at the same device in different moments: the fuller one is the safer word
    return msgspec.structs.replace(
        node,
        cpu_used_millis=max(cpu, default=None),
        memory_used_mb=max(memory, default=None),
    )


def node_text(node: NodeFigures | None) -> str:
    """`v1.36.2+k3s1, CPU 0.4 of 8, 3.1 of 15.6 GB, 2 GPU (L4, time-slicing), DiskPressure`."""
    if node is None:
        return "-"
    cpu = _of(node.cpu_used_millis, node.cpu_millis, 1000)
    memory = _of(node.memory_used_mb, node.memory_mb, 1024)
    words = [node.kubelet, cpu and f"CPU {cpu}", memory and f"{memory} GB"]
    if node.gpus_capacity:
        kind = ", ".join(filter(None, (node.gpu, node.sharing)))
        words.append(f"{node.gpus} GPU" + (f" ({kind})" if kind else ""))
    return ", ".join(filter(None, [*words, _gpu_text(node), *node.pressures])) or "-"


def _gpu_text(node: NodeFigures) -> str:
    """`3.2 of 22.5 GB on the GPU (ours 1.5), busy 40 %`."""
    ours = node.gpu_memory_mb
    if node.gpu_used_mb is None:
        return "" if ours is None else f"{ours / 1024:.1f} GB on the GPU"
    text = f"{node.gpu_used_mb / 1024:.1f}"
    if node.gpu_total_mb:
        text += f" of {node.gpu_total_mb / 1024:.1f}"
    text += " GB on the GPU" + ("" if ours is None else f" (ours {ours / 1024:.1f})")
    return text if node.gpu_busy is None else f"{text}, busy {round(100 * node.gpu_busy)} %"


def _of(used: int | None, whole: int, unit: int) -> str:
    """Empty where neither is known."""
    words = [
        f"{used / unit:.2g}" if used is not None else "",
        f"{whole / unit:.3g}" if whole else "",
    ]
    return " of ".join(filter(None, words))
