"""What is said about k3s itself: versions, and what the lock of a site holds."""

from yolodeploy.core.messages import Message

MESSAGES = {
    "downgrade": Message(
        "site {site} runs {now}, and {then} cannot read what a newer k3s wrote",
        "站点 {site} 运行 {now}，{then} 无法读取较新 k3s 写入的数据",
        "go back with a backup of that time: yolodeploy site restore {site} FILE --yes",
        "请用当时的备份恢复：yolodeploy site restore {site} FILE --yes",
    ),
    "in_use": Message(
        "site {site} runs {now}: {then} would take its place under the pods of {device}",
        "站点 {site} 运行 {now}：{then} 会在 {device} 的 Pod 运行时将其替换",
        "drain and upgrade node by node: yolodeploy site upgrade {site}",
        "请逐节点排空并升级：yolodeploy site upgrade {site}",
    ),
    "lock_empty": Message(
        "the lock names no version of k3s",
        "锁文件未指明 k3s 版本",
        "where there is internet: yolodeploy site lock --k3s v1.34.9+k3s1",
        "在有互联网的机器上：yolodeploy site lock --k3s v1.34.9+k3s1",
    ),
    "not_locked": Message(
        "{version} is asked for, and the lock holds {locked}",
        "请求的是 {version}，锁文件中是 {locked}",
        "where there is internet: yolodeploy site lock --k3s {version}",
        "在有互联网的机器上：yolodeploy site lock --k3s {version}",
    ),
    "skips": Message(
        "from {now} to {then} site {site} would skip a minor version",
        "站点 {site} 从 {now} 到 {then} 会跳过次要版本",
        "upgrade to the last release of each minor version in between, one after the other",
        "请依次升级到中间每个次要版本的最后一个发布",
    ),
    "version_invalid": Message(
        "{version} is no version of k3s",
        "{version} 不是 k3s 版本",
        "write it as k3s does: v1.34.9+k3s1",
        "请按 k3s 的写法：v1.34.9+k3s1",
    ),
}
