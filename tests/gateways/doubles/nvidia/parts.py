"""What a `site_parts` folder needs beside the double of k3s where nodes have GPUs."""

from __future__ import annotations

from pathlib import Path

import yaml

from tests.gateways.doubles.nvidia import packages
from tests.gateways.doubles.parts import busybox, images

PLUGIN = "edge.local/nvidia/k8s-device-plugin"
PROOF = "edge.local/nvidia/cuda-sample"
# as NVIDIA's sample speaks (cuda-samples, vectorAdd)
_SAMPLE = b"""#!/bin/sh
# DOUBLE of vectorAdd
echo "[Vector addition of 50000 elements]"
ls /dev/nvidia[0-9]* >/dev/null 2>&1 || {
  echo "Failed to allocate device vector A (error code no CUDA-capable device is detected)!"
  exit 1; }
echo "CUDA kernel launch with 196 blocks of 256 threads"
echo "Test PASSED"
echo "Done"
"""
_WRONG = _SAMPLE.replace(b"Test PASSED", b"Result verification failed at element 7!")
_FAILING = _SAMPLE.replace(b'echo "Test PASSED"', b"exit 1")
# the init container looks once; the others stay until they are told to go
_STAYS = b"""#!/bin/sh
# DOUBLE: it only stays
[ "$ONESHOT" = true ] && exit 0
[ "$1" = mount-shm ] && exit 0
trap 'exit 0' TERM
while true; do sleep 1; done
"""


def nvidia_parts(folder: Path) -> Path:
    """Add packages and images to a folder that `parts` made, and their digests to its lock."""
    tree = busybox()
    plugin = {
        **tree,
        **{f"usr/bin/{name}": _STAYS for name in
           ("config-manager", "nvidia-device-plugin", "mps-control-daemon")},
    }  # fmt: skip
    trees = {f"{PLUGIN}:1": plugin} | {
        f"{PROOF}:{name}": {**tree, "cuda-samples/sample": program}
        for name, program in (("1", _SAMPLE), ("wrong", _WRONG), ("failing", _FAILING))
    }
    digests = images(folder / "images/nvidia.tar", trees)
    lock = yaml.safe_load((folder / "lock.yml").read_text())
    toolkit = packages.toolkit(folder / "nvidia")
    lock["nvidia_container_toolkit"] = {"version": packages.TOOLKIT, "sha256": toolkit}
    lock["nvidia_driver"] = {"sha256": packages.driver(folder / "nvidia-driver")}
    lock["images"]["device_plugin"] = f"{PLUGIN}@{digests[f'{PLUGIN}:1']}"
    lock["images"]["proof_cuda"] = f"{PROOF}@{digests[f'{PROOF}:1']}"
    # what must not pass for a proof: another sum, and a pod that exits with 1
    lock["other_proofs"] = {
        name: f"{PROOF}@{digests[f'{PROOF}:{name}']}" for name in ("wrong", "failing")
    }
    (folder / "lock.yml").write_text(yaml.safe_dump(lock))
    return folder
