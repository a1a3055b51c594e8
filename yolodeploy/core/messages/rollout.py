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
        "site {site}: gate {gate} failed: {figure} {unit}, bound {bound}, {samples} samples",
        "站点 {site}：门限 {gate} 未通过：{figure} {unit}，上限 {bound}，{samples} 个样本",
        "yolodeploy rollout list; its gates: yolodeploy rollout status ID",
        "yolodeploy rollout list；查看门限：yolodeploy rollout status ID",
    ),
    "inconclusive": Message(
        "site {site}: gate {gate} cannot tell after {samples} samples",
        "站点 {site}：门限 {gate} 在 {samples} 个样本后无法判定",
        "give frames with: yolodeploy app create APP --frames DIR; or watch longer with --observe",
        "用 yolodeploy app create APP --frames DIR 提供图片，或用 --observe 延长观察时间",
    ),
    "guard": Message(
        "site {site} went back by itself: {reason}",
        "站点 {site} 已自行回退：{reason}",
        "yolodeploy events --site {site}",
    ),
    "aborted": Message(
        "site {site}: the rollout was aborted",
        "站点 {site}：发布已中止",
        "yolodeploy rollout list",
    ),
    "revert_slow": Message(
        "site {site}: the previous release is not ready yet",
        "站点 {site}：上一个版本尚未就绪",
        "yolodeploy rollout resume ID",
    ),
    "nothing_to_do": Message(
        "no site needs {release}",
        "没有站点需要 {release}",
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
        "yolodeploy rollout start APP@N",
    ),
    "several_previous": Message(
        "rollout {rollout} replaced different releases: {releases}",
        "发布 {rollout} 替换了不同的版本：{releases}",
        "go back group by group: yolodeploy rollout undo --to APP@N --site SITE --yes",
        "请分组恢复：yolodeploy rollout undo --to APP@N --site SITE --yes",
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
    "never_ran": Message(
        "site {site} never ran {release}: it is a new release there",
        "站点 {site} 从未运行过 {release}：对它而言是新版本",
        "yolodeploy rollout start {release} --site {site}",
    ),
}
