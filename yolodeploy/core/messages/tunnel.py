"""What is said about reaching a site's API through SSH."""

from yolodeploy.core.messages import Message

MESSAGES = {
    "api_silent": Message(
        "{device} can be reached, but the API of site {site} does not answer there: {reason}",
        "可以连接 {device}，但站点 {site} 的 API 没有响应：{reason}",
        "see why on {device}: sudo journalctl -u k3s -n 50; whether sshd lets ports through: "
        "sudo sshd -T | grep -i allowtcpforwarding",
        "请在 {device} 上查看原因：sudo journalctl -u k3s -n 50；sshd 是否允许端口转发："
        "sudo sshd -T | grep -i allowtcpforwarding",
    ),
    "back": Message("the tunnel to {device} is open again", "到 {device} 的隧道已重新打开"),
    "kubeconfig": Message(
        "the kubeconfig of site {site} makes no sense: {reason}",
        "站点 {site} 的 kubeconfig 无效：{reason}",
        "look at it on the server: sudo cat /etc/rancher/k3s/k3s.yaml; k3s writes it anew when it "
        "starts: sudo systemctl restart k3s",
        "请在服务器上查看：sudo cat /etc/rancher/k3s/k3s.yaml；"
        "k3s 启动时会重新生成：sudo systemctl restart k3s",
    ),
    "no_k3s": Message(
        "no k3s has run on {device} yet",
        "{device} 上还没有运行过 k3s",
        "yolodeploy site provision {site}",
    ),
    "no_server": Message(
        "site {site} has no device that is a server",
        "站点 {site} 没有作为服务器的设备",
        "yolodeploy device add NAME USER@HOST --site {site} --server",
    ),
    "not_k3s": Message(
        "site {site} is no k3s site: there is no API to reach",
        "站点 {site} 不是 k3s 站点：没有可访问的 API",
        "yolodeploy site list",
    ),
    "open": Message(
        "the API of site {site} is at 127.0.0.1:{port}, through {device}; Ctrl-C closes it",
        "站点 {site} 的 API 位于 127.0.0.1:{port}，经由 {device}；按 Ctrl-C 关闭",
    ),
}
