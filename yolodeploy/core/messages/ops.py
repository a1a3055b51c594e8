"""What is said about operations and actions."""

from yolodeploy.core.messages import Message

MESSAGES = {
    "site_kind": Message(
        "site {site} is of kind {kind}, which this version cannot talk to",
        "站点 {site} 的类型为 {kind}，当前版本不支持",
        "for rollouts to a k3s site it needs an account first: yolodeploy site account {site}",
        "要向 k3s 站点部署，需先创建账户：yolodeploy site account {site}",
    ),
    "no_processes": Message(
        "site {site} is of kind {kind}: it has no processes on this machine",
        "站点 {site} 的类型为 {kind}：它在本机没有进程",
        "yolodeploy site show {site}",
    ),
    "no_objects": Message(
        "site {site} is no cluster: nothing of Kubernetes is applied there",
        "站点 {site} 不是集群：不会应用任何 Kubernetes 对象",
        "yolodeploy site list",
    ),
    "not_started": Message(
        "operation {operation} could not be started: {reason}",
        "无法启动操作 {operation}：{reason}",
        "yolodeploy operations",
    ),
    "not_printed": Message(
        "the output cannot be written: {reason}",
        "无法写入输出：{reason}",
        "see which disk is full: df -h",
        "查看哪个磁盘已满：df -h",
    ),
    "lost": Message(
        "operation {operation} was cut off: its process is gone",
        "操作 {operation} 已中断：其进程已不存在",
        "type the same command again: what was done is not done twice",
        "请重新运行同一命令：已完成的部分不会重复",
    ),
    "lost_rollout": Message(
        "operation {operation} was cut off: its process is gone",
        "操作 {operation} 已中断：其进程已不存在",
        "yolodeploy rollout resume {rollout}",
    ),
    "ended_already": Message(
        "operation {operation} has ended: {state}",
        "操作 {operation} 已结束：{state}",
        "yolodeploy operations",
    ),
    "not_cancelled": Message(
        "operation {operation} drives the rollout {rollout}, which is not ended like that",
        "操作 {operation} 正在执行发布 {rollout}，不能这样结束",
        "yolodeploy rollout pause {rollout} or yolodeploy rollout abort {rollout}",
    ),
    "cancelled_there": Message(
        "operation {operation} is a {kind}, which runs in the terminal that began it",
        "操作 {operation} 的类型为 {kind}，在启动它的终端中运行",
        "press Ctrl-C there",
        "请在该终端按 Ctrl-C",
    ),
    "still_runs": Message(
        "operation {operation} was asked to end and has not ended after {seconds} s",
        "已请求结束操作 {operation}，但 {seconds} 秒后仍未结束",
        "yolodeploy operations follow {operation}",
    ),
    "broken": Message(
        "operation {operation} broke; the reason is in {log}",
        "操作 {operation} 出错；原因见 {log}",
        "report it with that file",
        "请附上该文件报告问题",
    ),
    "broken_rollout": Message(
        "rollout {rollout} broke; the reason is in {log}",
        "发布 {rollout} 出错；原因见 {log}",
        "report it with that file; then yolodeploy rollout resume {rollout}",
        "请附上该文件报告问题；然后 yolodeploy rollout resume {rollout}",
    ),
    "detached": Message(
        "operation {operation} goes on without this terminal",
        "操作 {operation} 将在后台继续",
        "yolodeploy operations follow {operation} (or end it: yolodeploy operations cancel "
        "{operation})",
        "yolodeploy operations follow {operation}（或结束它：yolodeploy operations cancel "
        "{operation}）",
    ),
    "interrupted": Message("interrupted", "已中断"),
    "no_frames": Message(
        "{path} holds no pictures",
        "{path} 中没有图片",
        "name a folder with .jpg, .png, .webp, .bmp or .tiff files",
        "请指定包含 .jpg、.png、.webp、.bmp 或 .tiff 文件的文件夹",
    ),
    "picture_refused": Message(
        "{instance} refused {path} (HTTP {status}): {reason}",
        "{instance} 拒绝了 {path}（HTTP {status}）：{reason}",
        "leave that file out, or save it anew; what the server says: yolodeploy logs",
        "请排除该文件，或重新保存；服务器日志：yolodeploy logs",
    ),
    "bad_labels": Message(
        "the labels in {path} cannot be used: {reason}",
        "无法使用 {path} 中的标注：{reason}",
        "write a line an object: CLASS CX CY W H, from 0 to 1; or take the file away",
        "每个目标一行：CLASS CX CY W H，取值 0 到 1；或移走该文件",
    ),
    "meant_class": Message(
        "the model has no class {name}, only {classes}",
        "模型没有类别 {name}，只有 {classes}",
        "name one of them: --meant gained:CLASS or lost:CLASS",
        "请指定其中之一：--meant gained:CLASS 或 lost:CLASS",
    ),
    "meant_nothing": Message(
        "no gate of this release of {app} looks at agreement: --meant says nothing",
        "{app} 的该版本没有检查一致性的门限：--meant 无意义",
        "leave --meant out, or add an agreement gate: yolodeploy release show APP@N -o json",
        "去掉 --meant，或添加 agreement 门限：yolodeploy release show APP@N -o json",
    ),
    "unreadable": Message(
        "{path} cannot be read: {reason}",
        "无法读取 {path}：{reason}",
        "ls -l {path}",
    ),
    "needs_yes": Message(
        "{action} is dangerous and was not confirmed",
        "{action} 是危险操作，尚未确认",
        "add --yes",
        "加上 --yes",
    ),
    "site_devices": Message(
        "site {site} has {devices:device}",
        "站点 {site} 有 {devices} 台设备",
        "yolodeploy site reset {site}, then for each of them yolodeploy device remove DEVICE",
        "yolodeploy site reset {site}，然后对每台设备 yolodeploy device remove DEVICE",
    ),
    "site_moves": Message(
        "site {site} is part of rollout {rollout}, which has not ended",
        "站点 {site} 属于尚未结束的发布 {rollout}",
        "yolodeploy rollout abort {rollout}",
    ),
    "ambiguous_device": Message(
        "device {device} exists on several sites: {sites}",
        "多个站点都有设备 {device}：{sites}",
        "name it as SITE/{device}",
        "请写成 SITE/{device}",
    ),
    "bad_gates": Message(
        "{path} does not describe gates: {reason}",
        "{path} 不是有效的门限描述：{reason}",
        "start from: yolodeploy release show RELEASE -o json | jq .gates",
        "可参考：yolodeploy release show RELEASE -o json | jq .gates",
    ),
    "file_too_large": Message(
        "{path} is larger than {megabytes} MB",
        "{path} 超过 {megabytes} MB",
        "name a smaller file",
        "请指定较小的文件",
    ),
    "not_text": Message(
        "{text} is not text in UTF-8",
        "{text} 不是 UTF-8 文本",
        "type it again; only names of files may hold other bytes",
        "请重新输入；只有文件名可以包含其他字节",
    ),
    "unknown_device": Message(
        "there is no device {device}", "没有设备 {device}", "yolodeploy device list"
    ),
    "near_site": Message(
        "there is no site {site}. Did you mean {near}?",
        "没有站点 {site}。是否想用 {near}？",
        "yolodeploy site list",
    ),
    "near_app": Message(
        "there is no app {app}. Did you mean {near}?",
        "没有应用 {app}。是否想用 {near}？",
        "yolodeploy app list",
    ),
    "near_device": Message(
        "there is no device {device}. Did you mean {near}?",
        "没有设备 {device}。是否想用 {near}？",
        "yolodeploy device list",
    ),
    "unknown_source": Message(
        "there are no figures of the source {source}",
        "没有来源 {source} 的数据",
        "yolodeploy latency --by source --last 7d",
    ),
    "near_source": Message(
        "there are no figures of the source {source}. Did you mean {near}?",
        "没有来源 {source} 的数据。是否想用 {near}？",
        "yolodeploy latency --by source --last 7d",
    ),
    "site_folder": Message(
        "{path} holds a site {site} that is not in the inventory",
        "{path} 中有清单以外的站点 {site}",
        "yolodeploy site adopt {site}",
    ),
    "draw_over_picture": Message(
        "{path} is one of the pictures, and would be drawn over",
        "{path} 是输入图片之一，绘制结果会将其覆盖",
        "name another folder: --draw FOLDER",
        "请指定其他目录：--draw FOLDER",
    ),
    "draw_failed": Message(
        "{path} cannot be written: {reason}",
        "无法写入 {path}：{reason}",
        "name a folder that can be written to: --draw FOLDER",
        "请指定可写的目录：--draw FOLDER",
    ),
    "no_instance": Message(
        "no site has a ready instance", "没有站点有就绪实例", "yolodeploy status --refresh"
    ),
    "no_instance_of": Message(
        "no site has a ready instance of {app}",
        "没有站点有 {app} 的就绪实例",
        "yolodeploy status --refresh",
    ),
    "no_instance_there": Message(
        "site {site} has no ready instance",
        "站点 {site} 没有就绪实例",
        "yolodeploy status --refresh --site {site}",
    ),
    "no_instance_of_there": Message(
        "site {site} has no ready instance of {app}",
        "站点 {site} 没有 {app} 的就绪实例",
        "yolodeploy status --refresh --site {site}",
    ),
    "no_site_folder": Message(
        "there is no site {site} in {path}",
        "{path} 中没有站点 {site}",
        "yolodeploy site create {site}",
    ),
    "quickstart": Message(
        "the rollout of {release} ended {state}, where {expected} was expected: {reason}",
        "{release} 的发布以 {state} 结束，预期为 {expected}：{reason}",
        "run it again when the machine is quiet: yolodeploy quickstart",
        "请在机器空闲时重试：yolodeploy quickstart",
    ),
    "not_shipped": Message(
        "{name} is not part of this installation",
        "当前安装不包含 {name}",
        "pip install --force-reinstall yolodeploy",
    ),
    "home_in_use": Message(
        "{path} is not empty: {found}",
        "{path} 不是空文件夹：{found}",
        "use another folder: YOLODEPLOY_HOME=DIR yolodeploy quickstart --keep",
        "请使用其他文件夹：YOLODEPLOY_HOME=DIR yolodeploy quickstart --keep",
    ),
}
