"""What is said about building base and runtime layers."""

from yolodeploy.core.messages import Message

_STEP = "step {step}: {reason}; it said: {lines}"
_STEP_ZH = "步骤 {step}：{reason}；输出：{lines}"

MESSAGES = {
    "emulation": Message(
        "the engine's machine cannot run programs of that platform ({step})",
        "引擎所在的机器无法运行该平台的程序（{step}）",
        "build on a machine of that platform (DOCKER_HOST=ssh://HOST), or install qemu-user-static "
        "and binfmt-support there",
        "请在该平台的机器上构建（DOCKER_HOST=ssh://HOST），"
        "或在该机器安装 qemu-user-static 和 binfmt-support",
    ),
    "file_absent": Message(
        "there is no {path}",
        "{path} 不存在",
        "check the name: ls -l {path}",
        "请检查名称：ls -l {path}",
    ),
    "index_invalid": Message(
        "{url} is no list of packages: {reason}",
        "{url} 不是软件包列表：{reason}",
        "see what answers there; a proxy may stand between: curl -I {url}",
        "请检查应答方，可能有代理介入：curl -I {url}",
    ),
    "lock_invalid": Message(
        "the lock {path} is damaged: {reason}",
        "锁文件 {path} 已损坏：{reason}",
        "bring the file back from where it is kept, then: yolodeploy image lock",
        "请恢复该文件，然后：yolodeploy image lock",
    ),
    "no_apt": Message(
        "{root} is no Debian or Ubuntu root ({step}: {reason})",
        "{root} 不是 Debian 或 Ubuntu 根文件系统（{step}：{reason}）",
        "name another: yolodeploy image build-base cpu --root IMAGE",
        "请指定其他根：yolodeploy image build-base cpu --root IMAGE",
    ),
    "no_context": Message(
        "what the builder needs cannot be put together in {path}: {reason}",
        "无法在 {path} 准备构建所需文件：{reason}",
        "make room there, or name another folder in TMPDIR",
        "请腾出空间，或在 TMPDIR 指定其他文件夹",
    ),
    "no_network": Message(
        f"the build cannot reach where its packages are; {_STEP}",
        f"构建无法访问软件包来源；{_STEP_ZH}",
        "let its steps use the machine's network (--network host), or bring the wheels "
        "(--wheels DIR)",
        "让步骤使用本机网络（--network host），或自备 wheel 文件（--wheels DIR）",
    ),
    "no_recipes": Message(
        "{path} cannot be read: {reason}",
        "无法读取 {path}：{reason}",
        "name a folder like the one that is shipped, or install it again: "
        "pip install --force-reinstall yolodeploy",
        "请指定与随附文件夹结构相同的文件夹，或重新安装：pip install --force-reinstall yolodeploy",
    ),
    "no_such_version": Message(
        "{index} has no {package} {series}*",
        "{index} 中没有 {package} {series}*",
        "look there for what it has, and change series or index in lock.toml",
        "请查看其内容，并修改 lock.toml 中的 series 或 index",
    ),
    "no_wheel": Message(
        f"a pinned package has no file for this Python or processor; {_STEP}",
        f"某个锁定的软件包没有适用于该 Python 或处理器的文件；{_STEP_ZH}",
        "build on Debian 12 or 13 or Ubuntu 24.04, with an index that has every package",
        "请在 Debian 12、13 或 Ubuntu 24.04 上构建，并使用包含所有软件包的索引",
    ),
    "not_locked": Message(
        "{recipe} is not pinned yet: its lock says nothing of {pin}, and nothing is made up",
        "{recipe} 尚未锁定：锁文件中没有 {pin} 的值，不会虚构",
        "where there is internet: yolodeploy image lock {recipe}",
        "在有互联网的机器上：yolodeploy image lock {recipe}",
    ),
    "not_started": Message(
        "{path} cannot be started: {reason}",
        "无法启动 {path}：{reason}",
        "install Docker's command again, e.g. apt-get install docker-cli docker-buildx",
        "请重新安装 Docker 命令，例如 apt-get install docker-cli docker-buildx",
    ),
    "old_python": Message(
        "the Python of {root} is older than 3.11",
        "{root} 的 Python 低于 3.11",
        "build on Debian 12 or 13 or Ubuntu 24.04: yolodeploy image build-base cpu --root IMAGE",
        "请在 Debian 12、13 或 Ubuntu 24.04 上构建：yolodeploy image build-base cpu --root IMAGE",
    ),
    "pins_mismatch": Message(
        f"a package is another one than was pinned; {_STEP}",
        f"软件包与锁定的不一致；{_STEP_ZH}",
        "find out who serves it; if you meant to change it: yolodeploy image lock",
        "请查明其来源；若确实要更改：yolodeploy image lock",
    ),
    "root_absent": Message(
        "there is no image {root}, here or where its name points ({reason})",
        "本机及其名称所指位置均无镜像 {root}（{reason}）",
        "make one: mmdebstrap --variant=minbase trixie root.tar, then --root root.tar",
        "请创建一个：mmdebstrap --variant=minbase trixie root.tar，然后使用 --root root.tar",
    ),
    "step_failed": Message(
        f"the build failed in {_STEP}",
        f"构建失败，{_STEP_ZH}",
        "read the whole of it above; without anything kept from before: --no-cache",
        "请查看上方完整输出；不使用缓存重试：--no-cache",
    ),
    "unknown_part": Message(
        "there is no part {part}; there are: {known}",
        "没有组件 {part}；可用：{known}",
        "name them by comma: yolodeploy image build-base cpu --parts openvino,streams",
        "用逗号分隔：yolodeploy image build-base cpu --parts openvino,streams",
    ),
    "unknown_platform": Message(
        "that base is not built for {platform}; it is for: {known}",
        "该基础镜像不支持 {platform}；支持：{known}",
        "name one of them with --platform, or leave it out",
        "请用 --platform 指定其中之一，或省略",
    ),
    "unknown_recipe": Message(
        "there is no base {recipe}; there are: {known}",
        "没有基础镜像 {recipe}；可用：{known}",
        "yolodeploy image build-base cpu",
    ),
    "untrusted": Message(
        f"the build does not trust who answers for its index of packages; {_STEP}",
        f"构建不信任软件包索引的证书；{_STEP_ZH}",
        "name your network's own authority: --ca FILE",
        "请指定所在网络的证书颁发机构：--ca FILE",
    ),
    "wheels_missing": Message(
        "{recipe} needs a wheel that no index has: {pattern}",
        "{recipe} 需要索引中没有的 wheel 文件：{pattern}",
        "put it into a folder and name that: yolodeploy image build-base {recipe} --wheels DIR",
        "请放入文件夹并指定：yolodeploy image build-base {recipe} --wheels DIR",
    ),
}
