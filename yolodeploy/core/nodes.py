"""What a cluster says of its nodes and of itself, beyond which of them are ready.

Nothing is made up: what an account may not read, or nobody measures, is None or empty.
"""

from __future__ import annotations

import msgspec


class NodeFigures(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One node: its capacity, and without that word what of it pods may have.

    `gpus` are shares where `sharing` says how one is shared.
    `cpu_used_millis` and `memory_used_mb` are the cluster's own measurements (metrics-server),
    `gpu_memory_mb` is what our servers there say they take.
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


class ClusterFigures(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One cluster. `waiting` are pods that no node has, with the reason.

    Ends are Unix seconds: of the API server's certificate, and of the token that we show it.
    """

    waiting: tuple[str, ...] = ()
    certificate_ends: float | None = None
    token_ends: float | None = None


def node_text(node: NodeFigures | None) -> str:
    """`v1.36.2+k3s1, CPU 0.4 of 8, 3.1 of 15.6 GB, 2 GPUs (L4, time-slicing), DiskPressure`."""
    if node is None:
        return "-"
    cpu = _of(node.cpu_used_millis, node.cpu_millis, 1000)
    memory = _of(node.memory_used_mb, node.memory_mb, 1024)
    words = [node.kubelet, f"CPU {cpu}", f"{memory} GB"]
    if node.gpus_capacity:
        kind = ", ".join(filter(None, (node.gpu, node.sharing)))
        words.append(f"{node.gpus} GPU" + (f" ({kind})" if kind else ""))
    if node.gpu_memory_mb is not None:
        words.append(f"{node.gpu_memory_mb / 1024:.1f} GB on the GPU")
    return ", ".join(filter(None, [*words, *node.pressures]))


def _of(used: int | None, whole: int, unit: int) -> str:
    text = f"{whole / unit:.3g}"
    return text if used is None else f"{used / unit:.2g} of {text}"
