"""What is said about backups of sites."""

from yolodeploy.core.messages import Message

MESSAGES = {
    "absent": Message("there is no file {path}", "没有文件 {path}", "ls -l {path}"),
    "none": Message(
        "there is no backup of site {site} in {path}",
        "{path} 中没有站点 {site} 的备份",
        "name the file: yolodeploy site restore {site} FILE --yes",
        "请指定文件：yolodeploy site restore {site} FILE --yes",
    ),
}
