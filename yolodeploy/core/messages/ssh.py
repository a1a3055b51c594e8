"""What is said about reaching devices over SSH."""

from yolodeploy.core.messages import Message

MESSAGES = {
    "silent": Message(
        "{device} said nothing for {seconds} s",
        "{device} 在 {seconds} 秒内没有响应",
        "check the link, then run the same command again: it goes on where it stopped",
        "请检查网络，然后重新运行同一命令：会从中断处继续",
    ),
}
