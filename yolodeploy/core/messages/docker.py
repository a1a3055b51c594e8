"""What is said about Docker engines and what they answer."""

from yolodeploy.core.messages import Message

MESSAGES = {
    "archive": Message(
        "what docker save wrote is damaged: {reason}",
        "docker save 的输出已损坏：{reason}",
        "do it again; if it stays so, look at the engine's disk: docker system df",
        "请重试；若仍如此，请检查引擎的磁盘：docker system df",
    ),
    "disk_full": Message(
        "the Docker engine's disk is full ({reason})",
        "Docker 引擎的磁盘已满（{reason}）",
        "free some of it: docker builder prune, docker image prune",
        "请清理：docker builder prune、docker image prune",
    ),
    "no_buildkit": Message(
        "{path} has no BuildKit",
        "{path} 没有 BuildKit",
        "install its plugin: apt-get install docker-buildx (of Docker's own packages: "
        "docker-buildx-plugin)",
        "请安装插件：apt-get install docker-buildx（Docker 官方软件包：docker-buildx-plugin）",
    ),
    "no_buildkit_mount": Message(
        "the builder knows no mounts: {reason}",
        "构建器不支持挂载：{reason}",
        "use Docker 20.10 or newer, with docker-buildx from 23 on",
        "请使用 Docker 20.10 或更新版本，23 起需安装 docker-buildx",
    ),
    "no_command": Message(
        "there is no docker command here",
        "此处没有 docker 命令",
        "install it: apt-get install docker-cli docker-buildx (Debian 12: docker.io)",
        "请安装：apt-get install docker-cli docker-buildx（Debian 12：docker.io）",
    ),
    "no_permission": Message(
        "you may not speak to the Docker engine at {address}",
        "无权访问 {address} 的 Docker 引擎",
        "join its group, which is as good as being root: sudo usermod -aG docker $USER, then log "
        "in again",
        "请加入其用户组（等同于 root 权限）：sudo usermod -aG docker $USER，然后重新登录",
    ),
    "no_sdk": Message(
        "speaking to a Docker engine needs the docker extra, which is not installed",
        "访问 Docker 引擎需要 docker 附加组件，但尚未安装",
        "pip install 'yolodeploy[docker]'",
    ),
    "not_running": Message(
        "no Docker engine answers at {address}",
        "{address} 没有 Docker 引擎应答",
        "start it (sudo systemctl start docker), or name another one: DOCKER_HOST=ssh://HOST",
        "请启动（sudo systemctl start docker），或指定其他引擎：DOCKER_HOST=ssh://HOST",
    ),
    "refused": Message(
        "the Docker engine at {address} says: {reason}",
        "{address} 的 Docker 引擎报告：{reason}",
        "see what it logged: journalctl -u docker",
        "请查看其日志：journalctl -u docker",
    ),
    "too_old": Message(
        "the Docker engine at {address} is {version}; needed is {oldest}",
        "{address} 的 Docker 引擎版本为 {version}；需要 {oldest}",
        "update it, or name another one: DOCKER_HOST=ssh://HOST",
        "请更新，或指定其他引擎：DOCKER_HOST=ssh://HOST",
    ),
    "unreachable": Message(
        "the Docker engine at {address} cannot be reached: {reason}",
        "无法连接 {address} 的 Docker 引擎：{reason}",
        "try it with docker itself: docker version; over SSH log in once by hand, so that the host "
        "is known",
        "请先用 docker 测试：docker version；通过 SSH 时请先手动登录一次以确认主机",
    ),
}
