"""What the controller says."""

from yolodeploy.core.messages import Message

MESSAGES = {
    "runs": Message(
        "a controller of {home} runs already: {holder}",
        "{home} 的控制器已在运行：{holder}",
        "yolodeploy controller status",
    ),
    "broken": Message(
        "{part} broke ({reason}), and is tried again",
        "{part} 出错（{reason}），将重试",
        "YOLODEPLOY_DEBUG=1 yolodeploy controller, and report what it says",
        "YOLODEPLOY_DEBUG=1 yolodeploy controller，并报告其输出",
    ),
    "begins": Message(
        "collecting and driving for {home}, every {seconds} s",
        "正在为 {home} 采集并推进发布，每 {seconds} 秒一次",
    ),
    "ended": Message(
        "the controller has ended; rollouts that it started go on",
        "控制器已结束；由它启动的发布会继续",
    ),
    "resumed": Message(
        "rollout {rollout} was {state}; it goes on as {operation}",
        "发布 {rollout} 之前为 {state}；以 {operation} 继续",
        "yolodeploy rollout status {rollout}",
    ),
    "none": Message(
        "no controller of this home runs on this machine; the dashboard does its work while open",
        "本机没有运行此主目录的控制器；仪表板打开时会代为执行",
        "yolodeploy controller",
    ),
    "version": Message(
        "the controller runs yolodeploy {theirs}, and this is {ours}",
        "控制器运行的是 yolodeploy {theirs}，而本机为 {ours}",
        "end it, and start it again: yolodeploy controller",
        "请结束并重新启动：yolodeploy controller",
    ),
    "hangs": Message(
        "the controller gave no sign of life for {seconds} s",
        "控制器已有 {seconds} 秒没有响应",
        "end it, and start it again: yolodeploy controller",
        "请结束并重新启动：yolodeploy controller",
    ),
}
