"""What is found of the cluster, and of its hosts side by side."""

from yolodeploy.core.messages import Message

MESSAGES = {
    "node_not_ready": Message(
        "nodes are not ready: {nodes}",
        "节点未就绪：{nodes}",
        "k3s kubectl describe node {nodes}, and journalctl -eu k3s-agent there",
        "k3s kubectl describe node {nodes}，并在该节点上 journalctl -eu k3s-agent",
    ),
    "node_cordoned": Message(
        "nodes take no new pods, as after a drain that failed: {nodes}",
        "节点不接受新 Pod（如排空失败之后）：{nodes}",
        "k3s kubectl uncordon {nodes}",
        "k3s kubectl uncordon {nodes}",
    ),
    "node_pressure": Message(
        "nodes are short of memory, disk or processes, and turn pods out: {nodes}",
        "节点内存、磁盘或进程不足，正在驱逐 Pod：{nodes}",
        "k3s kubectl describe node {nodes}; make room there: k3s crictl rmi --prune",
        "k3s kubectl describe node {nodes}；在该节点腾出空间：k3s crictl rmi --prune",
    ),
    "node_missing": Message(
        "devices of the site are no nodes of its cluster: {nodes}",
        "站点的设备不是集群节点：{nodes}",
        "journalctl -eu k3s-agent there; then provision the site again",
        "在该设备上 journalctl -eu k3s-agent；然后重新部署站点",
    ),
    "node_address": Message(
        "the cluster looks for nodes where they are no more: {nodes}",
        "集群记录的节点地址已失效：{nodes}",
        "have the DHCP server reserve the address; then systemctl restart k3s (or k3s-agent) there",
        "请在 DHCP 服务器上保留地址；然后在该节点上 systemctl restart k3s（或 k3s-agent）",
    ),
    "gpu_runtime_class": Message(
        "the runtime class {name} is missing; no GPU pod starts",
        "缺少运行时类 {name}；GPU Pod 无法启动",
        "systemctl restart k3s on a server, which makes it; a k3s older than 1.30 needs it applied "
        "by hand",
        "在服务器上 systemctl restart k3s 即会创建；低于 1.30 的 k3s 需手动创建",
    ),
    "gpu_allocatable": Message(
        "nodes do not offer the GPUs that they were told to: {nodes}",
        "节点提供的 GPU 与设定不符：{nodes}",
        "k3s kubectl -n kube-system logs -l app.kubernetes.io/name=nvidia-device-plugin; then set "
        "the sharing again",
        "k3s kubectl -n kube-system logs -l app.kubernetes.io/name=nvidia-device-plugin；"
        "然后重新设置共享方式",
    ),
    "gpu_two_owners": Message(
        "the GPU operator ({namespaces}) and the host's own toolkit are both here; it must be one",
        "GPU Operator（{namespaces}）与主机工具包同时存在；只能保留一个",
        "helm uninstall the operator, or leave the site to it",
        "请用 helm uninstall 卸载 Operator，或把站点交给它管理",
    ),
    "pods_waiting": Message(
        "{count} pods wait for a place that there is not, such as a GPU: {pods}",
        "{count} 个 Pod 因资源不足（如 GPU）而等待：{pods}",
        "k3s kubectl describe pod; with one GPU a Deployment needs the strategy Recreate, or "
        "maxSurge 0",
        "k3s kubectl describe pod；单 GPU 的 Deployment 需用 Recreate 策略或 maxSurge 0",
    ),
    "pods_ending": Message(
        "{count} pods do not come to an end, and hold what they had: {pods}",
        "{count} 个 Pod 无法结束，仍占用资源：{pods}",
        "k3s kubectl delete pod --grace-period=0 --force; where it stays, restart k3s there",
        "k3s kubectl delete pod --grace-period=0 --force；若仍存在，请重启该节点的 k3s",
    ),
    "pods_pulling": Message(
        "{count} pods lack their image: {pods}",
        "{count} 个 Pod 缺少镜像：{pods}",
        "send the image to the device, or check registry and /etc/rancher/k3s/registries.yaml",
        "请把镜像发送到设备，或检查仓库和 /etc/rancher/k3s/registries.yaml",
    ),
    "backup": Message(
        "the site has no backup of the last {most} days (days since the newest, {days})",
        "站点最近 {most} 天内没有备份（距最近一次的天数：{days}）",
        "yolodeploy site backup SITE; or ansible-playbook backup.yml",
        "yolodeploy site backup SITE；或 ansible-playbook backup.yml",
    ),
    "double_name": Message(
        "hosts have one name, {value}: {hosts}; the second one takes the first one's place",
        "主机同名 {value}：{hosts}；后者会顶替前者",
        "hostnamectl set-hostname another, on one of them",
        "在其中一台上 hostnamectl set-hostname 新名称",
    ),
    "double_machine_id": Message(
        "hosts are copies of one card or disk, with one machine-id: {hosts}",
        "主机是同一张卡或磁盘的副本，machine-id 相同：{hosts}",
        "on one of them: rm /etc/machine-id /var/lib/dbus/machine-id; systemd-machine-id-setup && "
        "reboot",
        "在其中一台上：rm /etc/machine-id /var/lib/dbus/machine-id; systemd-machine-id-setup && "
        "reboot",
    ),
    "double_mac": Message(
        "hosts have one hardware address, {value}: {hosts}; a switch sends to one of them only",
        "主机的硬件地址相同 {value}：{hosts}；交换机只会发给其中一台",
        "ip link set IFNAME address, another one, and in the network's settings",
        "用 ip link set IFNAME address 改为其他地址，并写入网络配置",
    ),
    "servers_even": Message(
        "{count} servers survive the loss of no more of them than one fewer would",
        "{count} 台服务器能承受的故障数并不比少一台时更多",
        "make it an odd number: three survive the loss of one",
        "请使用奇数台：三台可承受一台故障",
    ),
}
