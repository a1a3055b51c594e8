"""What is found of the disks."""

from yolodeploy.core.messages import Message

MESSAGES = {
    "disk": Message(
        "{free} MB are free in {folders}, {wanted} are needed",
        "{folders} 剩余 {free} MB，需要 {wanted} MB",
        "apt-get clean && journalctl --vacuum-size=100M; what is large, du -xm / | sort -n | tail",
        "apt-get clean && journalctl --vacuum-size=100M；查看大文件：du -xm / | sort -n | tail",
    ),
    "inodes": Message(
        "under {least} % of the inodes are free in {folders}: no more files can be made",
        "{folders} 的可用 inode 低于 {least} %：无法再创建文件",
        "find the folder of many files: du --inodes -x / | sort -n | tail",
        "查找文件最多的目录：du --inodes -x / | sort -n | tail",
    ),
    "fsync": Message(
        "the disk under {folder} takes {p99_ms} ms for a safe write (median {median_ms}), at most "
        "{most_ms} is good; k3s's database will stall",
        "{folder} 所在磁盘一次安全写入需 {p99_ms} 毫秒（中位数 {median_ms}），"
        "最多 {most_ms} 为宜；k3s 数据库会停顿",
        "put /var/lib/rancher on an SSD; SD cards and eMMC are unfit for a server with etcd",
        "请把 /var/lib/rancher 放在 SSD 上；SD 卡和 eMMC 不适合带 etcd 的服务器",
    ),
    "medium": Message(
        "/var/lib is on {device}, of the kind {kind}: slow, and worn out by a database",
        "/var/lib 位于 {device}（{kind}）：速度慢，且会被数据库磨损",
        "put /var/lib/rancher on an SSD, above all on servers",
        "请把 /var/lib/rancher 放在 SSD 上，服务器尤其如此",
    ),
    "read_only": Message(
        "nothing can be written in {folders}",
        "{folders} 无法写入",
        "mount -o remount,rw /, then dmesg | tail for what the disk says",
        "mount -o remount,rw /，然后用 dmesg | tail 查看磁盘信息",
    ),
    "noexec_tmp": Message(
        "programs cannot run in /tmp (noexec)",
        "/tmp 中不能运行程序（noexec）",  # noqa: S108 it is named, not used
        "mount -o remount,exec /tmp; where that must not be, name another folder as "
        "ansible_remote_tmp",
        "mount -o remount,exec /tmp；若不允许，请用 ansible_remote_tmp 指定其他文件夹",
    ),
    "disk_faults": Message(
        "the kernel had trouble with a disk in the last day: {line}",
        "过去一天内核报告磁盘故障：{line}",
        "back the site up now, and replace the disk or card",
        "请立即备份站点，并更换磁盘或存储卡",
    ),
    "journal_size": Message(
        "the journal takes {mb} MB, {most} are enough",
        "系统日志占用 {mb} MB，{most} MB 足够",
        "journalctl --vacuum-size={most}M, and SystemMaxUse={most}M in "
        "/etc/systemd/journald.conf.d/50-yolodeploy.conf",
        "journalctl --vacuum-size={most}M，并在 /etc/systemd/journald.conf.d/50-yolodeploy.conf 中"
        "设置 SystemMaxUse={most}M",
    ),
    "gc_pressure": Message(
        "the disk of the images is {used} % full; from {most} % on the kubelet throws images away",
        "镜像所在磁盘已用 {used} %；达到 {most} % 时 kubelet 会删除镜像",
        "make room: journalctl --vacuum-size=100M, k3s crictl rmi --prune",
        "请腾出空间：journalctl --vacuum-size=100M，k3s crictl rmi --prune",
    ),
}
