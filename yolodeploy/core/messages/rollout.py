"""What is said about rollouts."""

from yolodeploy.core.messages import Message

MESSAGES = {
    "classes_changed": Message(
        "site {site}: {release} knows the classes {new}, where {old} ran before",
        "站点 {site}：{release} 的类别为 {new}，之前为 {old}",
        "when that is meant: yolodeploy rollout start {release} --accept-classes",
        "如果确实需要：yolodeploy rollout start {release} --accept-classes",
    ),
    "not_ready": Message(
        "site {site}: the release was not ready within {seconds} s ({reason})",
        "站点 {site}：版本在 {seconds} 秒内未就绪（{reason}）",
        "yolodeploy logs --site {site}",
    ),
    "gate_failed": Message(
        "site {site}: gate {gate} failed: {figure} {unit}, bound {bound}, {samples} samples{told}",
        "站点 {site}：门限 {gate} 未通过：{figure} {unit}，上限 {bound}，{samples} 个样本{told}",
        "yolodeploy logs --site {site}",
    ),
    "inconclusive": Message(
        "site {site}: gate {gate} cannot tell after {samples} samples{told}",
        "站点 {site}：门限 {gate} 在 {samples} 个样本后无法判定{told}",
        "give frames with: yolodeploy app create APP --frames DIR; or watch longer with --observe",
        "用 yolodeploy app create APP --frames DIR 提供图片，或用 --observe 延长观察时间",
    ),
    "unread": Message(
        "site {site}: gate {gate} cannot tell: {reason}",
        "站点 {site}：门限 {gate} 无法判定：{reason}",
        "see what its server says: yolodeploy logs --site {site}",
        "请查看其服务器日志：yolodeploy logs --site {site}",
    ),
    "guard": Message(
        "site {site} went back by itself: {reason}",
        "站点 {site} 已自行回退：{reason}",
        "yolodeploy events --site {site}",
    ),
    "forgotten": Message(
        "site {site}: somebody deleted the record of {app} while its new release was on trial",
        "站点 {site}：新版本试运行期间，{app} 的记录被人删除",
        "see who has rights in namespace {app}, then start the rollout again",
        "请查看谁对命名空间 {app} 有权限，然后重新开始发布",
    ),
    "aborted": Message(
        "site {site}: the rollout was aborted",
        "站点 {site}：发布已中止",
        "yolodeploy rollout list",
    ),
    "revert_slow": Message(
        "site {site}: the previous release is not ready yet",
        "站点 {site}：上一个版本尚未就绪",
        "yolodeploy rollout resume {rollout}",
    ),
    "nothing_to_do": Message(
        "no site needs {release}",
        "没有站点需要 {release}",
        "yolodeploy rollout plan {release}",
    ),
    "left_out": Message(
        "site {site} is left out of a rollout of {release}: {reason}",
        "{release} 的发布不包括站点 {site}：{reason}",
        "yolodeploy rollout plan {release}",
    ),
    "finished": Message(
        "rollout {rollout} has ended ({state})",
        "发布 {rollout} 已结束（{state}）",
        "yolodeploy rollout list",
    ),
    "no_previous": Message(
        "rollout {rollout} replaced nothing that could be brought back",
        "发布 {rollout} 没有可恢复的先前版本",
        "yolodeploy rollout start {app}@N",
    ),
    "several_previous": Message(
        "rollout {rollout} replaced different releases: {releases}",
        "发布 {rollout} 替换了不同的版本：{releases}",
        "go back group by group: yolodeploy rollout undo --to {app}@N --site SITE --yes",
        "请分组恢复：yolodeploy rollout undo --to {app}@N --site SITE --yes",
    ),
    "stopped": Message(
        "rollout {rollout} of {release} ended {state}: {reason}",
        "{release} 的发布 {rollout} 以 {state} 结束：{reason}",
        "yolodeploy rollout status {rollout}",
    ),
    "no_approval": Message(
        "rollout {rollout} waits for no approval of wave {wave}",
        "发布 {rollout} 的波次 {wave} 无需批准",
        "yolodeploy rollout status {rollout}",
    ),
    "share_invalid": Message(
        "{share} is no share for {way}: canary and shadow take 1% to 100%, blue-green none",
        "{share} 不是 {way} 的有效比例：canary 和 shadow 为 1% 到 100%，blue-green 不设比例",
        "yolodeploy rollout plan APP@N --beside canary --share 25%",
    ),
    "no_way": Message(
        "{option} is of no use without --beside",
        "没有 --beside 时 {option} 不起作用",
        "yolodeploy rollout plan APP@N --beside shadow --share 25% --beside-for 10m",
    ),
    "never_ran": Message(
        "no rollout that is known here brought {release} to site {site}: it is a new release there",
        "此处没有已知的发布将 {release} 带到站点 {site}：对它而言是新版本",
        "yolodeploy rollout start {release} --site {site}",
    ),
}
