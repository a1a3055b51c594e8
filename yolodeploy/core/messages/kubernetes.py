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
    "adopted": Message(
        "the cluster of context {context} in {file} is site {site} already",
        "{file} 中上下文 {context} 的集群已是站点 {site}",
        "yolodeploy site show {site}",
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
        "change the quota or the rule that is named, then: "
        "yolodeploy rollout start RELEASE --site {site}",
        "请修改上述配额或规则，然后：yolodeploy rollout start RELEASE --site {site}",
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
        "yolodeploy rollout resume {rollout}",
    ),
    "busy": Message(
        "the API server of site {site} has too much to do (429): {reason}",
        "站点 {site} 的 API 服务器过于繁忙（429）：{reason}",
        "wait a little, then: yolodeploy rollout resume {rollout}",
        "请稍候，然后：yolodeploy rollout resume {rollout}",
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
        "{device} of site {site} does not get its image {name}: {reason}",
        "站点 {site} 的 {device} 无法获取镜像 {name}：{reason}",
        "over SSH: yolodeploy image send {digest} {device}; or image push likewise, where there is "
        "a registry: yolodeploy config set registry HOST/PATH",
        "经 SSH：yolodeploy image send {digest} {device}；如有镜像仓库，可同样使用 image push："
        "yolodeploy config set registry HOST/PATH",
    ),
    "not_run": Message(
        "{device} of site {site} has image {name} and cannot run it: {reason}",
        "站点 {site} 的 {device} 已有镜像 {name}，但无法运行：{reason}",
        "put server and model on a base: yolodeploy image build MODEL --base cpu",
        "请把服务器和模型构建在基础镜像上：yolodeploy image build MODEL --base cpu",
    ),
    "no_pull": Message(
        "the pod that brings image {name} to {device} of site {site} does not start: {reason}",
        "站点 {site}：为 {device} 获取镜像 {name} 的 Pod 未启动：{reason}",
        "make room, or change the rule that kubectl -n {namespace} get events names; or over SSH: "
        "yolodeploy image send {digest} {device}",
        "请腾出空间，或修改 kubectl -n {namespace} get events 指出的规则；也可经 SSH："
        "yolodeploy image send {digest} {device}",
    ),
    "no_base": Message(
        "pods of site {site} cannot run image {image}: server and model are in it, and no base",
        "站点 {site} 的 Pod 无法运行镜像 {image}：其中只有服务器和模型，没有基础镜像",
        "yolodeploy image build MODEL --base cpu, then a release of that: "
        "yolodeploy release create {app} --image MODEL",
        "yolodeploy image build MODEL --base cpu，再据此创建版本："
        "yolodeploy release create {app} --image MODEL",
    ),
    "no_keeper": Message(
        "site {site}: the pod that takes engines of {app} in does not start: {reason}",
        "站点 {site}：接收 {app} 引擎的 Pod 未启动：{reason}",
        "kubectl -n {app} describe pods -l app.kubernetes.io/name=yolodeploy-engines, "
        "then roll the release out again",
        "kubectl -n {app} describe pods -l app.kubernetes.io/name=yolodeploy-engines，"
        "然后重新部署该版本",
    ),
    "engine_differs": Message(
        "engine file {file} of site {site} is not what its digest says",
        "站点 {site} 的引擎文件 {file} 与其摘要不符",
        "yolodeploy doctor {site}",
    ),
    "engine_store": Message(
        "engines cannot be kept in {path}: {reason}",
        "无法在 {path} 中保存引擎：{reason}",
        "free space on its disk, then: yolodeploy rollout start APP@N",
        "请释放该磁盘的空间，然后：yolodeploy rollout start APP@N",
    ),
    "engine_refused": Message(
        "site {site} has no place for engine file {file}: {reason}",
        "站点 {site} 没有空间存放引擎文件 {file}：{reason}",
        "yolodeploy app place APP --site {site} --storage-class CLASS",
    ),
    "engine_source": Message(
        "site {site}, which has its engine, does not answer: {reason}",
        "拥有该引擎的站点 {site} 没有响应：{reason}",
        "yolodeploy status --refresh",
    ),
}
