"""What keeps us from looking at a gateway at all."""

from yolodeploy.core.messages import Message

MESSAGES = {
    "reach": Message(
        "it cannot be reached: {reason}",
        "无法连接：{reason}",
        "check power and link; then ssh {address}, and run the same again",
        "请检查电源和网络；然后 ssh {address}，再运行同一命令",
    ),
    "sudo": Message(
        "{user} cannot become root: {reason}",
        "{user} 无法取得 root 权限：{reason}",
        "give the password: -K, or --ask-sudo-password; or, as root: "
        "usermod -aG sudo {user} (RHEL: wheel)",
        "请提供密码：-K 或 --ask-sudo-password；"
        "或以 root 运行：usermod -aG sudo {user}（RHEL 用 wheel）",
    ),
    "sudo_tty": Message(
        "sudo wants a terminal, which Ansible does not have: {reason}",
        "sudo 要求终端，而 Ansible 没有终端：{reason}",
        "visudo, and write: Defaults:{user} !requiretty",
        "运行 visudo 并写入：Defaults:{user} !requiretty",
    ),
    "python": Message(
        "no python3 that Ansible can use: {reason}",
        "没有 Ansible 可用的 python3：{reason}",
        "apt-get install python3",
        "apt-get install python3",
    ),
}
