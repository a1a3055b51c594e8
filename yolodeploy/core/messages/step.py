"""What the steps of a rollout tell, and what they wait for."""

from yolodeploy.core.messages import Message

_COUNTS = "{requests} requests, {failures} failed, {restarts} restarts"
_COUNTS_ZH = "{requests} 次请求，{failures} 次失败，{restarts} 次重启"

MESSAGES = {
    "stands": Message("{rollout} of {release}: {state}", "{release} 的发布 {rollout}：{state}"),
    "goes_on": Message(
        "goes on at {at}, by a controller or rollout resume",
        "将于 {at} 由控制器或 rollout resume 继续",
    ),
    "pauses": Message(
        "{rollout} pauses after the sites that are under way; yolodeploy rollout resume {rollout}",
        "{rollout} 将在进行中的站点完成后暂停；继续：yolodeploy rollout resume {rollout}",
    ),
    "is_paused": Message(
        "{rollout} is paused; yolodeploy rollout resume {rollout}",
        "{rollout} 已暂停；继续：yolodeploy rollout resume {rollout}",
    ),
    "aborts": Message(
        "{rollout} is told to abort; yolodeploy rollout watch {rollout}",
        "已通知 {rollout} 中止；查看：yolodeploy rollout watch {rollout}",
    ),
    "may_go_on": Message(
        "{rollout} may go on after wave {wave}", "{rollout} 可在第 {wave} 波之后继续"
    ),
    "in_operation": Message("{rollout} in operation {operation}", "{rollout}，操作 {operation}"),
    "words": Message("{words}", "{words}"),
    "prefetched": Message(
        "{moved} bytes moved, {present} there already", "已传输 {moved} 字节，{present} 字节已存在"
    ),
    "prefetched_engine": Message(
        "{moved} bytes moved, {present} there already; {engine}",
        "已传输 {moved} 字节，{present} 字节已存在；{engine}",
    ),
    "checked": Message(
        "runs {release}; {boxes} boxes on {frames} frames",
        "正在运行 {release}；{frames} 张图片上有 {boxes} 个检测框",
    ),
    "checked_first": Message(
        "runs nothing; {boxes} boxes on {frames} frames",
        "尚未运行任何版本；{frames} 张图片上有 {boxes} 个检测框",
    ),
    "directly": Message("goes directly: {reason}", "直接切换：{reason}"),
    "beside": Message(
        f"{{way}}, {{mine}} of {{all}} instances: {_COUNTS}",
        f"{{way}}，{{all}} 个实例中的 {{mine}} 个：{_COUNTS_ZH}",
    ),
    "beside_canary": Message(
        f"{{way}}, {{mine}} of {{all}} instances, {{percent}} % of the traffic: {_COUNTS}",
        f"{{way}}，{{all}} 个实例中的 {{mine}} 个，占流量 {{percent}} %：{_COUNTS_ZH}",
    ),
    "beside_mirrored": Message(
        f"{{way}}, {{mine}} of {{all}} instances, {{pictures}} mirrored pictures compared: "
        f"{_COUNTS}",
        f"{{way}}，{{all}} 个实例中的 {{mine}} 个，已比较 {{pictures}} 张镜像图片：{_COUNTS_ZH}",
    ),
    "switched": Message(
        "to {release}; reverts by itself after {seconds} s",
        "切换到 {release}；{seconds} 秒后将自行回退",
    ),
    "settled": Message(
        "ready; {seconds} s without an instance", "已就绪；{seconds} 秒内没有可用实例"
    ),
    "observed": Message(_COUNTS, _COUNTS_ZH),
    "judged": Message("{gates:gate} passed", "{gates} 个门限通过"),
    "committed": Message("{release} is the current release", "{release} 已是当前版本"),
    "reverted": Message("back to {release}", "已回退到 {release}"),
    "reverted_first": Message("back to nothing", "已回退，不再运行任何版本"),
    "no_instance": Message("no instance was started", "没有启动任何实例"),
    "silent": Message("{device} is not ready ({reason})", "{device} 未就绪（{reason}）"),
    "both": Message("{one}; {other}", "{one}；{other}"),
    "unreadable": Message(
        "the measurements of {device} cannot be read: {fault}",
        "无法读取 {device} 的测量数据：{fault}",
    ),
    "deadline": Message("deadline", "超过期限无人确认"),
    "held": Message("held: {reason}", "已锁定：{reason}"),
    "device_held": Message("device {device} held: {reason}", "设备 {device} 已锁定：{reason}"),
    "nobody_drives": Message(
        "nobody drives it any more",
        "已无人执行",
        "yolodeploy rollout resume {rollout}",
    ),
    "window": Message("site {site} waits for its window", "站点 {site} 等待其时间窗口"),
    "days": Message("{days} d", "{days} 天"),
    "seconds": Message("{seconds} s", "{seconds} 秒"),
    "given_up": Message("given up: {sites}", "已放弃：{sites}"),
    "superseded": Message("superseded by {rollout}", "已由 {rollout} 接管"),
    "wave_over": Message("wave {wave} of {all} is over", "第 {wave}/{all} 波已结束"),
}
