"""What is said about names."""

from yolodeploy.core.messages import Message

MESSAGES = {
    "invalid": Message(
        "{kind} name {name!r} is not valid: use a-z, 0-9 and '-', at most 63 characters",
        "{kind} 名称 {name!r} 无效：只能用 a-z、0-9 和 '-'，最多 63 个字符",
        "use a name such as {suggestion}",
        "可改用名称 {suggestion}",
    ),
}
