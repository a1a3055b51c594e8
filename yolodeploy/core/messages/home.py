"""What is said about the home folder and the settings."""

from yolodeploy.core.messages import Message

MESSAGES = {
    "not_created": Message(
        "the folder {path} cannot be made: {reason}",
        "无法创建文件夹 {path}：{reason}",
        "choose another with YOLODEPLOY_HOME=DIR",
        "用 YOLODEPLOY_HOME=DIR 另选文件夹",
    ),
    "no_folder": Message(
        "{path} is no folder, and everything is kept in one",
        "{path} 不是文件夹，而所有内容都保存在文件夹中",
        "choose a folder with YOLODEPLOY_HOME=DIR",
        "用 YOLODEPLOY_HOME=DIR 指定一个文件夹",
    ),
    "unknown_setting": Message(
        "{source} has an unknown setting {name!r}",
        "{source} 含有未知设置 {name!r}",
        "did you mean {nearest}? yolodeploy config show",
        "是否要写 {nearest}？yolodeploy config show",
    ),
    "bad_setting": Message(
        "{source}: setting {name} cannot be {value!r} (expected {expected})",
        "{source}：设置 {name} 不能为 {value!r}（应为 {expected}）",
        "yolodeploy config set {name} VALUE",
    ),
    "bad_config": Message(
        "{path} is not valid TOML: {reason}",
        "{path} 不是有效的 TOML：{reason}",
        "mend the line, or move the file away; then: yolodeploy config validate",
        "修正该行或移走该文件，然后：yolodeploy config validate",
    ),
    "config_not_written": Message(
        "{path} cannot be written: {reason}",
        "无法写入 {path}：{reason}",
        "yolodeploy config path",
    ),
    "not_written": Message(
        "{path} cannot be written: {reason}",
        "无法写入 {path}：{reason}",
        "make room there, or name another home with YOLODEPLOY_HOME",
        "请腾出空间，或用 YOLODEPLOY_HOME 指定其他主目录",
    ),
}
