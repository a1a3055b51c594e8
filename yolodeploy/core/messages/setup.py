"""What is said about how apps are set up on clusters."""

from yolodeploy.core.messages import Message

MESSAGES = {
    "range": Message(
        "{least} to {most} instances is no range: 1 ≤ min ≤ max ≤ {limit}",
        "{least} 到 {most} 个实例不是有效范围：1 ≤ min ≤ max ≤ {limit}",
        "yolodeploy app scale APP --site SITE --min 1 --max 4",
    ),
    "measures": Message(
        "an autoscaler goes by requests a second or by queue time, not by both",
        "自动伸缩只能依据每秒请求数或排队时间之一",
        "give either --rps or --queue-ms",
        "请只使用 --rps 或 --queue-ms",
    ),
    "one_way": Message(
        "the number of instances is said by --replicas or by --min and --max",
        "实例数应由 --replicas 指定，或由 --min 和 --max 指定",
        "yolodeploy app scale APP --site SITE --replicas 2",
    ),
    "no_site": Message(
        "a change needs the sites that it is for",
        "更改时必须指明站点",
        "add --site SITE, once for each: yolodeploy site list",
        "请加上 --site 站点（可重复）：yolodeploy site list",
    ),
    "contradiction": Message(
        "{one} and {other} contradict each other, or one of them lacks the other",
        "{one} 与 {other} 相互矛盾，或缺少其中之一",
        "leave one of them out, or give both",
        "请去掉其中之一，或同时给出两者",
    ),
    "host": Message(
        "{host} is no host name",
        "{host} 不是主机名",
        "yolodeploy app expose APP --site SITE --host detect.plant.example",
    ),
    "address": Message(
        "{address} is no address of a Prometheus",
        "{address} 不是 Prometheus 的地址",
        "yolodeploy app scale APP --site SITE … --prometheus http://prometheus.monitoring.svc:9090",
    ),
    "nothing_earlier": Message(
        "site {site}: there is no earlier setup of {app} to go back to",
        "站点 {site}：{app} 没有可以恢复的更早设置",
        "yolodeploy app scale {app} --site {site}",
    ),
    "too_many": Message(
        "site {site} has room for {holds:instance} of {release}, and not for {asked}",
        "站点 {site} 只能容纳 {holds} 个 {release} 实例，无法容纳 {asked} 个",
        "ask for fewer, add a device, or share GPUs: yolodeploy gpu share DEVICE --time-slicing 2",
        "请减少数量、增加设备，或共享其 GPU：yolodeploy gpu share DEVICE --time-slicing 2",
    ),
    "over_quota": Message(
        "site {site}: {asked} instances of {release} need more {resource} than the quota of {app} "
        "gives ({limit})",
        "站点 {site}：{asked} 个 {release} 实例所需的 {resource} 超过 {app} 的配额（{limit}）",
        "ask for fewer, or: yolodeploy app limit {app} --site {site} …",
        "请减少数量，或：yolodeploy app limit {app} --site {site} …",
    ),
    "no_monitor": Message(
        "site {site} has no ServiceMonitors: the Prometheus operator is not there",
        "站点 {site} 没有 ServiceMonitor：未安装 Prometheus operator",
        "install the Prometheus operator there, or leave --metrics-from out",
        "请在该站点安装 Prometheus operator，或不要使用 --metrics-from",
    ),
    "autoscaled": Message(
        "on site {site} the autoscaler {autoscaler} says how many instances {app} has",
        "在站点 {site} 上，{app} 的实例数由自动伸缩器 {autoscaler} 决定",
        "change that one, or: kubectl -n {app} delete hpa {autoscaler}",
        "请更改它，或：kubectl -n {app} delete hpa {autoscaler}",
    ),
    "claim": Message(
        "site {site} does not take this for the claim of the engines of {app}: {reason}",
        "站点 {site} 不接受对 {app} 引擎存储声明的此设置：{reason}",
        "a claim that is there stays as it is; for another: yolodeploy app scale {app} --site "
        "{site} --replicas 0; kubectl -n {app} delete pvc {app}; repeat, and scale up again (its "
        "engines are built anew)",
        "已有的声明不会改变。如需更换：yolodeploy app scale {app} --site {site} --replicas 0；"
        "kubectl -n {app} delete pvc {app}；重试后再扩容（引擎将重新构建）",
    ),
    "damaged": Message(
        "site {site}: the setup of {app} is damaged: {reason}",
        "站点 {site}：{app} 的设置已损坏：{reason}",
        "kubectl -n {app} delete configmap yolodeploy-setup, then: yolodeploy app scale {app} "
        "--site {site} …",
        "kubectl -n {app} delete configmap yolodeploy-setup，然后：yolodeploy app scale {app} "
        "--site {site} …",
    ),
    "some_failed": Message(
        "{failed} of {all} sites refuse it or do not answer: {sites}",
        "{all} 个站点中有 {failed} 个拒绝或没有响应：{sites}",
        "mend what is named above, then repeat the command",
        "请解决上述问题，然后重试",
    ),
}
