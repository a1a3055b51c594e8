"""What is said about sites."""

from yolodeploy.core.messages import Message

MESSAGES = {
    "newer": Message(
        "site {site}: what runs as {app} was asked for by a newer yolodeploy ({reason})",
        "站点 {site}：{app} 由更新版本的 yolodeploy 部署（{reason}）",
        "pip install --upgrade yolodeploy",
    ),
    "late": Message(
        "site {site} did not answer in time",
        "站点 {site} 未及时响应",
        "yolodeploy site show {site}",
    ),
    "back": Message("site {site} answers again", "站点 {site} 已恢复响应"),
    "unreachable": Message(
        "site {site} cannot be read: {reason}",
        "无法读取站点 {site}：{reason}",
        "yolodeploy site list",
    ),
    "disk_full": Message(
        "the disk that holds site {site} is full; nothing was half written",
        "站点 {site} 所在磁盘已满；没有写入不完整的内容",
        "free some space (yolodeploy image prune), then run the command again",
        "请释放空间（yolodeploy image prune），然后重新执行命令",
    ),
    "stopped": Message(
        "site {site} is not running: {reason}",
        "站点 {site} 未运行：{reason}",
        "yolodeploy site start {site}",
    ),
    "supervisor": Message(
        "the process supervisor of site {site} does not start or stop: {reason}",
        "站点 {site} 的进程监管器无法启动或停止：{reason}",
        "yolodeploy site stop {site}, then yolodeploy site start {site}",
    ),
    "not_created": Message(
        "site {site} could not be created: {reason}",
        "无法创建站点 {site}：{reason}",
        "make room or choose another folder with YOLODEPLOY_HOME, then repeat the command",
        "请腾出空间，或用 YOLODEPLOY_HOME 另选文件夹，然后重试",
    ),
    "runtime_folder": Message(
        "{folder} belongs to somebody else or is open to others",
        "{folder} 属于他人或对他人开放",
        "set XDG_RUNTIME_DIR to a folder of your own",
        "请将 XDG_RUNTIME_DIR 设为自己的文件夹",
    ),
    "held": Message(
        "site {site} is not to be changed now: {reason}",
        "站点 {site} 目前不可更改：{reason}",
        "yolodeploy site unhold {site}",
    ),
    "device_held": Message(
        "site {site} is not to be changed now: {reason}",
        "站点 {site} 目前不可更改：{reason}",
        "yolodeploy device unhold {device}",
    ),
    "leased": Message(
        "site {site} is being changed by {holder} (for {seconds} s more at most)",
        "站点 {site} 正由 {holder} 更改（最多还需 {seconds} 秒）",
        "wait; a rollout may take over: yolodeploy rollout resume {rollout} --take-over",
        "请等待；发布可以接管：yolodeploy rollout resume {rollout} --take-over",
    ),
    "fenced": Message(
        "site {site} has been taken over by {holder}; nothing was changed",
        "站点 {site} 已被 {holder} 接管；未做任何更改",
        "yolodeploy rollout list",
    ),
    "reverted": Message(
        "site {site} has already gone back to the previous release of {app} ({reason})",
        "站点 {site} 的 {app} 已恢复到上一个版本（{reason}）",
        "yolodeploy events --site {site}",
    ),
    "no_answer": Message(
        "{instance} does not answer: {reason}",
        "{instance} 没有响应：{reason}",
        "yolodeploy logs",
    ),
    "answer_too_large": Message(
        "{instance} answered with more than 8 MB",
        "{instance} 的响应超过 8 MB",
        "yolodeploy logs",
    ),
    "detect": Message(
        "{instance} refused the picture (HTTP {status}): {reason}",
        "{instance} 拒绝了图片（HTTP {status}）：{reason}",
        "yolodeploy logs",
    ),
    "no_app": Message(
        "app {app} does not run on site {site}",
        "应用 {app} 未在站点 {site} 上运行",
        "yolodeploy rollout start {app}@1 --site {site}",
    ),
    "proxy_invalid": Message(
        "{url} is no proxy",
        "{url} 不是有效的代理地址",
        "name it as http://HOST:PORT",
        "请写成 http://HOST:PORT",
    ),
    "proxy_credentials": Message(
        "a proxy with a user or a password is refused: every program on a gateway could read it",
        "拒绝带用户名或密码的代理：网关上的任何程序都能读到它们",
        "let the proxy know gateways by their addresses, and name it as http://HOST:PORT",
        "请让代理按地址放行网关，并写成 http://HOST:PORT",
    ),
    "proxy_exception": Message(
        "{name} cannot be reached without a proxy: it is no name and no network, there is no "
        "proxy, or there are more than {most}",
        "{name} 无法作为代理例外：不是名称或网段、没有代理，或超过 {most} 个",
        "name each by itself: --https http://HOST:PORT --no-proxy plant.example --no-proxy "
        "10.0.0.0/8",
        "请逐个指定：--https http://HOST:PORT --no-proxy plant.example --no-proxy 10.0.0.0/8",
    ),
    "image_incomplete": Message(
        "image {image} has no {kind} layer, which an embedded site needs",
        "镜像 {image} 缺少嵌入式站点所需的 {kind} 层",
        "yolodeploy image build MODEL",
    ),
    "not_placed": Message(
        "image {image} could not be stored in the site: {reason}",
        "无法将镜像 {image} 存入站点：{reason}",
        "make room on the disk, then: yolodeploy rollout resume {rollout}",
        "请腾出磁盘空间，然后：yolodeploy rollout resume {rollout}",
    ),
}
