"""What is said about plays: Ansible on the hosts of a site."""

from yolodeploy.core.messages import Message

_AGAIN = (
    "mend it, then run the same command again: it goes on where it stopped",
    "解决后重新运行同一命令：会从中断处继续",
)

MESSAGES = {
    "step": Message(
        "{host}: {role} {task}: {state} ({seconds} s)",
        "{host}：{role} {task}：{state}（{seconds} 秒）",
    ),
    "host": Message("{host}: {state}, {changed} changed", "{host}：{state}，更改 {changed} 项"),
    "state_running": Message("running", "进行中"),
    "state_ok": Message("ok", "正常"),
    "state_changed": Message("changed", "已更改"),
    "state_skipped": Message("skipped", "已跳过"),
    "state_failed": Message("failed", "失败"),
    "state_unreachable": Message("unreachable", "无法连接"),
    "state_waiting": Message("waits for the others", "等待其他设备"),
    "arch": Message(
        "{device} has a processor {arch}, for which nothing is built (known: {known})",
        "{device} 的处理器为 {arch}，没有对应的构建（支持：{known}）",
        "use a gateway with one of these",
        "请使用上述处理器的网关",
    ),
    "bundle_closed": Message(
        "bundle {path} has not been opened here, and a dry run opens none",
        "bundle {path} 尚未在本机展开，而演练不会展开它",
        "yolodeploy bundle apply {path}",
    ),
    "bundle_parts": Message(
        "bundle {path} carries nothing to provision gateways with",
        "bundle {path} 中没有用于部署网关的文件",
        "make one with k3s in it: yolodeploy bundle create FILE --file k3s=PATH",
        "请制作包含 k3s 的 bundle：yolodeploy bundle create FILE --file k3s=PATH",
    ),
    "where_from": Message(
        "it is not said where k3s comes from",
        "未指明 k3s 的来源",
        "add --bundle FILE, --parts DIR or --online",
        "加上 --bundle FILE、--parts DIR 或 --online",
    ),
    "busy": Message(
        "site {site} is being changed by operation {operation} ({playbook}) since {since}",
        "操作 {operation}（{playbook}）自 {since} 起正在更改站点 {site}",
        "yolodeploy operations follow {operation} (or end it: yolodeploy operations cancel "
        "{operation})",
        "yolodeploy operations follow {operation}（或结束它：yolodeploy operations cancel "
        "{operation}）",
    ),
    "stopped": Message(
        "{device} is not done: the play was cancelled",
        "{device} 未完成：操作已取消",
        "the same command goes on where it stopped",
        "重新运行同一命令即可从中断处继续",
    ),
    "cancelled": Message(
        "the play on site {site} was cancelled; what was done stays",
        "站点 {site} 上的操作已取消；已完成的部分保留",
        "run the same command again: it goes on where it stopped",
        "重新运行同一命令：会从中断处继续",
    ),
    "deadline": Message(
        "{device}: {task} took longer than {seconds} s and was ended",
        "{device}：{task} 超过 {seconds} 秒，已终止",
        "look into what its journal says above, then run the same command again",
        "请查看上面的设备日志，然后重新运行同一命令",
    ),
    "done": Message(
        "site {site}: {done} of {all} devices are done, {changed} things changed",
        "站点 {site}：{all} 台设备中 {done} 台完成，共更改 {changed} 项",
    ),
    "disk_full": Message(
        "{device}: the disk is full: {reason}",
        "{device}：磁盘已满：{reason}",
        "make room there (apt-get clean; journalctl --vacuum-size=100M; df -h), then run the same "
        "command again",
        "请在设备上腾出空间（apt-get clean；journalctl --vacuum-size=100M；df -h），"
        "然后重新运行同一命令",
    ),
    "no_room": Message(
        "{device} has {free} bytes free and needs {needed} for the parts",
        "{device} 剩余 {free} 字节，部件需要 {needed} 字节",
        "make room there (apt-get clean; journalctl --vacuum-size=100M; df -h), then run the same "
        "command again",
        "请在设备上腾出空间（apt-get clean；journalctl --vacuum-size=100M；df -h），"
        "然后重新运行同一命令",
    ),
    "no_parts": Message(
        "{path} holds no parts: none of the folders {roles} has a file",
        "{path} 中没有部件：文件夹 {roles} 均为空",
        "name a folder as a bundle has it: k3s/k3s, k3s-images/*.tar.zst, images/*.tar",
        "请指定与 bundle 相同结构的文件夹：k3s/k3s、k3s-images/*.tar.zst、images/*.tar",
    ),
    "part_differs": Message(
        "{path} has the digest {digest}, pinned is {pinned}",
        "{path} 的摘要为 {digest}，锁定的是 {pinned}",
        "fetch the file again, or pin its version: yolodeploy site lock",
        "请重新下载该文件，或锁定其版本：yolodeploy site lock",
    ),
    "part_unlocked": Message(
        "the lock has no digest of {path}",
        "锁文件中没有 {path} 的摘要",
        "pin the versions on a machine with internet: yolodeploy site lock",
        "请在联网的机器上锁定版本：yolodeploy site lock",
    ),
    "part_unreadable": Message(
        "{path} cannot be read: {reason}",
        "无法读取 {path}：{reason}",
        "ls -l {path}",
    ),
    "parts_arch": Message(
        "{device} is {arch}, and the parts are for {known}",
        "{device} 的架构为 {arch}，而部件适用于 {known}",
        "add k3s for {arch} to the bundle: yolodeploy bundle create FILE --file k3s=PATH",
        "请将 {arch} 的 k3s 加入 bundle：yolodeploy bundle create FILE --file k3s=PATH",
    ),
    "parts_spoilt": Message(
        "{device}: what arrives is not what was sent",
        "{device}：收到的内容与发送的不一致",
        "check the disk of {device} (dmesg | tail), then run the same command again",
        "请检查 {device} 的磁盘（dmesg | tail），然后重新运行同一命令",
    ),
    "program_failed": Message(
        "{device}: {reason}",
        "{device}：{reason}",
        *_AGAIN,
    ),
    "journal": Message("{device} | {line}", "{device} | {line}"),
    "no_ansible": Message(
        "Ansible is not installed here",
        "本机未安装 Ansible",
        "pip install 'yolodeploy[provision]'",
    ),
    "no_device": Message(
        "site {site} has no devices",
        "站点 {site} 没有设备",
        "yolodeploy device add NAME ADDRESS --site {site} --server",
    ),
    "no_hosts": Message(
        "site {site} is of kind {kind}: its devices are no hosts that could be provisioned",
        "站点 {site} 的类型为 {kind}：其设备不是可部署的主机",
        "yolodeploy site show {site}; for gateways: yolodeploy site create NAME --k3s",
        "yolodeploy site show {site}；网关站点：yolodeploy site create NAME --k3s",
    ),
    "no_python": Message(
        "{device} has no Python that Ansible can use: {reason}",
        "{device} 没有 Ansible 可用的 Python：{reason}",
        "on {device}: apt-get install python3",
        "在 {device} 上运行：apt-get install python3",
    ),
    "no_sudo": Message(
        "{device} has no sudo: {reason}",
        "{device} 没有 sudo：{reason}",
        "on {device}, as root: apt-get install sudo; or log in as root",
        "在 {device} 上以 root 运行：apt-get install sudo；或以 root 登录",
    ),
    "no_temporary": Message(
        "{device}: nothing can be kept in its folder for temporary files: {reason}",
        "{device}：无法写入临时文件夹：{reason}",
        "on {device}: df -h ~ for a full disk; mount -o remount,rw / where it became read-only",
        "在 {device} 上运行：df -h ~ 查看磁盘是否已满；若已变为只读：mount -o remount,rw /",
    ),
    "not_run": Message(
        "the playbook for site {site} did not run: {reason}",
        "站点 {site} 的 playbook 未能运行：{reason}",
        "yolodeploy doctor",
    ),
    "read_only": Message(
        "{device}: its disk can only be read: {reason}",
        "{device}：磁盘只读：{reason}",
        "on {device}: mount -o remount,rw / and dmesg | tail for what the disk says",
        "在 {device} 上运行：mount -o remount,rw /，并用 dmesg | tail 查看磁盘错误",
    ),
    "some_failed": Message(
        "{failed} of {all} devices of site {site} are not done: {devices}",
        "站点 {site} 的 {all} 台设备中有 {failed} 台未完成：{devices}",
        "mend what is said of each, then run the same command again: it goes on where it stopped",
        "请逐一解决上述问题，然后重新运行同一命令：会从中断处继续",
    ),
    "some_unreachable": Message(
        "{failed} of {all} devices of site {site} could not be reached: {devices}",
        "站点 {site} 的 {all} 台设备中有 {failed} 台无法连接：{devices}",
        "run the same command again when they can be: it goes on where it stopped",
        "待其可连接后重新运行同一命令：会从中断处继续",
    ),
    "sudo_forbidden": Message(
        "{device}: sudo is not allowed to whoever logs in there: {reason}",
        "{device}：登录用户无权使用 sudo：{reason}",
        "on {device}, as root: usermod -aG sudo USER; or log in as root",
        "在 {device} 上以 root 运行：usermod -aG sudo USER；或以 root 登录",
    ),
    "sudo_password_missing": Message(
        "{device}: sudo wants a password",
        "{device}：sudo 需要密码",
        "add --ask-sudo-password",
        "加上 --ask-sudo-password",
    ),
    "sudo_password_wrong": Message(
        "{device}: that is not the password for sudo",
        "{device}：sudo 密码错误",
        "run the same command again and type the password of the user who logs in there",
        "重新运行同一命令，并输入登录用户的密码",
    ),
    "sudo_tty": Message(
        "{device}: sudo wants a terminal, and there is none: {reason}",
        "{device}：sudo 要求终端，但没有终端：{reason}",
        "on {device}, as root: echo 'Defaults !requiretty' > /etc/sudoers.d/yolodeploy",
        "在 {device} 上以 root 运行：echo 'Defaults !requiretty' > /etc/sudoers.d/yolodeploy",
    ),
    "task_failed": Message(
        "{device}: {task}: {reason}",
        "{device}：{task}：{reason}",
        *_AGAIN,
    ),
    "task_refused": Message(
        "{device}: {task}: {reason}",
        "{device}：{task}：{reason}",
        "{remedy}",
    ),
}
