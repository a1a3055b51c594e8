"""What `doctor` finds."""

from yolodeploy.core.messages import Message

MESSAGES = {
    "disk": Message(
        "{path} has {free} MB left; a rollout may need {wanted} MB",
        "{path} 只剩 {free} MB；发布可能需要 {wanted} MB",
        "yolodeploy image prune, yolodeploy inventory prune",
    ),
    "device": Message(
        "device {device} of site {site} is not ready: {reason}",
        "站点 {site} 的设备 {device} 未就绪：{reason}",
        "yolodeploy logs --site {site} --device {device}",
    ),
    "image": Message(
        "the image of {release} is damaged: {reason}",
        "{release} 的镜像已损坏：{reason}",
        "yolodeploy image build MODEL",
    ),
    "server_version": Message(
        "site {site}: {app} on {device} is a server of yolodeploy {theirs}, and this is {ours}; "
        "what it says beyond that is not understood",
        "站点 {site}：{device} 上的 {app} 由 yolodeploy {theirs} 提供，"
        "本机为 {ours}；超出部分无法识别",
        "pip install --upgrade yolodeploy",
    ),
    "rollout": Message(
        "rollout {rollout} is {state}, and nobody drives it",
        "发布 {rollout} 处于 {state} 状态，但无人执行",
        "yolodeploy rollout resume {rollout}",
    ),
    "unfinished": Message(
        "version {number} of the settings of site {site}, by {by}, was never seen through, and"
        " nobody drives it",
        "站点 {site} 的设置版本 {number}（{by}）未完成，且无人执行",
        "yolodeploy camera undo {site}; what it was: yolodeploy camera history {site}",
        "yolodeploy camera undo {site}；其内容见 yolodeploy camera history {site}",
    ),
    "fix_what": Message(
        "--fix mends gateways, and none is named",
        "--fix 用于修复网关，但未指定任何网关",
        "yolodeploy doctor SITE --fix",
    ),
    "site_backup": Message(
        "site {site} was backed up last {days:day} ago",
        "站点 {site} 上次备份是 {days} 天前",
        "yolodeploy site backup {site}",
    ),
    "site_unproved": Message(
        "no pod has run to completion yet on {devices} of site {site}",
        "站点 {site} 的 {devices} 上尚无 Pod 运行完成",
        "yolodeploy site provision {site}",
    ),
    "site_servers": Message(
        "site {site} has {servers:server}; it needs an odd number",
        "站点 {site} 有 {servers} 台服务器；数量应为奇数",
        "yolodeploy device list --site {site}",
    ),
    "account_ends": Message(
        "the token of the account of site {site} ends in {days} days",
        "站点 {site} 的账户令牌将在 {days} 天后到期",
        "yolodeploy site account {site}",
    ),
    "k3s_certificate_ends": Message(
        "the certificate of the API server of site {site} ends in {days} days",
        "站点 {site} 的 API 服务器证书将在 {days} 天后到期",
        "yolodeploy site renew {site}",
    ),
    "token_ends": Message(
        "the token by which site {site} is reached ends in {days} days",
        "访问站点 {site} 所用的令牌将在 {days} 天后到期",
        "write a new one into {file}; of an account by k3s/account it is made by: "
        "kubectl --context {context} --namespace=yolodeploy create token --duration=2160h "
        "yolodeploy",
        "请将新令牌写入 {file}；由 k3s/account 创建的账户可用以下命令生成："
        "kubectl --context {context} --namespace=yolodeploy create token --duration=2160h "
        "yolodeploy",
    ),
    "client_certificate_ends": Message(
        "the client certificate by which site {site} is reached ends in {days} days",
        "访问站点 {site} 所用的客户端证书将在 {days} 天后到期",
        "on a server of the cluster: kubeadm certs renew admin.conf (k3s: systemctl restart k3s); "
        "then copy its new kubeconfig to {file}",
        "在集群的服务器上：kubeadm certs renew admin.conf（k3s：systemctl restart k3s）；"
        "然后将新的 kubeconfig 复制到 {file}",
    ),
    "api_certificate_ends": Message(
        "the certificate of the API server of site {site} ends in {days} days",
        "站点 {site} 的 API 服务器证书将在 {days} 天后到期",
        "on each server of the cluster: kubeadm certs renew apiserver, and restart it "
        "(k3s: systemctl restart k3s)",
        "在集群的每台服务器上：kubeadm certs renew apiserver，并重启它"
        "（k3s：systemctl restart k3s）",
    ),
    "unseen": Message(
        "the account of site {site} may not list {resource}: which devices there are is taken from "
        "our pods, what they have free is not known, and images cannot be brought before a switch",
        "站点 {site} 的账户无权列出 {resource}：设备取自我们的 Pod，其空闲资源未知，"
        "且无法在切换前预取镜像",
        "have an administrator apply k3s/account/nodes.yaml (docs/kubernetes.md)",
        "请管理员应用 k3s/account/nodes.yaml（见 docs/kubernetes.md）",
    ),
    "api_alone": Message(
        "site {site}: only its API was asked; what hosts alone show (disks, clocks, drivers, "
        "containerd, firewalls) is not known",
        "站点 {site}：仅查询了其 API；"
        "只有主机才能提供的信息（磁盘、时钟、驱动、containerd、防火墙）未知",
    ),
    "not_told": Message(
        "site {site}: nobody says here, or this account may not ask: {checks}",
        "站点 {site}：无人提供，或该账户无权查询：{checks}",
    ),
    "sum": Message(
        "{checks:check}, {wrong:finding}, {mended} mended",
        "共 {checks} 项检查，发现 {wrong} 个问题，已修复 {mended} 个",
    ),
}
