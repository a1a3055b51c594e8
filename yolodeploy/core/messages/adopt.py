"""What is said about clusters that are taken into the inventory."""

from yolodeploy.core.messages import Message

MESSAGES = {
    "absent": Message(
        "no server of k3s runs at {address}",
        "{address} 上没有运行 k3s 服务器",
        "name a server, not an agent: yolodeploy site adopt NAME --address USER@HOST",
        "请指定服务器而不是代理节点：yolodeploy site adopt NAME --address USER@HOST",
    ),
    "garbled": Message(
        "what {address} tells of its cluster makes no sense: {reason}",
        "{address} 返回的集群信息无效：{reason}",
        "look at it there: k3s kubectl get nodes",
        "请在该机器上查看：k3s kubectl get nodes",
    ),
    "no_key": Message(
        "the key of {address} could not be kept",
        "无法保存 {address} 的密钥",
        "look at ~/.ssh/config: it names another file for that host",
        "请检查 ~/.ssh/config：其中为该主机指定了其他文件",
    ),
    "no_server": Message(
        "the cluster at {address} names no server",
        "{address} 上的集群未列出服务器",
        "look at it there: k3s kubectl get nodes",
        "请在该机器上查看：k3s kubectl get nodes",
    ),
    "not_encrypted": Message(
        "its secrets are stored in clear (no secrets-encryption)",
        "其机密以明文存储（未启用 secrets-encryption）",
    ),
    "not_k3s": Message(
        "{device} runs {version}, which is no k3s",
        "{device} 运行 {version}，不是 k3s",
        "sites are of k3s; look at it there: kubectl get nodes",
        "站点必须是 k3s；请在该机器上查看：kubectl get nodes",
    ),
    "not_ours": Message(
        "its units and configuration are not those of yolodeploy; provisioning would rewrite them",
        "其单元文件和配置不是 yolodeploy 的；部署时会被重写",
    ),
    "one_token": Message(
        "its agents have the server's token, which is as good as administrator",
        "其代理节点使用服务器令牌，等同于管理员权限",
    ),
    "open_config": Message(
        "others can read its config.yaml (its mode is not 0600)",
        "其他用户可读取其 config.yaml（权限不是 0600）",
    ),
    "token_in_config": Message(
        "its token stands in config.yaml",
        "其令牌写在 config.yaml 中",
    ),
}
