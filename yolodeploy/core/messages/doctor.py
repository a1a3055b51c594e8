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
    "rollout": Message(
        "rollout {rollout} is {state}, and nobody drives it",
        "发布 {rollout} 处于 {state} 状态，但无人执行",
        "yolodeploy rollout resume {rollout}",
    ),
}
