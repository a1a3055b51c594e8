"""What is said of a change of site settings: what it was for, and what is not well with it."""

from yolodeploy.core.messages import Message

MESSAGES = {
    "url_length": Message(
        "it has {length} characters, not 1 to {longest}",
        "长度为 {length} 个字符，应为 1 到 {longest}",
    ),
    "url_nul": Message("a path has no NUL in it", "路径中不能有 NUL 字符"),
    "url_password": Message(
        "it holds a password: leave it out, and add --ask-password or credentials_file",
        "其中含有密码：请去掉，并使用 --ask-password 或 credentials_file",
    ),
    "url_scheme": Message(
        "{scheme}:// is not known; rtsp, rtsps, http and https are",
        "不支持 {scheme}://；支持 rtsp、rtsps、http 和 https",
    ),
    "url_spaces": Message("there are spaces or control characters in it", "其中有空格或控制字符"),
    "url_port": Message("its host and port cannot be told", "无法识别其主机和端口"),
    "url_host": Message("it names no host", "其中没有主机名"),
    "url_elsewhere": Message(
        "its servers are elsewhere: write the path from / on",
        "服务器不在本机：请写出以 / 开头的完整路径",
    ),
    "added": Message("camera {camera} added", "已添加摄像头 {camera}"),
    "changed": Message("camera {camera} changed", "已修改摄像头 {camera}"),
    "removed": Message("camera {camera} removed", "已移除摄像头 {camera}"),
    "back_to": Message("back to {number}", "恢复到版本 {number}"),
    "back_to_none": Message("back to none", "恢复到没有设置"),
    "back_from": Message("back from {number}", "从版本 {number} 退回"),
    "by_hand": Message("by hand", "手工编辑"),
    "late": Message("{instance} has not followed", "{instance} 尚未采用"),
    "behind": Message("{instance}: {reason}", "{instance}：{reason}"),
    "dark": Message("camera {camera}: {reason}", "摄像头 {camera}：{reason}"),
    "nothing_came": Message("nothing came", "没有画面"),
}
