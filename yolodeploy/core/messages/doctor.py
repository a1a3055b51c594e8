"""What `doctor` finds."""

from yolodeploy.core.messages import Message

MESSAGES = {
    "disk": Message(
        "{path} has {free} MB left; a rollout may need {wanted} MB",
        "{path} 只剩 {free} MB；发布可能需要 {wanted} MB",
        "yolodeploy image prune, yolodeploy inventory prune",
    ),
    "device": Message(
        "device {device} of site {site} is not ready: {reason}",
        "站点 {site} 的设备 {device} 未就绪：{reason}",
        "yolodeploy logs --site {site} --device {device}",
    ),
    "image": Message(
        "the image of {release} is damaged: {reason}",
        "{release} 的镜像已损坏：{reason}",
        "yolodeploy image build MODEL",
    ),
    "server_version": Message(
        "site {site}: {app} on {device} is a server of yolodeploy {theirs}, and this is {ours}; "
        "what it says beyond that is not understood",
        "站点 {site}：{device} 上的 {app} 由 yolodeploy {theirs} 提供，"
        "本机为 {ours}；超出部分无法识别",
        "pip install --upgrade yolodeploy",
    ),
    "rollout": Message(
        "rollout {rollout} is {state}, and nobody drives it",
        "发布 {rollout} 处于 {state} 状态，但无人执行",
        "yolodeploy rollout resume {rollout}",
    ),
    "fix_what": Message(
        "--fix mends gateways, and none is named",
        "--fix 用于修复网关，但未指定任何网关",
        "yolodeploy doctor SITE --fix",
    ),
    "site_backup": Message(
        "site {site} was backed up last {days} days ago",
        "站点 {site} 上次备份是 {days} 天前",
        "yolodeploy site backup {site}",
    ),
    "site_unproved": Message(
        "no pod has run to completion yet on {devices} of site {site}",
        "站点 {site} 的 {devices} 上尚无 Pod 运行完成",
        "yolodeploy site provision {site}",
    ),
    "site_servers": Message(
        "site {site} has {servers} servers; it needs an odd number",
        "站点 {site} 有 {servers} 台服务器；数量应为奇数",
        "yolodeploy device list --site {site}",
    ),
    "sum": Message(
        "{checks} checks, {wrong} findings, {mended} mended",
        "共 {checks} 项检查，发现 {wrong} 个问题，已修复 {mended} 个",
    ),
}
