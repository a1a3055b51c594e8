"""What is said about image registries."""

from yolodeploy.core.messages import Message

_LOGIN = ("log in: docker login {registry}", "请登录：docker login {registry}")
_AGAIN = (
    "check the link, then run the same command again: it goes on where it stopped",
    "请检查网络，然后重新运行同一命令：会从中断处继续",
)
_ADMIN = (
    "ask whoever runs {registry}, or name another registry",
    "请联系 {registry} 的管理员，或指定其他镜像仓库",
)
_PROXY = (
    "check the address, and that no proxy or log-in page stands in between",
    "请检查地址，并确认中间没有代理或登录页面",
)
_NAME = (
    "write HOST[:PORT]/REPOSITORY[:TAG], such as registry.example:5000/plant/brake-disc:v7",
    "请写成 HOST[:PORT]/REPOSITORY[:TAG]，例如 registry.example:5000/plant/brake-disc:v7",
)

MESSAGES = {
    "absent": Message(
        "{registry} has no {what}",
        "{registry} 中没有 {what}",
        "check repository and tag; some registries also answer so before docker login {registry}",
        "请检查仓库名和标签；有些镜像仓库在 docker login {registry} 之前也会如此回答",
    ),
    "bad_answer": Message(
        "{registry} answered something that makes no sense: {reason}",
        "{registry} 的回答无法理解：{reason}",
        *_PROXY,
    ),
    "ca_unreadable": Message(
        "{path} holds no certificates that can be read: {reason}",
        "{path} 中没有可读取的证书：{reason}",
        "name a file in PEM form, as openssl x509 -in {path} -text would show",
        "请指定 PEM 格式的文件，可用 openssl x509 -in {path} -text 查看",
    ),
    "client_certificate": Message(
        "the certificate {path} with the key {key} cannot be used: {reason}",
        "无法使用证书 {path} 及其密钥 {key}：{reason}",
        "put both there in PEM form, the key without a password: ls -l {path} {key}",
        "请将两者以 PEM 格式放在该处，密钥不设密码：ls -l {path} {key}",
    ),
    "cut": Message(
        "the connection to {registry} was cut: {reason}",
        "与 {registry} 的连接已中断：{reason}",
        *_AGAIN,
    ),
    "docker_config": Message(
        "docker's {path} cannot be used: {reason}",
        "无法使用 docker 的 {path}：{reason}",
        "mend the file, or name another folder with DOCKER_CONFIG",
        "请修复该文件，或用 DOCKER_CONFIG 指定其他文件夹",
    ),
    "forbidden": Message(
        "{registry} does not allow this for {what}: {reason}",
        "{registry} 不允许对 {what} 执行此操作：{reason}",
        "log in as somebody who may: docker login {registry}",
        "请用有权限的账户登录：docker login {registry}",
    ),
    "full": Message(
        "{registry} has no room left: {reason}",
        "{registry} 已无剩余空间：{reason}",
        "free space there (old tags, garbage collection), then run the same command again",
        "请在该处释放空间（旧标签、垃圾回收），然后重新运行同一命令",
    ),
    "helper_absent": Message(
        "docker's configuration names the helper {helper}, which is not on the PATH",
        "docker 配置中指定的 {helper} 不在 PATH 中",
        "install it, or take it out of credHelpers and credsStore in docker's config.json",
        "请安装该程序，或从 docker 的 config.json 的 credHelpers 和 credsStore 中移除",
    ),
    "helper_failed": Message(
        "{helper} did not give the credentials: {reason}",
        "{helper} 未能提供凭据：{reason}",
        "try it by hand: echo HOST | {helper} get",
        "请手动尝试：echo HOST | {helper} get",
    ),
    "html": Message(
        "{registry} answered with a page for people",
        "{registry} 返回了网页",
        *_PROXY,
    ),
    "json_invalid": Message(
        "what {registry} sent is no valid OCI document: {reason}",
        "{registry} 返回的不是有效的 OCI 文档：{reason}",
        *_ADMIN,
    ),
    "latest": Message(
        "{reference}: an image is never pushed as latest, which means something else every week",
        "{reference}：不会以 latest 推送镜像，因为它的含义随时会变",
        "name a version, such as {name}:v7, or leave the tag out: then it is the image's digest",
        "请指定版本，例如 {name}:v7；也可省略标签，此时使用镜像摘要",
    ),
    "login_failed": Message(
        "{registry} sends us to {url} for a token, and that refuses us",
        "{registry} 要求从 {url} 获取令牌，但对方拒绝",
        *_LOGIN,
    ),
    "no_platform": Message(
        "{reference} is not for {platform}; there is: {offered}",
        "{reference} 不支持 {platform}；可用平台：{offered}",
        "yolodeploy image pull {reference} --platform PLATFORM",
    ),
    "no_registry": Message(
        "{reference} names no registry",
        "{reference} 未指明镜像仓库",
        "say which one: {suggestion}",
        "请指明镜像仓库：{suggestion}",
    ),
    "no_tag": Message(
        "{reference} names no tag and no digest, and latest is never guessed",
        "{reference} 未指明标签或摘要；不会猜测 latest",
        "name one, such as {reference}:v7",
        "请指明一个，例如 {reference}:v7",
    ),
    "no_target": Message(
        "it is not said where to push {image} to",
        "未指明将 {image} 推送到何处",
        "yolodeploy image push {image} HOST/REPOSITORY",
    ),
    "not_a_registry": Message(
        "{registry} is no image registry: GET /v2/ was answered with {status}",
        "{registry} 不是镜像仓库：GET /v2/ 的回答为 {status}",
        *_PROXY,
    ),
    "plain": Message(
        "{registry} does not speak TLS: {reason}",
        "{registry} 不支持 TLS：{reason}",
        "if nobody else can listen on that link, allow plain HTTP with --insecure",
        "如果该链路上无人能窃听，可用 --insecure 允许明文 HTTP",
    ),
    "platform_invalid": Message(
        "{platform!r} is no platform",
        "{platform!r} 不是有效的平台",
        "write linux/amd64, linux/arm64 or linux/arm/v7",
        "请写成 linux/amd64、linux/arm64 或 linux/arm/v7",
    ),
    "realm": Message(
        "{registry} asks for a token in a way that cannot be trusted: {reason}",
        "{registry} 要求令牌的方式不可信：{reason}",
        *_ADMIN,
    ),
    "redirect": Message(
        "{registry} sends us to {url}, which is not followed: in clear, or once too often",
        "{registry} 将请求转到 {url}，未予跟随：明文传输或重定向过多",
        "behind a proxy that ends TLS, set http.host (or X-Forwarded-Proto) of the registry",
        "如果前面有终止 TLS 的代理，请设置镜像仓库的 http.host（或 X-Forwarded-Proto）",
    ),
    "reference_invalid": Message(
        "{reference!r} is no name of an image in a registry",
        "{reference!r} 不是镜像仓库中的镜像名称",
        *_NAME,
    ),
    "refused": Message(
        "{registry} refused {what} with {status}: {reason}",
        "{registry} 以 {status} 拒绝了 {what}：{reason}",
        *_ADMIN,
    ),
    "silent": Message(
        "{registry} says nothing any more",
        "{registry} 不再应答",
        *_AGAIN,
    ),
    "slow": Message(
        "{registry} is too slow to ever get done",
        "{registry} 速度过慢，无法完成",
        *_AGAIN,
    ),
    "stopped": Message(
        "the transfer was stopped",
        "传输已停止",
        "run the same command again: it goes on where it stopped",
        "重新运行同一命令：会从中断处继续",
    ),
    "tls": Message(
        "the certificate of {registry} cannot be trusted: {reason}",
        "{registry} 的证书不可信：{reason}",
        "if it is your own, name its authority with --ca FILE or in "
        "/etc/docker/certs.d/{registry}/ca.crt",
        "如果是自有证书，请用 --ca FILE 指定其颁发机构，或放入 "
        "/etc/docker/certs.d/{registry}/ca.crt",
    ),
    "too_large": Message(
        "{registry} sent a document of more than {limit} bytes",
        "{registry} 返回的文档超过 {limit} 字节",
        *_ADMIN,
    ),
    "too_many": Message(
        "{registry} wants to be left alone for {wait_s} s: too many requests",
        "{registry} 要求等待 {wait_s} 秒：请求过多",
        "wait, then run the same command again: it goes on where it stopped",
        "请等待后重新运行同一命令：会从中断处继续",
    ),
    "trouble": Message(
        "{registry} is in trouble: {status}, {reason}",
        "{registry} 出现故障：{status}，{reason}",
        *_AGAIN,
    ),
    "unauthorized": Message(
        "{registry} wants to know who asks for {what}: {reason}",
        "{registry} 要求登录后才能访问 {what}：{reason}",
        *_LOGIN,
    ),
    "unknown_login": Message(
        "{registry} wants a way to log in that is not known here: {challenge}",
        "{registry} 要求的登录方式不受支持：{challenge}",
        *_ADMIN,
    ),
    "unreachable": Message(
        "{registry} cannot be reached: {reason}",
        "无法连接 {registry}：{reason}",
        "check the address and the link: curl -v {registry}/v2/",
        "请检查地址和网络：curl -v {registry}/v2/",
    ),
    "upload_lost": Message(
        "{registry} lost the upload of {what} again and again",
        "{registry} 反复丢失 {what} 的上传",
        *_ADMIN,
    ),
    "wrong_blob": Message(
        "{what} from {registry} is not what its digest says; nothing of it was kept",
        "来自 {registry} 的 {what} 与其摘要不符；未保留任何内容",
        *_ADMIN,
    ),
    "wrong_digest": Message(
        "{registry} gave {found} for {what}, which is something else",
        "{registry} 为 {what} 返回了 {found}，二者不符",
        *_ADMIN,
    ),
}
