"""What is said about shells at sites."""

from yolodeploy.core.messages import Message

MESSAGES = {
    "no_place": Message(
        "site {site} is processes of this machine: a shell there is any shell here",
        "站点 {site} 是本机上的进程：本机的任何 shell 即可",
        "yolodeploy logs --site {site}",
    ),
    "no_device": Message(
        "site {site} is a cluster whose nodes are not logged in to; {device} cannot be chosen",
        "站点 {site} 是集群，不登录其节点；无法选择 {device}",
        "yolodeploy site shell {site}, then: kubectl debug node/{device} -it --image=busybox",
        "yolodeploy site shell {site}，然后：kubectl debug node/{device} -it --image=busybox",
    ),
    "no_terminal": Message(
        "a shell needs a terminal, and there is none",
        "shell 需要终端，但当前没有",
        "type it in a terminal: yolodeploy site shell {site}",
        "请在终端中输入：yolodeploy site shell {site}",
    ),
}
