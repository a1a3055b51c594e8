"""What is said about selectors."""

from yolodeploy.core.messages import Message

MESSAGES = {
    "invalid": Message(
        "the selector's part {part!r} asks nothing of a label",
        "选择器中的 {part!r} 不是有效的标签条件",
        "write it as in: --select 'line=3,env!=test,hall in (a,b),gpu,!spare'",
        "写法示例：--select 'line=3,env!=test,hall in (a,b),gpu,!spare'",
    ),
    "no_site": Message(
        "no site has labels that fit {selector!r}",
        "没有标签符合 {selector!r} 的站点",
        "yolodeploy site list -o wide",
    ),
    "no_device": Message(
        "no device has labels that fit {selector!r}",
        "没有标签符合 {selector!r} 的设备",
        "yolodeploy device list -o wide",
    ),
}
