"""What a plan says of a site: why it stays, waits or goes another way."""

from yolodeploy.core.messages import Message

MESSAGES = {
    "head": Message(
        "{release} ({digest}): {waves:wave}, on failure: {scope}; "
        "a site reverts by itself after {seconds} s",
        "{release}（{digest}）：{waves} 个波次，失败时回退范围：{scope}；"
        "站点在 {seconds} 秒后自行回退",
    ),
    "gates": Message("gates: {gates}", "门限：{gates}"),
    "no_gates": Message("gates: none", "门限：无"),
    "engine": Message("engine {told} ({sites:site})", "引擎：{told}（{sites} 个站点）"),
    "tried": Message(
        "first beside the old release for {seconds} s at least: {way}, {gets}",
        "先与旧版本并行试运行至少 {seconds} 秒：{way}，{gets}",
    ),
    "gets_canary": Message("{percent} % of the traffic wanted", "期望流量占比 {percent} %"),
    "gets_shadow": Message(
        "sees copies of {percent} % of the traffic, answers nobody",
        "接收 {percent} % 流量的副本，不对外应答",
    ),
    "gets_blue-green": Message(
        "as many as the old one, without traffic until the switch",
        "实例数与旧版本相同，切换前不接收流量",
    ),
    "tolerates": Message("{sites:site} may fail before that", "此前允许 {sites} 个站点失败"),
    "between": Message("{seconds} s between waves", "波次之间间隔 {seconds} 秒"),
    "approvals": Message(
        "a person must approve after wave {waves}", "以下波次之后须有人批准：{waves}"
    ),
    "no_windows": Message("windows and freezes are not waited for", "不等待时间窗口和冻结期"),
    "supersedes": Message("takes over what is left of {rollouts}", "接管 {rollouts} 的剩余部分"),
    "blocked_by": Message(
        "cannot begin before {rollouts} has ended", "须待 {rollouts} 结束后才能开始"
    ),
    "left_out": Message("{site} is left out: {reason}", "{site} 不参与：{reason}"),
    "more_left_out": Message(
        "and {sites} more, which rollout status names", "另有 {sites} 个，见 rollout status"
    ),
    "strategy_beside": Message("beside, {strategy}", "并行，{strategy}"),
    "canary": Message("canary", "金丝雀"),
    "shadow": Message("shadow", "影子"),
    "blue-green": Message("blue-green", "蓝绿"),
    "beside": Message(
        "{way} {percent} %, for {seconds} s at least", "{way} {percent} %，至少 {seconds} 秒"
    ),
    "beside_all": Message("{way}, for {seconds} s at least", "{way}，至少 {seconds} 秒"),
    "nothing_runs": Message("nothing runs there yet", "站点上尚未运行任何版本"),
    "runs_already": Message("{release} runs there already", "站点已在运行 {release}"),
    "no_room": Message("no room beside: {reason}", "没有并行试运行的空间：{reason}"),
    "not_said": Message("the site has none to say", "站点未说明"),
    "nothing_beside": Message("nothing runs there to be beside of", "站点上没有可与之并行的版本"),
    "nothing_free": Message(
        "nothing is free for a pod beside those that run",
        "除正在运行的 Pod 外，没有空闲资源可再运行一个",
    ),
    "autoscaled": Message(
        "an autoscaler would take the old pods away while others have the traffic",
        "流量由新 Pod 接收期间，自动扩缩容会移除旧 Pod",
    ),
    "room_for": Message(
        "room for {count} beside {replicas}", "在 {replicas} 个实例旁只能再容纳 {count} 个"
    ),
    "not_at_once": Message("its traffic cannot move at once", "其流量无法一次全部切换"),
    "old_server": Message(
        "the server in its image is too old for it", "其镜像中的服务器版本过旧，不支持并行"
    ),
    "no_node": Message("no node that is open to it has {asked}", "没有可调度的节点能提供 {asked}"),
    "quota_full": Message(
        "the quota of its namespace leaves no room for a rollout's guard",
        "其命名空间的配额已无空间运行发布的守护任务",
    ),
    "own_shadow": Message(
        "no shadow beside: its settings name one of their own",
        "无法以影子方式并行：其设置已指定影子服务器",
    ),
    "other_operator": Message("another operator", "其他操作者"),
    "leased": Message("{holder} changes it now", "{holder} 正在更改"),
    "canary_gets": Message(
        "a canary gets {percent} % of the traffic", "金丝雀获得 {percent} % 的流量"
    ),
}
