"""What is said about looking for devices by their host keys."""

from yolodeploy.core.messages import Message

_OTHER_NETWORK = (
    "look whether it is switched on; when it may be in another network: "
    "yolodeploy device find --network 10.0.1.0/24",
    "请检查设备是否开机；若可能在其他网段：yolodeploy device find --network 10.0.1.0/24",
)
_BY_HAND = (
    "switch the copy off, or say which one it is: yolodeploy device edit NAME --address USER@HOST",
    "请关闭副本，或指定是哪一台：yolodeploy device edit NAME --address USER@HOST",
)

MESSAGES = {
    "network_invalid": Message(
        "{network} is no network",
        "{network} 不是有效的网段",
        "write its first address and the bits of its prefix, such as 10.0.0.0/24",
        "请写成起始地址和前缀位数，例如 10.0.0.0/24",
    ),
    "network_too_large": Message(
        "{network} has more than {most} addresses",
        "{network} 超过 {most} 个地址",
        "name a smaller one, such as 10.0.0.0/22; of an IPv6 network the neighbours are asked "
        "without --network",
        "请指定较小的网段，例如 10.0.0.0/22；IPv6 请不带 --network，会询问邻居",
    ),
    "no_device": Message(
        "no device is known by its host key",
        "没有已知主机密钥的设备",
        "yolodeploy device list",
    ),
    "no_key": Message(
        "{device} cannot be looked for: its host key is not in the inventory",
        "无法查找 {device}：清单中没有其主机密钥",
        "yolodeploy device show {device}",
    ),
    "not_found": Message(
        "{device} was not found, neither at {address} nor near it",
        "未找到 {device}：既不在 {address}，也不在其附近",
        *_OTHER_NETWORK,
    ),
    "some_not_found": Message("not found: {devices}", "未找到：{devices}", *_OTHER_NETWORK),
    "some_twice": Message(
        "found at more than one address: {devices}", "在多个地址找到：{devices}", *_BY_HAND
    ),
    "twice": Message(
        "the key of {device} is at {addresses}: two machines were installed from one disk",
        "{device} 的密钥出现在 {addresses}：有两台机器装自同一磁盘镜像",
        *_BY_HAND,
    ),
}
