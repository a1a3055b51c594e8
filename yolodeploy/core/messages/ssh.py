"""What is said about reaching devices over SSH."""

from yolodeploy.core.messages import Message

_AGAIN = (
    "check the link, then run the same command again: it goes on where it stopped",
    "请检查网络，然后重新运行同一命令：会从中断处继续",
)

MESSAGES = {
    "address_invalid": Message(
        "{address} is no address of a device",
        "{address} 不是有效的设备地址",
        "write [USER@]HOST[:PORT], such as root@10.0.0.7 or ssh://gateway-7",
        "请写成 [USER@]HOST[:PORT]，例如 root@10.0.0.7 或 ssh://gateway-7",
    ),
    "another_host_key": Message(
        "{device} at {address} shows the host key {shown}; pinned is {pinned}, known since {since}",
        "{address} 上的 {device} 出示的主机密钥是 {shown}；固定的是 {pinned}，自 {since} 起已知",
        "when the address was given to another machine: yolodeploy device find {device}; when it "
        "was installed anew: yolodeploy device replace {device}",
        "若地址已归其他机器：yolodeploy device find {device}；"
        "若设备重装过：yolodeploy device replace {device}",
    ),
    "away": Message(
        "{device} cannot be reached at {address}: {reason}",
        "无法在 {address} 连接 {device}：{reason}",
        "check the link; when its address may have changed: yolodeploy device find {device}",
        "请检查网络；若其地址可能已改变：yolodeploy device find {device}",
    ),
    "denied": Message(
        "{device} does not let us in: {reason}",
        "{device} 拒绝登录：{reason}",
        "put your key there: ssh-copy-id {address}; or have the agent hold it: ssh-add",
        "请安装公钥：ssh-copy-id {address}；或把私钥加入代理：ssh-add",
    ),
    "host_key_changed": Message(
        "{device} shows another host key than the one that is pinned in {file}: it was installed "
        "anew, has another's address, or somebody stands in between",
        "{device} 出示的主机密钥与 {file} 中固定的不同："
        "设备可能重装过、地址已归他人，或有人在中间拦截",
        "when you know that it was installed anew: ssh-keygen -f {file} -R {name}",
        "确认设备确实重装过之后：ssh-keygen -f {file} -R {name}",
    ),
    "no_client": Message(
        "there is no ssh on this machine",
        "本机没有 ssh",
        "install OpenSSH's client: apt install openssh-client",
        "请安装 OpenSSH 客户端：apt install openssh-client",
    ),
    "no_folder": Message(
        "no folder can be made in {path}: {reason}",
        "无法在 {path} 中创建文件夹：{reason}",
        "make room, or name another folder with TMPDIR",
        "请腾出空间，或用 TMPDIR 指定其他文件夹",
    ),
    "no_host_keys": Message(
        "the devices' host keys cannot be kept in {path}: {reason}",
        "无法在 {path} 中保存设备的主机密钥：{reason}",
        "make the file writable for you, or name another home with YOLODEPLOY_HOME",
        "请使该文件可写，或用 YOLODEPLOY_HOME 指定其他主目录",
    ),
    "no_such_host": Message(
        "nobody knows the address of {device}: {reason}",
        "无法解析 {device} 的地址：{reason}",
        "check the name {address}, or write the number",
        "请检查名称 {address}，或直接写 IP 地址",
    ),
    "port_taken": Message(
        "port {port} of this machine cannot be had: {reason}",
        "无法使用本机端口 {port}：{reason}",
        "name another one with --port, or leave it out",
        "请用 --port 指定其他端口，或省略该选项",
    ),
    "silent": Message(
        "{device} said nothing for {seconds} s",
        "{device} 在 {seconds} 秒内没有响应",
        *_AGAIN,
    ),
    "too_many_hops": Message(
        "there are {hops} hosts in between, {most} at most",
        "中间有 {hops} 台主机，最多 {most} 台",
        "name fewer, or describe the way in ~/.ssh/config (ProxyJump)",
        "请减少中间主机，或在 ~/.ssh/config 中描述路径（ProxyJump）",
    ),
    "unreachable": Message(
        "{device} cannot be reached: {reason}",
        "无法连接 {device}：{reason}",
        *_AGAIN,
    ),
    "unreadable": Message(
        "{path} cannot be read: {reason}",
        "无法读取 {path}：{reason}",
        "build or pull the image again, then run the same command",
        "请重新构建或拉取镜像，然后重新运行同一命令",
    ),
}
