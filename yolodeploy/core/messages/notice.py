"""What is told to a person who is not looking."""

from yolodeploy.core.messages import Message

MESSAGES = {
    "approval": Message(
        "rollout {rollout} of {release} waits for an approval: {reason}",
        "{release} 的发布 {rollout} 等待批准：{reason}",
        "yolodeploy rollout approve {rollout}",
    ),
    "approval_over": Message(
        "rollout {rollout} of {release} waits for no approval any more",
        "{release} 的发布 {rollout} 不再等待批准",
    ),
    "failed": Message(
        "rollout {rollout} of {release} failed: {reason}",
        "{release} 的发布 {rollout} 失败：{reason}",
        "yolodeploy rollout status {rollout}",
    ),
    "inconclusive": Message(
        "rollout {rollout} of {release} was stopped, its gates could not tell: {reason}",
        "{release} 的发布 {rollout} 已停止，门限无法判定：{reason}",
        "yolodeploy rollout status {rollout}",
    ),
    "expired": Message(
        "rollout {rollout} of {release} ended without sites that were not to be had: {reason}",
        "{release} 的发布 {rollout} 已结束，部分站点始终无法更新：{reason}",
        "yolodeploy rollout status {rollout}",
    ),
    "waiting": Message(
        "rollout {rollout} of {release} has waited since {since}: {reason}",
        "{release} 的发布 {rollout} 自 {since} 起一直在等待：{reason}",
        "yolodeploy rollout status {rollout}",
    ),
    "waiting_over": Message(
        "rollout {rollout} of {release} waits no longer",
        "{release} 的发布 {rollout} 不再等待",
    ),
    "reverted": Message(
        "site {site} went back by itself: {reason}",
        "站点 {site} 已自行回退：{reason}",
        "yolodeploy events --site {site}",
    ),
    "unreachable": Message(
        "site {site} has not answered since {since}: {reason}",
        "站点 {site} 自 {since} 起无应答：{reason}",
        "yolodeploy events --site {site}",
    ),
    "unreachable_over": Message(
        "site {site} answers again",
        "站点 {site} 已恢复应答",
    ),
    "expiring": Message(
        "site {site}: the {what} ends at {until}",
        "站点 {site}：{what} 将于 {until} 到期",
        "{remedy}",
    ),
    "expiring_over": Message(
        "site {site}: the {what} was renewed",
        "站点 {site}：{what} 已续期",
    ),
    "trouble": Message(
        "the controller on {host} is in trouble: {reason}",
        "{host} 上的控制器遇到问题：{reason}",
        "yolodeploy doctor",
    ),
    "trouble_over": Message(
        "the controller on {host} is well again",
        "{host} 上的控制器已恢复正常",
    ),
    "test": Message(
        "a test notice of yolodeploy on {host}",
        "来自 {host} 上 yolodeploy 的测试通知",
    ),
    "given_up": Message(
        "{count} notices could not be delivered to the {place} in three days",
        "{count} 条通知三天内未能送达 {place}",
        "yolodeploy controller notify",
    ),
    "not_delivered": Message(
        "the {place} takes no notices: {reason}",
        "{place} 无法接收通知：{reason}",
        "yolodeploy config show",
    ),
    "waits": Message(
        "notices wait: {reason}",
        "通知正在等待：{reason}",
        "yolodeploy controller notify",
    ),
    "no_place": Message(
        "there is nowhere to send notices to",
        "没有设置通知的接收方",
        "yolodeploy config set notify_webhook URL",
    ),
    "secret_file": Message(
        "the file {path} cannot be used: {reason}",
        "文件 {path} 不可用：{reason}",
        "put one line into it and give it mode 0600",
        "写入一行内容并将权限设为 0600",
    ),
}
