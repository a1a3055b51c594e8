"""What is found of NVIDIA GPUs."""

from yolodeploy.core.messages import Message

MESSAGES = {
    "gpu_missing": Message(
        "there is no NVIDIA GPU on the bus, and the device's profile is {profile}",
        "总线上没有 NVIDIA GPU，而设备配置为 {profile}",
        "dmesg | grep -iE 'nvrm|xid' for one that was there; else another profile for the device",
        "若曾有 GPU，请查看 dmesg | grep -iE 'nvrm|xid'；否则请为设备改用其他配置",
    ),
    "gpu_driver_missing": Message(
        "an NVIDIA GPU is there, but no driver is installed",
        "有 NVIDIA GPU，但没有安装驱动",
        "apt-get install nvidia-driver && reboot",
        "apt-get install nvidia-driver && reboot",
    ),
    "gpu_driver_unloaded": Message(
        "NVIDIA's driver {driver} is installed, but not loaded",
        "NVIDIA 驱动 {driver} 已安装但未加载",
        "modprobe nvidia (a Jetson, nvgpu), or dmesg | grep -iE 'nvidia|nvgpu' for why not "
        "(Secure Boot, another kernel)",
        "modprobe nvidia（Jetson 用 nvgpu）；失败原因见 dmesg | grep -iE 'nvidia|nvgpu'"
        "（安全启动、内核不同）",
    ),
    "gpu_mismatch": Message(
        "the loaded NVIDIA module is {module}, its library {library}; no new container can use the "
        "GPU",
        "已加载的 NVIDIA 模块为 {module}，库为 {library}；新容器无法使用 GPU",
        "reboot",
        "reboot",
    ),
    "gpu_unheld": Message(
        "an upgrade may change the NVIDIA driver under the loaded module: {packages}",
        "升级可能在模块已加载时更换 NVIDIA 驱动：{packages}",
        "apt-mark hold {packages}",
        "apt-mark hold {packages}",
    ),
    "gpu_toolkit_missing": Message(
        "NVIDIA's container toolkit is not installed ({wanted}); no container can use the GPU",
        "未安装 NVIDIA 容器工具包（{wanted}）；容器无法使用 GPU",
        "apt-get install nvidia-container-toolkit, and restart k3s",
        "apt-get install nvidia-container-toolkit，并重启 k3s",
    ),
    "gpu_toolkit_mixed": Message(
        "the packages of NVIDIA's container toolkit are of several versions: {packages}",
        "NVIDIA 容器工具包的版本不一致：{packages}",
        "install all four of one version, and apt-mark hold them",
        "请将四个软件包安装为同一版本，并用 apt-mark hold 锁定",
    ),
    "gpu_undetected": Message(
        "k3s does not know NVIDIA's runtime, which was installed after it had started",
        "k3s 未识别 NVIDIA 运行时：它在 k3s 启动之后才安装",
        "systemctl restart k3s (or k3s-agent)",
        "systemctl restart k3s（或 k3s-agent）",
    ),
    "gpu_default_runtime": Message(
        "NVIDIA's runtime is containerd's default: pods that ask for no GPU see all of them",
        "NVIDIA 运行时是 containerd 的默认值：未申请 GPU 的 Pod 也能看到全部 GPU",
        "take default-runtime out of /etc/rancher/k3s/config.yaml and restart k3s; pods say "
        "runtimeClassName: nvidia",
        "请从 /etc/rancher/k3s/config.yaml 中删除 default-runtime 并重启 k3s；"
        "Pod 使用 runtimeClassName: nvidia",
    ),
    "unattended": Message(
        "unattended upgrades may restart the machine or change {packages} in the middle of a shift",
        "自动升级可能在班次中重启机器或更换 {packages}",
        'apt-mark hold what is named, and Unattended-Upgrade::Automatic-Reboot "false"; in '
        "/etc/apt/apt.conf.d/50unattended-upgrades",
        "用 apt-mark hold 锁定上述软件包，并在 /etc/apt/apt.conf.d/50unattended-upgrades 中设置 "
        'Unattended-Upgrade::Automatic-Reboot "false";',
    ),
}
