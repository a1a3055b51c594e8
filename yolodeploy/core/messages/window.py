"""What is said about maintenance windows."""

from yolodeploy.core.messages import Message

MESSAGES = {
    "invalid": Message(
        "{window!r} is no window of time",
        "{window!r} 不是有效的时间窗口",
        "write it as in: yolodeploy site window SITE 'Mon-Fri 22:00-05:00' --zone Europe/Berlin",
        "写法示例：yolodeploy site window SITE 'Mon-Fri 22:00-05:00' --zone Europe/Berlin",
    ),
    "freeze_invalid": Message(
        "{freeze!r} is neither a date nor two with a slash between",
        "{freeze!r} 不是日期，也不是用斜杠分隔的两个日期",
        "write it as in: yolodeploy site window SITE --freeze 2026-12-20/2027-01-06",
        "写法示例：yolodeploy site window SITE --freeze 2026-12-20/2027-01-06",
    ),
    "unknown_zone": Message(
        "{zone!r} is no time zone that this machine knows",
        "本机不认识时区 {zone!r}",
        "use a name such as Europe/Berlin; `timedatectl list-timezones` lists them",
        "请使用如 Asia/Shanghai 的名称；`timedatectl list-timezones` 可列出全部",
    ),
    "many": Message(
        "site {site}: more than {most} windows and freezes",
        "站点 {site}：时间窗口和冻结期超过 {most} 个",
        "join days in one window, as in: yolodeploy site window SITE 'Mon-Fri 22:00-05:00'",
        "把多天合并为一个窗口：yolodeploy site window SITE 'Mon-Fri 22:00-05:00'",
    ),
    "none_fits": Message(
        "no window of site {site} is {seconds} s long",
        "站点 {site} 没有 {seconds} 秒长的时间窗口",
        "yolodeploy site window {site}; or do not wait for one: --now",
        "yolodeploy site window {site}；或不等待窗口：--now",
    ),
}
