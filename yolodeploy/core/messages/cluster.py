"""What `doctor` finds of a cluster that is seen through its API alone.

What checks of gateways say, too, is said in the same words; only what mends it is typed elsewhere.
"""

from yolodeploy.core.messages import Message
from yolodeploy.core.messages.check import cluster


def _as_there(check: str, remedy: str, remedy_zh: str) -> Message:
    return cluster.MESSAGES[check]._replace(remedy=remedy, remedy_zh=remedy_zh)


MESSAGES = {
    "node_not_ready": _as_there(
        "node_not_ready",
        "{kubectl} describe node {nodes}, then the kubelet's log there: journalctl -eu kubelet "
        "(k3s: -eu k3s-agent)",
        "{kubectl} describe node {nodes}，并在该节点上查看 kubelet 日志：journalctl -eu kubelet"
        "（k3s：-eu k3s-agent）",
    ),
    "node_cordoned": _as_there(
        "node_cordoned", "{kubectl} uncordon {nodes}", "{kubectl} uncordon {nodes}"
    ),
    "node_pressure": _as_there(
        "node_pressure",
        "{kubectl} describe node {nodes}; make room there: crictl rmi --prune",
        "{kubectl} describe node {nodes}；在该节点腾出空间：crictl rmi --prune",
    ),
    "gpu_runtime_class": _as_there(
        "gpu_runtime_class",
        "{kubectl} get runtimeclasses; k3s makes it at its start where NVIDIA's toolkit is "
        "(systemctl restart k3s), the GPU operator does elsewhere",
        "{kubectl} get runtimeclasses；已装 NVIDIA 工具包的 k3s 启动时会创建"
        "（systemctl restart k3s），其他集群由 GPU Operator 创建",
    ),
    "gpu_allocatable": Message(
        "nodes with an NVIDIA GPU offer none to pods: {nodes}",
        "有 NVIDIA GPU 的节点未向 Pod 提供 GPU：{nodes}",
        "{kubectl} get pods -A -l app.kubernetes.io/name=nvidia-device-plugin, and their logs",
        "{kubectl} get pods -A -l app.kubernetes.io/name=nvidia-device-plugin，并查看其日志",
    ),
    "pods_waiting": _as_there(
        "pods_waiting",
        "{kubectl} describe pod; of ours: yolodeploy site show {site}, and app limit, app place",
        "{kubectl} describe pod；本系统的 Pod：yolodeploy site show {site}，"
        "以及 app limit、app place",
    ),
    "pods_ending": _as_there(
        "pods_ending",
        "{kubectl} delete pod --grace-period=0 --force; where it stays, restart the kubelet there",
        "{kubectl} delete pod --grace-period=0 --force；若仍存在，请重启该节点的 kubelet",
    ),
    "pods_pulling": _as_there(
        "pods_pulling",
        "{kubectl} get events -A --field-selector reason=Failed; then yolodeploy image push IMAGE, "
        "or see that the nodes reach the registry",
        "{kubectl} get events -A --field-selector reason=Failed；然后 yolodeploy image push IMAGE，"
        "或检查节点能否访问仓库",
    ),
    "unreached": Message(
        "the API server does not get at pods that are ready on {nodes}: {reason}",
        "API 服务器无法访问 {nodes} 上已就绪的 Pod：{reason}",
        "a network policy may keep it out. k3s: egress-selector-mode: pod on its servers; others: "
        "a policy beside ours (docs/kubernetes.md, Network policies and several nodes)",
        "可能被网络策略拦截。k3s：在服务器上设置 egress-selector-mode: pod；其他集群：另加一条策略"
        "（docs/kubernetes.md，Network policies and several nodes）",
    ),
    "version_skew": Message(
        "kubelets do not fit the API server, which is {server}: {nodes}",
        "kubelet 与 API 服务器（{server}）版本不匹配：{nodes}",
        "{kubectl} get nodes -o wide; a kubelet is never newer than the API server, and three "
        "minor versions older at most",
        "{kubectl} get nodes -o wide；kubelet 不得比 API 服务器新，最多落后三个次版本",
    ),
    "server_old": Message(
        "the API server is {server}; {least} is the oldest that is supported here",
        "API 服务器版本为 {server}；此处最低支持 {least}",
        "have the cluster upgraded; {kubectl} version shows both",
        "请升级集群；{kubectl} version 可查看两端版本",
    ),
    "rights_cluster": Message(
        "the account may not see all that it should of the cluster: {rights}",
        "账户无权查看集群中所需的全部内容：{rights}",
        "as an administrator of the cluster: kubectl apply -k {folder}",
        "以集群管理员身份：kubectl apply -k {folder}",
    ),
    "rights_own": Message(
        "the account may not do all that it should in the namespace yolodeploy: {rights}",
        "账户在命名空间 yolodeploy 中缺少权限：{rights}",
        "as an administrator of the cluster: kubectl apply -k {folder}",
        "以集群管理员身份：kubectl apply -k {folder}",
    ),
    "rights_app": Message(
        "the account may not do all that it should in the namespace of {app}: {rights}",
        "账户在应用 {app} 的命名空间中缺少权限：{rights}",
        "as an administrator: kubectl apply -k {folder}; kubectl -n {app} create rolebinding "
        "yolodeploy-app --clusterrole=yolodeploy-app --serviceaccount=yolodeploy:yolodeploy",
        "以集群管理员身份：kubectl apply -k {folder}；kubectl -n {app} create rolebinding "
        "yolodeploy-app --clusterrole=yolodeploy-app --serviceaccount=yolodeploy:yolodeploy",
    ),
    "quota": Message(
        "no guard and no pull has room in the namespace of {app}: {reason}",
        "应用 {app} 的命名空间已没有守护任务和拉取任务的余量：{reason}",
        "yolodeploy app limit {app} --site {site}; a quota of somebody else's: "
        "{kubectl} -n {app} describe resourcequota",
        "yolodeploy app limit {app} --site {site}；他人的配额："
        "{kubectl} -n {app} describe resourcequota",
    ),
    "metrics": Message(
        "metrics-server is there and does not answer: {reason}",
        "metrics-server 已安装但没有应答：{reason}",
        "{kubectl} describe apiservice v1beta1.metrics.k8s.io",
        "{kubectl} describe apiservice v1beta1.metrics.k8s.io",
    ),
    "guard_left": Message(
        "a guard of {app} is still there, with nothing to guard: {pod}",
        "应用 {app} 的守护任务仍在，但已无发布可守护：{pod}",
        "{kubectl} -n {app} logs {pod}; then {kubectl} -n {app} delete job {job}",
        "{kubectl} -n {app} logs {pod}；然后 {kubectl} -n {app} delete job {job}",
    ),
    "guard_lost": Message(
        "{app} is on trial, and no guard is there that would take it back",
        "应用 {app} 处于试运行，但没有守护任务可将其回退",
        "yolodeploy rollout list; yolodeploy rollout resume ROLLOUT, or rollout abort",
        "yolodeploy rollout list；yolodeploy rollout resume ROLLOUT，或 rollout abort",
    ),
    "lease_held": Message(
        "{holder} has held the site for {hours} h",
        "{holder} 占用该站点已 {hours} 小时",
        "yolodeploy rollout list; if nobody is at it: "
        "yolodeploy rollout resume ROLLOUT --take-over",
        "yolodeploy rollout list；若无人操作：yolodeploy rollout resume ROLLOUT --take-over",
    ),
}
