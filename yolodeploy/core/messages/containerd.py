"""What is said about a device's containerd."""

from yolodeploy.core.messages import Message

MESSAGES = {
    "absent": Message(
        "{device} has no containerd that runs: {reason} is not there",
        "{device} 上没有运行中的 containerd：缺少 {reason}",
        "start it on {device}: systemctl start k3s (or k3s-agent, or containerd)",
        "请在 {device} 上启动：systemctl start k3s（或 k3s-agent、containerd）",
    ),
    "bad_answer": Message(
        "{device} answered something that makes no sense",
        "{device} 的回答无法理解",
        "look on {device} whether its login shell prints something: ssh {device} true",
        "请检查 {device} 的登录 shell 是否输出多余内容：ssh {device} true",
    ),
    "disk_full": Message(
        "the disk of {device} is full",
        "{device} 的磁盘已满",
        "make room on {device} (df -h; crictl rmi --prune), then run the same command again: it "
        "goes on where it stopped",
        "请在 {device} 上腾出空间（df -h；crictl rmi --prune），"
        "然后重新运行同一命令：会从中断处继续",
    ),
    "no_rights": Message(
        "{device} does not let us use its containerd: {reason}",
        "{device} 不允许使用其 containerd：{reason}",
        "log in as root, or let the user run ctr (k3s) by sudo without a password on {device}",
        "请以 root 登录，或在 {device} 上允许该用户免密码通过 sudo 运行 ctr（k3s）",
    ),
    "no_stage": Message(
        "{device} has no folder to put blobs in: {reason}",
        "{device} 上没有可存放数据块的文件夹：{reason}",
        "let the user write to its home folder on {device}",
        "请允许该用户写入其在 {device} 上的主目录",
    ),
    "no_tool": Message(
        "{device} has no {reason}",
        "{device} 上缺少 {reason}",
        "install it on {device}",
        "请在 {device} 上安装",
    ),
    "not_taken": Message(
        "{device} did not take the image: {reason}",
        "{device} 未能接收镜像：{reason}",
        "run the same command again; journalctl -u containerd -u k3s on {device} says more",
        "请重新运行同一命令；{device} 上的 journalctl -u containerd -u k3s 有更多信息",
    ),
    "spoilt": Message(
        "what was staged on {device} is not what was sent: {digest}",
        "{device} 上暂存的内容与发送的不符：{digest}",
        "run the same command again; when it happens twice, check the disk of {device}",
        "请重新运行同一命令；若再次发生，请检查 {device} 的磁盘",
    ),
}
