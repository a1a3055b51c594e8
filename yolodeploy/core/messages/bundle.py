"""What is said about bundles."""

from yolodeploy.core.messages import Message

_AGAIN = (
    "copy the bundle onto the stick again and check it: yolodeploy bundle verify FILE",
    "请重新将离线包复制到 U 盘并检查：yolodeploy bundle verify FILE",
)
_ELSEWHERE = (
    "take the bundle from a source you trust, or make it again with yolodeploy bundle create FILE",
    "请从可信来源获取离线包，或用 yolodeploy bundle create FILE 重新制作",
)
_SPLIT = (
    "split it into files that fit: yolodeploy bundle create FILE --split 4GB",
    "请拆分为合适大小的文件：yolodeploy bundle create FILE --split 4GB",
)

MESSAGES = {
    "absent": Message(
        "there is no bundle {path}",
        "离线包 {path} 不存在",
        "name the file, or the first of its parts: ls {path}*",
        "请指定该文件或其第一个分卷：ls {path}*",
    ),
    "busy": Message(
        "another command is writing {path}",
        "另一条命令正在写入 {path}",
        "see what runs with yolodeploy operations, then try again",
        "用 yolodeploy operations 查看正在运行的操作，稍后重试",
    ),
    "cut_short": Message(
        "{path} ends after {size} bytes, before the bundle does; or a part of it is missing",
        "{path} 在 {size} 字节处中断，离线包不完整；或缺少某个分卷",
        *_AGAIN,
    ),
    "damaged": Message(
        "{path} is damaged: {part} of {member} is not what was written",
        "{path} 已损坏：{member} 的 {part} 与写入时不符",
        *_AGAIN,
    ),
    "disk_full": Message(
        "no space left for {path}; nothing was left behind",
        "没有空间写入 {path}；未留下任何文件",
        "free space there, or leave the base out where it is: "
        "yolodeploy bundle create FILE --without-base",
        "请释放空间，或在目标已有基础镜像时省略：yolodeploy bundle create FILE --without-base",
    ),
    "end_damaged": Message(
        "{path} is damaged: its last bytes are not what was written",
        "{path} 已损坏：末尾字节与写入时不符",
        *_AGAIN,
    ),
    "exists": Message(
        "{path} is there already, and is not this bundle",
        "{path} 已存在，且不是此离线包",
        "choose another name, or delete it first: rm {path}",
        "请使用其他名称，或先删除：rm {path}",
    ),
    "file_invalid": Message(
        "{text!r} does not say which file is meant and what it is for",
        "{text!r} 未说明是哪个文件及其用途",
        "write ROLE=PATH: yolodeploy bundle create FILE --file k3s=k3s-airgap-images-arm64.tar.zst",
        "请写成 ROLE=PATH："
        "yolodeploy bundle create FILE --file k3s=k3s-airgap-images-arm64.tar.zst",
    ),
    "file_too_large": Message(
        "the disk of {path} takes no file that large: {reason}",
        "{path} 所在磁盘不支持这么大的文件：{reason}",
        *_SPLIT,
    ),
    "incomplete": Message(
        "{path} was made wrong: an image in it needs {digest}, which is not there",
        "{path} 制作有误：其中的镜像需要 {digest}，但未包含",
        *_ELSEWHERE,
    ),
    "lacks": Message(
        "image {image} needs its {kind} layer {digest}, which is neither in {path} nor here",
        "镜像 {image} 需要 {kind} 层 {digest}，但 {path} 和本机均没有",
        "bring a bundle that was made with its base: yolodeploy bundle create FILE --image {image}",
        "请使用包含基础镜像的离线包：yolodeploy bundle create FILE --image {image}",
    ),
    "lock_invalid": Message(
        "line {line} of {lock} pins nothing: it is not a digest and a name",
        "{lock} 第 {line} 行无效：应为摘要和文件名",
        "fill it where there is internet: sha256sum FILE... > {lock}",
        "请在可联网的机器上生成：sha256sum FILE... > {lock}",
    ),
    "manifest_damaged": Message(
        "{path} is damaged: its manifest (bundle.json) is not what its checksum says",
        "{path} 已损坏：清单（bundle.json）与校验和不符",
        *_AGAIN,
    ),
    "manifest_invalid": Message(
        "{path} is no bundle that can be trusted: {reason}",
        "{path} 不是可信的离线包：{reason}",
        *_ELSEWHERE,
    ),
    "no_containerd": Message(
        "no containerd answers at {socket}",
        "{socket} 处没有 containerd 响应",
        "name the socket of the one that runs, or none: yolodeploy bundle apply FILE",
        "请指定正在运行的 containerd 的套接字，或不指定：yolodeploy bundle apply FILE",
    ),
    "no_folder": Message(
        "there is no folder {path} to put a bundle in",
        "没有可存放离线包的文件夹 {path}",
        "mount the stick, and see where it is: lsblk -o NAME,FSTYPE,SIZE,MOUNTPOINT",
        "请挂载 U 盘并查看其位置：lsblk -o NAME,FSTYPE,SIZE,MOUNTPOINT",
    ),
    "no_pip": Message(
        "there is no pip here that could fetch wheels into {path}",
        "此处没有 pip，无法将 wheel 下载到 {path}",
        "fill the folder elsewhere: pip wheel --wheel-dir {path} 'yolodeploy[provision]' pip",
        "请在其他机器上填充该文件夹：pip wheel --wheel-dir {path} 'yolodeploy[provision]' pip",
    ),
    "no_room": Message(
        "applying needs {needed} bytes in {path}, where {free} are free",
        "应用离线包需要 {needed} 字节，{path} 仅剩 {free} 字节",
        "yolodeploy image prune",
    ),
    "no_space": Message(
        "the bundle needs {needed} bytes in {path}, where {free} are free",
        "离线包需要 {needed} 字节，{path} 仅剩 {free} 字节",
        "free space there, or leave the base out where it is: "
        "yolodeploy bundle create FILE --without-base",
        "请释放空间，或在目标已有基础镜像时省略：yolodeploy bundle create FILE --without-base",
    ),
    "not_bundle": Message(
        "{path} is no bundle, or its first bytes are damaged",
        "{path} 不是离线包，或开头已损坏",
        *_ELSEWHERE,
    ),
    "not_file": Message(
        "{path} is a folder or a device, not a file that a bundle could be",
        "{path} 是文件夹或设备，不能作为离线包文件",
        "name a file on a mounted disk: yolodeploy bundle create {path}/plant.tar",
        "请指定已挂载磁盘上的文件：yolodeploy bundle create {path}/plant.tar",
    ),
    "not_pinned": Message(
        "{path} is not taken: {lock} does not name {name}",
        "不接受 {path}：{lock} 中没有 {name}",
        "take the file that it names, or pin this one: sha256sum {path} >> {lock}",
        "请使用其中指定的文件，或固定此文件：sha256sum {path} >> {lock}",
    ),
    "not_possible": Message(
        "{path} cannot be made: {reason}",
        "无法制作 {path}：{reason}",
        "name each file once: yolodeploy bundle create FILE --file ROLE=PATH",
        "每个文件只能指定一次：yolodeploy bundle create FILE --file ROLE=PATH",
    ),
    "not_written": Message(
        "writing {path} failed: {reason}; what was written is kept for the same command",
        "写入 {path} 失败：{reason}；已写入部分保留，可用同一命令继续",
        "put the stick back, or choose a folder that you may write to, and type the command again",
        "请重新插入 U 盘或选择可写的文件夹，然后再次执行该命令",
    ),
    "nothing": Message(
        "nothing was named that {path} could carry",
        "未指定 {path} 要携带的内容",
        "name an image: yolodeploy bundle create FILE --image IMAGE",
        "请指定镜像：yolodeploy bundle create FILE --image IMAGE",
    ),
    "pin_differs": Message(
        "{path} is not taken: it is {digest}, and not what {lock} says",
        "不接受 {path}：其摘要为 {digest}，与 {lock} 不符",
        "fetch the file again from its publisher, and compare: sha256sum {path}",
        "请从发布者处重新获取该文件并核对：sha256sum {path}",
    ),
    "pin_empty": Message(
        "{path} is not taken: {lock} names {name} without a digest",
        "不接受 {path}：{lock} 中 {name} 没有摘要",
        "fill the entry where there is internet, from what the publisher says: ls -l {lock}",
        "请在可联网的机器上按发布者公布的值填写：ls -l {lock}",
    ),
    "source_changed": Message(
        "{path} is not the file it was: it changed while it was being read",
        "{path} 已不是原来的文件：在读取期间被更改",
        "wait until nobody writes to it, then type the command again: ls -l {path}",
        "等待写入完成后再次执行该命令：ls -l {path}",
    ),
    "split_invalid": Message(
        "a bundle cannot be split into parts of {size} bytes (largest file here: {limit})",
        "不能将离线包拆分为 {size} 字节的分卷（此处最大文件：{limit}）",
        "name at least 1 MB, and so much that 999 parts suffice: "
        "yolodeploy bundle create FILE --split 4GB",
        "至少 1 MB，且不超过 999 个分卷：yolodeploy bundle create FILE --split 4GB",
    ),
    "too_long": Message(
        "something follows the end of the bundle {path}, which has {size} bytes",
        "离线包 {path} 末尾之后还有内容，共 {size} 字节",
        *_AGAIN,
    ),
    "too_many": Message(
        "{files} files are more than a bundle lists: {path}",
        "{files} 个文件超出离线包的上限：{path}",
        "make several bundles: yolodeploy bundle create FILE --image IMAGE",
        "请制作多个离线包：yolodeploy bundle create FILE --image IMAGE",
    ),
    "wheels_failed": Message(
        "the wheels of yolodeploy could not be fetched into {path}: {reason}",
        "无法将 yolodeploy 的 wheel 下载到 {path}：{reason}",
        "fill the folder on a machine with internet: "
        "pip wheel --wheel-dir {path} 'yolodeploy[provision]' pip",
        "请在可联网的机器上填充该文件夹：pip wheel --wheel-dir {path} 'yolodeploy[provision]' pip",
    ),
    "unreadable": Message(
        "{path} cannot be read: {reason}",
        "无法读取 {path}：{reason}",
        "put the stick back, or copy it to another one, then type the command again: ls -l {path}",
        "请重新插入 U 盘或复制到其他 U 盘，然后再次执行该命令：ls -l {path}",
    ),
}
