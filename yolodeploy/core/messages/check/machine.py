"""What is found of processor, system, kernel, memory and clock."""

from yolodeploy.core.messages import Message

_COMMAND_LINE = "the kernel's command line (/etc/default/grub), then update-grub && reboot"

MESSAGES = {
    "arch": Message(
        "no images are built for the processor {arch} (for {wanted})",
        "没有适用于处理器 {arch} 的镜像（支持 {wanted}）",
        "replace the gateway, or build base and runtime layers for it (images/README.md)",
        "请更换网关，或为其构建基础层和运行时层（images/README.md）",
    ),
    "os_old": Message(
        "{system} {version} is older than {least}",
        "{system} {version} 低于 {least}",
        "install {system} {least} or newer",
        "请安装 {system} {least} 或更新版本",
    ),
    "os_unknown": Message(
        "{system} {version} has not been tried",
        "{system} {version} 未经测试",
        "use one of: {tried}",
        "请使用以下之一：{tried}",
    ),
    "kernel": Message(
        "kernel {kernel} is older than {least}",
        "内核 {kernel} 低于 {least}",
        "apt-get update && apt-get install --only-upgrade 'linux-image-*' && reboot",
        "apt-get update && apt-get install --only-upgrade 'linux-image-*' && reboot",
    ),
    "cgroup_version": Message(
        "cgroup version {version}, which the kubelet of Kubernetes 1.35 and newer refuses by "
        "default",
        "cgroup 版本为 {version}，Kubernetes 1.35 及更新版本的 kubelet 默认拒绝",
        f"add systemd.unified_cgroup_hierarchy=1 to {_COMMAND_LINE}",
        "在内核命令行（/etc/default/grub）中加入 systemd.unified_cgroup_hierarchy=1，"
        "然后 update-grub && reboot",
    ),
    "cgroup_controllers": Message(
        "the kernel lacks the cgroup controllers {missing}",
        "内核缺少 cgroup 控制器 {missing}",
        "add cgroup_enable=memory cgroup_enable=cpuset to the kernel's command line (Raspberry Pi: "
        "cmdline.txt) and reboot",
        "在内核命令行（Raspberry Pi：cmdline.txt）中加入 cgroup_enable=memory cgroup_enable=cpuset "
        "并重启",
    ),
    "modules_missing": Message(
        "the kernel has no modules {modules}; pods will have no network",
        "内核没有模块 {modules}；Pod 将没有网络",
        "install the kernel's other modules: apt-get install linux-modules-extra-$(uname -r); on "
        "a Jetson, JetPack 6 or newer",
        "请安装内核的附加模块：apt-get install linux-modules-extra-$(uname -r)；"
        "Jetson 请用 JetPack 6 或更新版本",
    ),
    "modules_unloaded": Message(
        "the kernel's modules {modules} are not loaded",
        "内核模块 {modules} 未加载",
        "modprobe -a {modules}, name them in /etc/modules-load.d/yolodeploy-doctor.conf",
        "modprobe -a {modules}，并把名称写入 /etc/modules-load.d/yolodeploy-doctor.conf",
    ),
    "memory": Message(
        "{mb} MB of memory, {least} are needed",
        "内存 {mb} MB，需要 {least} MB",
        "use a gateway with more memory",
        "请使用内存更大的网关",
    ),
    "swap": Message(
        "it swaps to {places}; latencies will jump, and cards wear out",
        "正在向 {places} 交换；延迟会突增，存储卡会磨损",
        r"swapoff --all && sed -i.bak '/\sswap\s/s/^/#/' /etc/fstab",
        r"swapoff --all && sed -i.bak '/\sswap\s/s/^/#/' /etc/fstab",
    ),
    "clock": Message(
        "the clock says {shown} UTC, {ahead_s} s against the machine that asks",
        "时钟显示 {shown} UTC，与询问方相差 {ahead_s} 秒",
        "timedatectl set-ntp true, or by hand timedatectl set-ntp false && timedatectl set-time "
        "'YYYY-MM-DD HH:MM:SS'",
        "timedatectl set-ntp true；或手动 timedatectl set-ntp false && timedatectl set-time "
        "'YYYY-MM-DD HH:MM:SS'",
    ),
    "clock_kept": Message(
        "nothing keeps the clock right; certificates and latencies need a right one",
        "没有校时服务；证书和延迟测量需要正确的时钟",
        "timedatectl set-ntp true; without a time service apt-get install chrony, and name the "
        "plant's time server in /etc/chrony/sources.d/",
        "timedatectl set-ntp true；若无校时服务则 apt-get install chrony，"
        "并在 /etc/chrony/sources.d/ 中指定厂内时间服务器",
    ),
    "host_name": Message(
        "the host's name {name} cannot be a node's: letters, digits and hyphens, and not localhost",
        "主机名 {name} 不能作为节点名：只能用字母、数字和连字符，且不能是 localhost",
        "hostnamectl set-hostname gateway-7, before k3s is installed",
        "在安装 k3s 之前运行 hostnamectl set-hostname gateway-7",
    ),
    "oom": Message(
        "the kernel killed a program for lack of memory in the last day: {line}",
        "过去一天内核因内存不足终止过程序：{line}",
        "give the app less memory or fewer workers, or the gateway more memory",
        "请减少应用的内存或工作线程，或给网关增加内存",
    ),
    "throttled": Message(
        "heat or a weak supply slowed the processor down in the last day: {line}",
        "过去一天处理器因过热或供电不足而降频：{line}",
        "check the power supply, its cable and the fan",
        "请检查电源、电源线和风扇",
    ),
    "restart_wanted": Message(
        "an upgrade waits for a restart: {packages}",
        "升级等待重启：{packages}",
        "hold the device, then reboot when the shift allows it",
        "请先保持该设备，待班次允许时重启",
    ),
}
