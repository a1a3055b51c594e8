"""What is said about the inventory file and about names it does not know."""

from yolodeploy.core.messages import Message

MESSAGES = {
    "missing": Message(
        "there is no inventory at {path} yet",
        "{path} 处还没有清单文件",
        "yolodeploy quickstart (or: yolodeploy site create NAME)",
        "yolodeploy quickstart（或：yolodeploy site create NAME）",
    ),
    "newer": Message(
        "the inventory {path} has schema {found}; this version of yolodeploy knows up to {known}",
        "清单文件 {path} 的结构版本为 {found}，当前 yolodeploy 最高支持 {known}",
        "pip install --upgrade yolodeploy (nothing was changed)",
        "pip install --upgrade yolodeploy（未做任何更改）",
    ),
    "read_only": Message(
        "the inventory {path} cannot be written: {reason}",
        "无法写入清单文件 {path}：{reason}",
        "make the file and its folder writable for you, or set YOLODEPLOY_HOME to a folder that is",
        "请使该文件及其所在目录可写，或将 YOLODEPLOY_HOME 设为可写目录",
    ),
    "disk_full": Message(
        "the disk that holds the inventory {path} is full; nothing was half written",
        "清单文件 {path} 所在磁盘已满；没有写入不完整的内容",
        "free some space (yolodeploy image prune), then run the command again",
        "请释放空间（yolodeploy image prune），然后重新执行命令",
    ),
    "corrupt": Message(
        "the inventory {path} is damaged: {reason}",
        "清单文件 {path} 已损坏：{reason}",
        "yolodeploy inventory restore FILE (the damaged file is kept); without a backup: "
        "move it away, then yolodeploy site adopt NAME",
        "yolodeploy inventory restore FILE（会保留损坏的文件）；没有备份时：先移走该文件，"
        "再执行 yolodeploy site adopt NAME",
    ),
    "busy": Message(
        "another command is writing to the inventory {path}",
        "另一个命令正在写入清单文件 {path}",
        "try again in a moment; yolodeploy operations shows what is running",
        "请稍后重试；yolodeploy operations 可查看正在运行的操作",
    ),
    "io": Message(
        "the inventory {path} could not be read or written: {reason}",
        "无法读写清单文件 {path}：{reason}",
        "check the disk (dmesg), then yolodeploy inventory check",
        "请检查磁盘（dmesg），然后执行 yolodeploy inventory check",
    ),
    "not_made": Message(
        "{path} cannot be made: {reason}",
        "无法创建 {path}：{reason}",
        "name another place, one that you may write to",
        "请指定其他可写的位置",
    ),
    "not_one": Message(
        "{path} is not an inventory: {reason}",
        "{path} 不是清单文件：{reason}",
        "name a file made by yolodeploy inventory backup FILE",
        "请指定由 yolodeploy inventory backup FILE 生成的文件",
    ),
    "exists": Message(
        "{path} exists already; it was left as it is",
        "{path} 已存在，未作改动",
        "name a file that does not exist yet",
        "请指定一个尚不存在的文件名",
    ),
    "in_use": Message(
        "the inventory {path} is open in another process",
        "清单文件 {path} 正被另一个进程使用",
        "close the dashboard and the controller (yolodeploy operations shows them), then try again",
        "请关闭仪表盘和控制器（yolodeploy operations 可查看），然后重试",
    ),
    "unknown_site": Message("there is no site {site}", "没有站点 {site}", "yolodeploy site list"),
    "unknown_device": Message(
        "site {site} has no device {device}",
        "站点 {site} 没有设备 {device}",
        "yolodeploy device list",
    ),
    "unknown_model": Message(
        "there is no model {model}", "没有模型 {model}", "yolodeploy model list"
    ),
    "unknown_image": Message(
        "there is no image {image}", "没有镜像 {image}", "yolodeploy image list"
    ),
    "unknown_app": Message("there is no app {app}", "没有应用 {app}", "yolodeploy app list"),
    "unknown_release": Message(
        "there is no release {release}",
        "没有发布版本 {release}",
        "yolodeploy release list",
    ),
    "ambiguous": Message(
        "{text} may mean {first} or {second}",
        "{text} 可能指 {first} 或 {second}",
        "give more digits of the digest",
        "请给出更长的摘要前缀",
    ),
    "unknown_rollout": Message(
        "there is no rollout {rollout}", "没有发布任务 {rollout}", "yolodeploy rollout list"
    ),
    "unknown_operation": Message(
        "there is no operation {operation}",
        "没有操作 {operation}",
        "yolodeploy operations",
    ),
    "site_exists": Message(
        "there is a site {site} already", "站点 {site} 已存在", "yolodeploy site show {site}"
    ),
    "device_exists": Message(
        "site {site} has a device {device} already",
        "站点 {site} 已有设备 {device}",
        "yolodeploy device show {device}",
    ),
    "model_exists": Message(
        "the name {model} belongs to another model already",
        "名称 {model} 已属于另一个模型",
        "yolodeploy model add FILE --name NAME (names that are taken: yolodeploy model list)",
        "yolodeploy model add FILE --name NAME（已用名称：yolodeploy model list）",
    ),
    "rollout_taken": Message(
        "rollout {rollout} is driven by {holder}",
        "发布任务 {rollout} 正由 {holder} 执行",
        "yolodeploy rollout watch {rollout}",
    ),
    "rollout_unfinished": Message(
        "rollout {rollout} of {app} has not ended",
        "应用 {app} 的发布任务 {rollout} 尚未结束",
        "yolodeploy rollout watch {rollout}",
    ),
    "latency_group": Message(
        "latency cannot be grouped by {group}",
        "无法按 {group} 对延迟分组",
        "use site, device, app, release, source and at most one of minute, hour, day",
        "请使用 site、device、app、release、source，以及 minute、hour、day 中的一个",
    ),
    "unknown_table": Message(
        "the inventory has no table {table}",
        "清单中没有表 {table}",
        "yolodeploy inventory export FOLDER (all tables)",
        "yolodeploy inventory export FOLDER（导出全部表）",
    ),
    "export_format": Message(
        "there is no export format {format}",
        "没有导出格式 {format}",
        "use jsonl, csv or parquet",
        "请使用 jsonl、csv 或 parquet",
    ),
    "parquet_missing": Message(
        "Parquet files need the extra yolodeploy[parquet]",
        "写入 Parquet 文件需要附加组件 yolodeploy[parquet]",
        "pip install 'yolodeploy[parquet]' (or: --format csv)",
        "pip install 'yolodeploy[parquet]'（或：--format csv）",
    ),
}
