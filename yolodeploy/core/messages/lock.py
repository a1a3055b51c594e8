"""What is said about the lock of a site: versions and digests of what its gateways get."""

from yolodeploy.core.messages import Message

_AGAIN = (
    "make it anew where there is internet: yolodeploy site lock --k3s v1.34.9+k3s1",
    "请在有互联网的机器上重新生成：yolodeploy site lock --k3s v1.34.9+k3s1",
)

MESSAGES = {
    "absent": Message(
        "there is no lock at {path}: {reason}",
        "{path} 处没有锁文件：{reason}",
        *_AGAIN,
    ),
    "empty": Message(
        "{path} pins no k3s yet",
        "{path} 尚未锁定 k3s 版本",
        "where there is internet: yolodeploy site lock --k3s v1.34.9+k3s1",
        "请在有互联网的机器上运行：yolodeploy site lock --k3s v1.34.9+k3s1",
    ),
    "file_differs": Message(
        "what {url} has is not what the lock pins (sha256 {digest})",
        "{url} 的内容与锁定的摘要不符（sha256 {digest}）",
        "again; if it stays, pin it anew where you trust the link: yolodeploy site lock",
        "请重试；如仍不符，请在可信网络中重新锁定：yolodeploy site lock",
    ),
    "no_arch": Message(
        "{path} pins nothing of {version} for {arch}",
        "{path} 未锁定 {version} 的 {arch} 文件",
        *_AGAIN,
    ),
    "image_invalid": Message(
        "{given} names no image to pin",
        "{given} 未指明要锁定的镜像",
        "write NAME=TAG (device_plugin=v0.20.0) or NAME=REGISTRY/REPOSITORY:TAG",
        "请写成 NAME=TAG（如 device_plugin=v0.20.0）或 NAME=REGISTRY/REPOSITORY:TAG",
    ),
    "invalid": Message(
        "{path} is no lock of a site: {reason}",
        "{path} 不是站点锁文件：{reason}",
        *_AGAIN,
    ),
    "list_invalid": Message(
        "what {url} publishes is no list of digests: {line}",
        "{url} 发布的内容不是摘要列表：{line}",
        "look at it with curl; behind a proxy or a portal, name another place with --k3s-from",
        "请用 curl 查看；如经过代理或门户，请用 --k3s-from 指定其他地址",
    ),
    "not_listed": Message(
        "{url} has no digest of {file}",
        "{url} 中没有 {file} 的摘要",
        "check the version: it must be one that was released",
        "请检查版本：必须是已发布的版本",
    ),
    "not_published": Message(
        "there is nothing at {url}",
        "{url} 处没有内容",
        "check the version: it must be one that was released",
        "请检查版本：必须是已发布的版本",
    ),
    "not_written": Message(
        "{path} cannot be written: {reason}",
        "无法写入 {path}：{reason}",
        "make room, or write it elsewhere: yolodeploy site lock --k3s VERSION --file FILE",
        "请腾出空间，或写到别处：yolodeploy site lock --k3s VERSION --file FILE",
    ),
    "nothing_wanted": Message(
        "nothing was named to be pinned",
        "未指明要锁定的内容",
        "yolodeploy site lock --k3s v1.34.9+k3s1",
    ),
    "toolkit_invalid": Message(
        "{version} is no version of the NVIDIA container toolkit",
        "{version} 不是 NVIDIA 容器工具包的版本",
        "write it as NVIDIA does: 1.20.0",
        "请按 NVIDIA 的写法：1.20.0",
    ),
}
