"""What is said about objects that are followed from frame to frame."""

from yolodeploy.core.messages import Message

MESSAGES = {
    "library_missing": Message(
        "following objects needs the tracking extra, which is not installed ({reason})",
        "目标跟踪需要 tracking 附加组件，但尚未安装（{reason}）",
        "pip install 'yolodeploy[tracking]'",
    ),
}
