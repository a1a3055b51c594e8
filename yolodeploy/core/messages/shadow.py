"""What the mirroring of frames to a second server says."""

from yolodeploy.core.messages import Message

MESSAGES = {
    "off": Message(
        "nothing is mirrored to a second server here",
        "此处未向第二台服务器镜像图像",
        "name it in the site settings: a table [shadow] with its url",
        "请在站点设置中添加 [shadow] 表并指定 url",
    ),
    "address": Message(
        "the shadow's address {url} cannot be used: {reason}",
        "无法使用影子服务器地址 {url}：{reason}",
        "write it as http://HOST:PORT, without user and password",
        "请写成 http://HOST:PORT，不含用户名和密码",
    ),
    "mirror_file": Message(
        "the file {path}, which says where to mirror, cannot be followed: {reason}",
        "无法遵循指定镜像目标的文件 {path}：{reason}",
        "the site writes it; to end what runs beside: yolodeploy rollout abort ID",
        "该文件由站点写入；要结束并行试运行：yolodeploy rollout abort ID",
    ),
    "token_file": Message(
        "the shadow's token file {path} cannot be used: {reason}",
        "无法使用影子服务器的令牌文件 {path}：{reason}",
        "chmod 600 {path}, with the second server's token in its first line",
        "chmod 600 {path}，首行写第二台服务器的令牌",
    ),
    "ca_file": Message(
        "the shadow's certificates {path} cannot be used: {reason}",
        "无法使用影子服务器的证书 {path}：{reason}",
        "name a PEM file with the certificates to trust: ca_file",
        "请指定包含受信任证书的 PEM 文件：ca_file",
    ),
    "unreachable": Message(
        "the shadow at {url} does not answer: {reason}",
        "影子服务器 {url} 无响应：{reason}",
        "start it, or check the address and the link",
        "请启动它，或检查地址和网络",
    ),
    "late": Message(
        "the shadow at {url} took longer than {seconds} s",
        "影子服务器 {url} 的响应超过 {seconds} 秒",
        "mirror a smaller share, or give the second server more processors",
        "请减小镜像比例，或为第二台服务器增加处理器",
    ),
    "unauthorized": Message(
        "the shadow at {url} does not accept our token",
        "影子服务器 {url} 不接受我们的令牌",
        "put the second server's token into the shadow's token_file",
        "请将第二台服务器的令牌写入影子设置的 token_file",
    ),
    "busy": Message(
        "the shadow at {url} is too busy, or not ready",
        "影子服务器 {url} 过于繁忙或尚未就绪",
        "mirror a smaller share, or give the second server more processors",
        "请减小镜像比例，或为第二台服务器增加处理器",
    ),
    "refused": Message(
        "the shadow at {url} answered {status}",
        "影子服务器 {url} 返回了 {status}",
        "see the second server's log",
        "请查看第二台服务器的日志",
    ),
    "failed": Message(
        "the shadow at {url} failed: {status}",
        "影子服务器 {url} 出错：{status}",
        "see the second server's log",
        "请查看第二台服务器的日志",
    ),
    "answer": Message(
        "the shadow at {url} answered something that is no answer: {reason}",
        "影子服务器 {url} 的响应无效：{reason}",
        "name a server of this program whose model has the same task",
        "请指定由本程序运行、模型任务相同的服务器",
    ),
    "too_large": Message(
        "a frame of {megabytes} MB is too large to be mirrored",
        "{megabytes} MB 的图像过大，无法镜像",
        "set a region of interest for the camera",
        "请为摄像头设置关注区域",
    ),
    "other_classes": Message(
        "the shadow at {url} knows other classes, and the request names some by number",
        "影子服务器 {url} 的类别不同，而请求按编号指定了类别",
        "leave the parameter classes out of requests while this shadow runs",
        "使用此影子服务器期间，请勿在请求中使用 classes 参数",
    ),
}
