"""What is said about digests."""

from yolodeploy.core.messages import Message

MESSAGES = {
    "invalid": Message(
        "{digest!r} is not a digest (sha256: and 64 hexadecimal digits)",
        "{digest!r} 不是摘要（应为 sha256: 加 64 位十六进制数）",
        "yolodeploy image list -o wide",
    ),
}
