"""What is said about sending images to devices."""

from yolodeploy.core.messages import Message

MESSAGES = {
    "embedded": Message(
        "{device} is of an embedded site: its processes read the images of this machine",
        "{device} 属于内嵌站点：其进程直接读取本机的镜像",
        "nothing has to be sent: yolodeploy rollout start RELEASE",
        "无需发送：yolodeploy rollout start RELEASE",
    ),
    "held": Message(
        "{device} is held: {reason}",
        "{device} 已被保留：{reason}",
        "yolodeploy device unhold {device} (or yolodeploy site unhold SITE)",
        "yolodeploy device unhold {device}（或 yolodeploy site unhold SITE）",
    ),
    "local": Message(
        "{device} is this machine: nothing goes over SSH",
        "{device} 就是本机：无需经 SSH 发送",
        "take the image into its containerd from a bundle: yolodeploy bundle apply FILE",
        "请用 bundle 把镜像导入本机的 containerd：yolodeploy bundle apply FILE",
    ),
    "no_address": Message(
        "the inventory has no address of {device}",
        "清单中没有 {device} 的地址",
        "name it by its address: yolodeploy image send IMAGE USER@HOST",
        "请用地址指定：yolodeploy image send IMAGE USER@HOST",
    ),
    "no_device": Message(
        "site {site} has no devices",
        "站点 {site} 没有设备",
        "yolodeploy device list",
    ),
    "no_room": Message(
        "{device} has {free} bytes free and needs {needed}: staged, stored and unpacked",
        "{device} 剩余 {free} 字节，需要 {needed} 字节：用于暂存、存储和解包",
        "make room on {device} (df -h; crictl rmi --prune), then run the same command again",
        "请在 {device} 上腾出空间（df -h；crictl rmi --prune），然后重新运行同一命令",
    ),
    "rate_invalid": Message(
        "{rate} is no rate from 8kbit on",
        "{rate} 不是有效的速率（至少 8kbit）",
        "write bits or bytes a second, such as 8mbit, 500kbit or 1.5MB/s",
        "请写每秒比特数或字节数，例如 8mbit、500kbit 或 1.5MB/s",
    ),
    "some_failed": Message(
        "{failed} of {all} devices do not have the image: {devices}",
        "{all} 台设备中有 {failed} 台未收到镜像：{devices}",
        "mend what is said of each, then run the same command again: it goes on where it stopped",
        "请逐一解决上述问题，然后重新运行同一命令：会从中断处继续",
    ),
    "some_unreachable": Message(
        "{failed} of {all} devices could not be reached: {devices}",
        "{all} 台设备中有 {failed} 台无法连接：{devices}",
        "run the same command again when they can be: it goes on where it stopped",
        "待其可连接后重新运行同一命令：会从中断处继续",
    ),
    "wrong_platform": Message(
        "the image is for {platform}, {device} is {machine}",
        "镜像适用于 {platform}，而 {device} 是 {machine}",
        "build it on a base for {machine}: yolodeploy image build MODEL --base BASE",
        "请在适用于 {machine} 的基础镜像上构建：yolodeploy image build MODEL --base BASE",
    ),
}
