"""What is found of routes, names, ports, packet sizes and proxies."""

from yolodeploy.core.messages import Message

MESSAGES = {
    "route": Message(
        "there is no default route, and k3s does not start without one",
        "没有默认路由，k3s 无法启动",
        "ip route add default via ADDRESS; on an island: ip link add dummy0 type dummy && ip addr "
        "add 203.0.113.254/31 dev dummy0 && ip link set dummy0 up && ip route add default via "
        "203.0.113.255 dev dummy0 metric 1000",
        "ip route add default via ADDRESS；孤立网络：ip link add dummy0 type dummy && ip addr add "
        "203.0.113.254/31 dev dummy0 && ip link set dummy0 up && ip route add default via "
        "203.0.113.255 dev dummy0 metric 1000",
    ),
    "port": Message(
        "{programs}, which is not k3s, listens on port {ports}",
        "非 k3s 的程序 {programs} 正在监听端口 {ports}",
        "ss -Hltnp '{filter}', and stop it",
        "ss -Hltnp '{filter}'，并停止该程序",
    ),
    "name_own": Message(
        "the host does not know its own name {name}",
        "主机无法解析自己的名称 {name}",
        "echo '127.0.1.1 {name}' >> /etc/hosts",
        "echo '127.0.1.1 {name}' >> /etc/hosts",
    ),
    "names": Message(
        "nobody here knows the address of {names}",
        "此处无法解析 {names} 的地址",
        "name the plant's name server in /etc/resolv.conf, or write the address into /etc/hosts",
        "请在 /etc/resolv.conf 中指定厂内域名服务器，或把地址写入 /etc/hosts",
    ),
    "mtu": Message(
        "packets of {interfaces} do not fit into those of {interface} ({mtu} bytes, 50 of them for "
        "VXLAN)",
        "{interfaces} 的数据包大于 {interface} 可承载的大小（{mtu} 字节，其中 VXLAN 占 50）",
        "systemctl restart k3s (or k3s-agent): it measures again; then start the pods anew",
        "systemctl restart k3s（或 k3s-agent）重新测量；然后重启各 Pod",
    ),
    "path_mtu": Message(
        "packets of {mtu} bytes are lost on the way to {server}, those of {fits} arrive: images "
        "and logs will hang",
        "到 {server} 的途中 {mtu} 字节的数据包丢失，{fits} 字节的可以到达：镜像和日志会卡住",
        "ip link set {interface} mtu {fits}, and the same in the network's settings; or mend the "
        "switch or tunnel in between",
        "ip link set {interface} mtu {fits}，并写入网络配置；或修复中间的交换机或隧道",
    ),
    "api_reach": Message(
        "the server's API does not answer at {server}:{port}: {reason}",
        "服务器 API {server}:{port} 没有响应：{reason}",
        "on the server: systemctl status k3s; and open TCP {port} and 10250, UDP 8472 between the "
        "devices",
        "在服务器上运行 systemctl status k3s；并在设备之间开放 TCP {port}、10250 和 UDP 8472",
    ),
    "firewall": Message(
        "{services} is on, and knows nothing of pods and services",
        "{services} 已启用，但不了解 Pod 和服务网络",
        "ufw disable, or systemctl disable --now firewalld; or let in 10.42.0.0/16, 10.43.0.0/16 "
        "and the devices",
        "ufw disable 或 systemctl disable --now firewalld；"
        "或放行 10.42.0.0/16、10.43.0.0/16 和各设备",
    ),
    "address_dynamic": Message(
        "the server's address {address} on {interface} comes from DHCP; agents and certificates "
        "name it",
        "服务器在 {interface} 上的地址 {address} 来自 DHCP；代理节点和证书都引用它",
        "have the DHCP server reserve it, or set it by hand",
        "请在 DHCP 服务器上保留该地址，或手动设置",
    ),
    "proxy": Message(
        "programs here use the proxy {proxy}, k3s does not know of it",
        "此处的程序使用代理 {proxy}，但 k3s 不知道",
        "say it as site_proxy, or write HTTP_PROXY, HTTPS_PROXY and NO_PROXY into "
        "/etc/systemd/system/k3s.service.env and restart k3s",
        "请用 site_proxy 指定，或把 HTTP_PROXY、HTTPS_PROXY 和 NO_PROXY 写入 "
        "/etc/systemd/system/k3s.service.env 并重启 k3s",
    ),
    "proxy_exceptions": Message(
        "what is inside the cluster goes to the proxy: NO_PROXY ({said}) lacks {lacking}",
        "集群内部流量会走代理：NO_PROXY（{said}）缺少 {lacking}",
        "add {lacking} to NO_PROXY in /etc/systemd/system/k3s.service.env and restart k3s",
        "请在 /etc/systemd/system/k3s.service.env 的 NO_PROXY 中加入 {lacking} 并重启 k3s",
    ),
}
