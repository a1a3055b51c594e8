"""What is said about gateways that were installed anew."""

from yolodeploy.core.messages import Message

MESSAGES = {
    "here": Message(
        "device {device} is this machine: nobody has to be known anew",
        "设备 {device} 就是本机，无需重新识别",
        "yolodeploy device list",
    ),
    "no_key": Message(
        "device {device} shows no key that could be kept",
        "设备 {device} 未出示可保存的密钥",
        "ssh-keygen -A on the device, then restart its sshd",
        "请在设备上运行 ssh-keygen -A，然后重启 sshd",
    ),
    "only_server": Message(
        "device {device} is the only server of site {site}, and the site was gone with its disk",
        "设备 {device} 是站点 {site} 的唯一服务器，站点已随其磁盘丢失",
        "yolodeploy site restore {site} --yes",
    ),
}
