"""What is said about adding gateways."""

from yolodeploy.core.messages import Message

MESSAGES = {
    "form": Message(
        "a gateway needs a name and an address",
        "网关需要名称和地址",
        "yolodeploy device add NAME USER@HOST --site SITE",
    ),
    "address_taken": Message(
        "{address} is the address of device {other} of site {site} already",
        "{address} 已是站点 {site} 中设备 {other} 的地址",
        "yolodeploy device show {site}/{other}; name another address for {device}",
        "yolodeploy device show {site}/{other}；请为 {device} 指定其他地址",
    ),
    "key_taken": Message(
        "{device} has the host key {fingerprint} of device {other} of site {site}: it is the same "
        "machine, or both were made from one image",
        "{device} 的主机密钥 {fingerprint} 与站点 {site} 的设备 {other} 相同："
        "是同一台机器，或两者用同一镜像安装",
        "where they are two: on {device}, as root: rm /etc/ssh/ssh_host_*; ssh-keygen -A; "
        "systemctl restart ssh",
        "若确为两台：在 {device} 上以 root 运行：rm /etc/ssh/ssh_host_*; ssh-keygen -A; "
        "systemctl restart ssh",
    ),
    "identity": Message(
        "{path} is no file with a key",
        "{path} 不是密钥文件",
        "name the private key: --identity ~/.ssh/id_ed25519",
        "请指定私钥文件：--identity ~/.ssh/id_ed25519",
    ),
    "import_refused": Message(
        "{bad} of {all} devices of {path} cannot be added; none was",
        "{path} 的 {all} 台设备中有 {bad} 台无法添加；未添加任何设备",
        "mend what is said of each, then: yolodeploy device import {path}",
        "请逐一解决上述问题，然后：yolodeploy device import {path}",
    ),
    "list_row": Message(
        "row {row} of {path} is no device: {reason}",
        "{path} 的第 {row} 行不是有效设备：{reason}",
        "begin a CSV file with the line name,address,site,server,profile,jump,identity,labels",
        "CSV 文件的首行应为 name,address,site,server,profile,jump,identity,labels",
    ),
    "list_unreadable": Message(
        "{path} is no list of devices: {reason}",
        "{path} 不是设备列表：{reason}",
        "name a CSV, YAML or JSON file with name and address of each device",
        "请指定包含每台设备 name 和 address 的 CSV、YAML 或 JSON 文件",
    ),
    "profile": Message(
        "there is no profile {profile}",
        "没有配置类型 {profile}",
        "use one of: {known}",
        "可用：{known}",
    ),
    "provisioned": Message(
        "device {device} of site {site} runs a part of the cluster",
        "站点 {site} 的设备 {device} 正在运行集群的一部分",
        "yolodeploy site reset {site} --device {device}; when it is lost for good, add --forget",
        "yolodeploy site reset {site} --device {device}；若设备已无法找回，加上 --forget",
    ),
    "proved": Message(
        "device {device} ran a pod to completion", "设备 {device} 成功运行了一个 Pod"
    ),
    "reset": Message("device {device} is a bare gateway again", "设备 {device} 已恢复为裸网关"),
}
