"""Where the makers publish what gateways get: data with its source. Options name other places.

Nothing here is ever asked but by `site lock`, on a machine with internet.
"""

from __future__ import annotations

# docs.k3s.io: installation/airgap (binary, airgap images and sha256sum-ARCH.txt of each release)
K3S = "https://github.com/k3s-io/k3s/releases/download"
# docs.nvidia.com: container-toolkit/install-guide (stable apt repository, one folder a processor)
TOOLKIT = "https://nvidia.github.io/libnvidia-container/stable/deb"
TOOLKIT_PACKAGES = (
    "libnvidia-container-tools",
    "libnvidia-container1",
    "nvidia-container-toolkit",
    "nvidia-container-toolkit-base",
)
# the READMEs of NVIDIA/k8s-device-plugin and NVIDIA/dcgm-exporter; the plugin's image holds GPU
# feature discovery too. Which tag of them is wanted is for a person to say.
REPOSITORIES = {
    "device_plugin": "nvcr.io/nvidia/k8s-device-plugin",
    "gpu_feature_discovery": "nvcr.io/nvidia/k8s-device-plugin",
    "dcgm_exporter": "nvcr.io/nvidia/k8s/dcgm-exporter",
    "proof_cuda": "nvcr.io/nvidia/k8s/cuda-sample",
}
ARCHITECTURES = ("amd64", "arm64")
