"""What is found of k3s on one host."""

from yolodeploy.core.messages import Message

MESSAGES = {
    "leftover": Message(
        "parts of an earlier or half-installed k3s are here: {left}",
        "存在旧的或未装完的 k3s 残留：{left}",
        "provision the site again; or away with it: k3s-killall.sh, k3s-uninstall.sh, "
        "rm -r /var/lib/rancher/k3s /etc/rancher",
        "请重新部署站点；或清除：k3s-killall.sh、k3s-uninstall.sh、"
        "rm -r /var/lib/rancher/k3s /etc/rancher",
    ),
    "k3s_stopped": Message(
        "{unit} is {state}; it said last: {line}",
        "{unit} 处于 {state} 状态；最后的消息：{line}",
        "journalctl -eu {unit}, then systemctl restart {unit}",
        "journalctl -eu {unit}，然后 systemctl restart {unit}",
    ),
    "k3s_version": Message(
        "k3s is {version}, the lock says {wanted}",
        "k3s 为 {version}，锁文件要求 {wanted}",
        "yolodeploy site upgrade SITE; where it is newer than the lock: yolodeploy site lock",
        "yolodeploy site upgrade SITE；若比锁文件新：yolodeploy site lock",
    ),
    "config_mode": Message(
        "others can read secrets of the cluster: {files}",
        "其他用户可读取集群密钥：{files}",
        "chmod 600 {files}",
        "chmod 600 {files}",
    ),
    "containerd_template": Message(
        "a template replaces containerd's configuration instead of extending k3s's: {files}; the "
        "next upgrade of k3s breaks it",
        "模板整体替换了 containerd 配置而不是扩展 k3s 的配置：{files}；下次升级 k3s 会失败",
        "rm {files}; what must stay goes into config-v3.toml.tmpl, which begins with the base "
        "template",
        "rm {files}；需保留的内容写入以 base 模板开头的 config-v3.toml.tmpl",
    ),
    "certificates": Message(
        "{file} ends in {days} days; a k3s that is not restarted before does not come back",
        "{file} 还有 {days} 天到期；此前不重启，k3s 将无法恢复",
        "yolodeploy site renew SITE; by hand: see that the clock is right, then systemctl restart "
        "k3s on the servers, k3s-agent on the agents",
        "yolodeploy site renew SITE；手动：请确认时钟正确，然后在服务器上 systemctl restart k3s，"
        "在代理节点上 systemctl restart k3s-agent",
    ),
    "datastore": Message(
        "the cluster's database {file} has {mb} MB, {most} are a lot",
        "集群数据库 {file} 有 {mb} MB，超过 {most} MB 即偏大",
        "find what writes that much: k3s kubectl get events -A; then systemctl restart k3s, which "
        "compacts it",
        "查找大量写入者：k3s kubectl get events -A；然后 systemctl restart k3s 以压缩",
    ),
    "node_password": Message(
        "the node {node} is refused, as one installed anew is: {line}",
        "节点 {node} 被拒绝（通常因重装系统）：{line}",
        "on a server: k3s kubectl -n kube-system delete secret {node}.node-password.k3s, and "
        "k3s kubectl delete node {node} where the device was replaced",
        "在服务器上：k3s kubectl -n kube-system delete secret {node}.node-password.k3s；"
        "若设备已更换，再运行 k3s kubectl delete node {node}",
    ),
    "node_password_file": Message(
        "the node {node} has lost /etc/rancher/node/password; it will be refused at its next start",
        "节点 {node} 丢失了 /etc/rancher/node/password；下次启动将被拒绝",
        "on a server: k3s kubectl -n kube-system delete secret {node}.node-password.k3s, then "
        "restart k3s here",
        "在服务器上：k3s kubectl -n kube-system delete secret {node}.node-password.k3s，"
        "然后重启本机的 k3s",
    ),
    "containerd_corrupt": Message(
        "containerd or the database is damaged, as after a power loss: {line}",
        "containerd 或数据库已损坏（如断电之后）：{line}",
        "on an agent: systemctl stop k3s-agent, rm -r /var/lib/rancher/k3s/agent/containerd, "
        "systemctl start k3s-agent, and send the images again; on a server restore the backup",
        "代理节点：systemctl stop k3s-agent，rm -r /var/lib/rancher/k3s/agent/containerd，"
        "systemctl start k3s-agent，并重新发送镜像；服务器：恢复备份",
    ),
    "images_missing": Message(
        "images that were brought here are gone: {images}",
        "已送达的镜像不见了：{images}",
        "systemctl restart k3s (or k3s-agent), which takes in what lies in "
        "/var/lib/rancher/k3s/agent/images; of these one alone: k3s ctr -n k8s.io images import "
        "{archives}",
        "systemctl restart k3s（或 k3s-agent）会导入 /var/lib/rancher/k3s/agent/images 中的文件；"
        "单独导入：k3s ctr -n k8s.io images import {archives}",
    ),
    "images_unpinned": Message(
        "images that were brought here may be thrown away when the disk fills: {images}",
        "磁盘将满时，已送达的镜像可能被删除：{images}",
        "k3s ctr -n k8s.io images label NAME io.cri-containerd.pinned=pinned",
        "k3s ctr -n k8s.io images label NAME io.cri-containerd.pinned=pinned",
    ),
}
