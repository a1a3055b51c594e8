"""What is said about clusters."""

from yolodeploy.core.messages import Message

MESSAGES = {
    "not_installed": Message(
        "site {site} is a cluster, and the Kubernetes client is not installed",
        "站点 {site} 是集群，但未安装 Kubernetes 客户端",
        "pip install 'yolodeploy[kubernetes]'",
    ),
    "location": Message(
        "{location} does not name a kubeconfig and its context",
        "{location} 未指明 kubeconfig 及其上下文",
        "yolodeploy site adopt NAME --context CONTEXT",
    ),
    "kubeconfig": Message(
        "site {site}: kubeconfig {file} cannot be used: {reason}",
        "站点 {site}：无法使用 kubeconfig {file}：{reason}",
        "see what is in it: kubectl --kubeconfig {file} config get-contexts",
        "请查看其内容：kubectl --kubeconfig {file} config get-contexts",
    ),
    "silent": Message(
        "the API server of site {site} does not answer: {reason}",
        "站点 {site} 的 API 服务器没有响应：{reason}",
        "check the link, then: yolodeploy status --refresh",
        "请检查网络连接，然后：yolodeploy status --refresh",
    ),
    "unauthorized": Message(
        "site {site} does not accept the kubeconfig's credentials (401): {reason}",
        "站点 {site} 不接受 kubeconfig 的凭据（401）：{reason}",
        "fetch a new kubeconfig from the cluster (certificates and tokens run out), then repeat",
        "请从集群重新获取 kubeconfig（证书和令牌会过期），然后重试",
    ),
    "account_over": Message(
        "site {site} does not accept its account any more (401): its token has ended or was taken",
        "站点 {site} 不再接受其账户（401）：令牌已过期或被撤销",
        "yolodeploy site account {site}",
    ),
    "too_old": Message(
        "site {site} no longer remembers what {asked} goes on from (410)",
        "站点 {site} 已不再保留 {asked} 所续的版本（410）",
        "repeat the command",
        "请重试",
    ),
    "forbidden": Message(
        "on site {site} {user} may not {verb} {resource} in {namespace}",
        "在站点 {site} 上，{user} 无权对 {namespace} 中的 {resource} 执行 {verb}",
        "have an administrator apply k3s/account/ (docs/kubernetes.md), then repeat the command",
        "请管理员应用 k3s/account/（见 docs/kubernetes.md），然后重试",
    ),
    "denied": Message(
        "site {site} refuses it by a rule of its own: {reason}",
        "站点 {site} 按其自身规则拒绝：{reason}",
        "change the quota or the admission rule that is named, then: yolodeploy rollout resume ID",
        "请修改上述配额或准入规则，然后：yolodeploy rollout resume ID",
    ),
    "absent": Message(
        "site {site} has no such object ({asked}): {reason}",
        "站点 {site} 没有该对象（{asked}）：{reason}",
        "yolodeploy status --refresh",
    ),
    "conflict": Message(
        "on site {site} {manager} manages what is ours: {fields}",
        "在站点 {site} 上，{manager} 管理着属于我们的字段：{fields}",
        "have {manager} leave these fields alone, then apply what is ours with kubectl apply "
        "--server-side --force-conflicts --field-manager=yolodeploy -f -; it is printed by: "
        "yolodeploy release show NAME --site {site}",
        "请让 {manager} 不再管理这些字段，然后用 kubectl apply --server-side --force-conflicts "
        "--field-manager=yolodeploy -f - 应用我们的内容，其输出命令为："
        "yolodeploy release show NAME --site {site}",
    ),
    "changed": Message(
        "site {site} was changed by somebody else at the same moment: {reason}",
        "站点 {site} 同时被他人更改：{reason}",
        "repeat the command",
        "请重试",
    ),
    "contended": Message(
        "site {site} was changed by others {tries} times in a row while it was to be changed",
        "更改站点 {site} 时，它连续 {tries} 次被他人更改",
        "yolodeploy rollout resume ID",
    ),
    "busy": Message(
        "the API server of site {site} has too much to do (429): {reason}",
        "站点 {site} 的 API 服务器过于繁忙（429）：{reason}",
        "wait a little, then: yolodeploy rollout resume ID",
        "请稍候，然后：yolodeploy rollout resume ID",
    ),
    "broken": Message(
        "the API server of site {site} fails (HTTP {status}): {reason}",
        "站点 {site} 的 API 服务器出错（HTTP {status}）：{reason}",
        "look at the cluster's own log (journalctl -u k3s), then: yolodeploy status --refresh",
        "请查看集群自身的日志（journalctl -u k3s），然后：yolodeploy status --refresh",
    ),
    "invalid": Message(
        "site {site} does not accept {asked} (HTTP {status}): {reason}",
        "站点 {site} 不接受 {asked}（HTTP {status}）：{reason}",
        "yolodeploy release show NAME --site {site}, and look for what is named",
        "yolodeploy release show NAME --site {site}，并查找上述内容",
    ),
    "garbage": Message(
        "the API server of site {site} answers {path} with something else: {reason}",
        "站点 {site} 的 API 服务器对 {path} 返回了无效内容：{reason}",
        "check that the kubeconfig's server is an API server, and no proxy's page",
        "请确认 kubeconfig 中的服务器是 API 服务器，而不是代理页面",
    ),
    "too_large": Message(
        "site {site} answers {path} with more than {megabytes} MB",
        "站点 {site} 对 {path} 的响应超过 {megabytes} MB",
        "yolodeploy logs --site {site}",
    ),
    "record": Message(
        "site {site}: the record of {app} is damaged: {reason}",
        "站点 {site}：{app} 的记录已损坏：{reason}",
        "kubectl -n {app} delete configmap yolodeploy-record, then roll a release out again",
        "kubectl -n {app} delete configmap yolodeploy-record，然后重新部署版本",
    ),
    "not_ours": Message(
        "site {site} has a namespace {namespace} that is not ours",
        "站点 {site} 上的命名空间 {namespace} 不属于我们",
        "give the app another name, or: kubectl label namespace {namespace} "
        "app.kubernetes.io/part-of=yolodeploy",
        "请为应用改名，或：kubectl label namespace {namespace} "
        "app.kubernetes.io/part-of=yolodeploy",
    ),
    "not_pulled": Message(
        "{device} of site {site} does not get image {image}: {reason}",
        "站点 {site} 的 {device} 无法获取镜像 {image}：{reason}",
        "bring it there: yolodeploy image send IMAGE {device}",
        "请将其送达：yolodeploy image send IMAGE {device}",
    ),
}
