"""What is said about k3s itself: versions, and what the lock of a site holds."""

from yolodeploy.core.messages import Message

MESSAGES = {
    "version_invalid": Message(
        "{version} is no version of k3s",
        "{version} 不是 k3s 版本",
        "write it as k3s does: v1.34.9+k3s1",
        "请按 k3s 的写法：v1.34.9+k3s1",
    ),
}
