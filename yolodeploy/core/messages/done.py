"""What a command says it has done, or would do, beside its table."""

from yolodeploy.core.messages import Message

VERBS = {
    "be": (Message("is", "已"), Message("would be", "将")),
    "are": (Message("are", "已"), Message("would be", "将")),
    "have": (Message("has", "已"), Message("would have", "将")),
    "not_be": (Message("is not", "已"), Message("would not be", "将")),
}
"""Fields of a text that is said of both: when it is done, and when it would be."""

MESSAGES = {
    "no_change": Message("nothing was changed on it", "未对其作任何更改"),
    "well": Message("all is well", "一切正常"),
    "findings": Message("{findings:finding}", "{findings} 个问题"),
    "devices": Message("{devices:device}", "{devices} 台设备"),
    "devices_are": Message("{devices:device}: {states}", "{devices} 台设备：{states}"),
    "ago": Message("{age} ago", "{age} 前"),
    "follow": Message(
        "yolodeploy operations follow {operation}", "yolodeploy operations follow {operation}"
    ),
    "cancelled": Message("operation {operation} {be} cancelled", "操作 {operation} {be}取消"),
    # rollouts
    "would_pause": Message(
        "{rollout} would pause after what goes on: {touched:site} of {all}",
        "{rollout} 将在进行中的站点完成后暂停：涉及 {touched}/{all} 个站点",
    ),
    "would_go_on": Message(
        "{rollout} would go on: {touched:site} of {all}",
        "{rollout} 将继续：涉及 {touched}/{all} 个站点",
    ),
    "would_end": Message(
        "{rollout} would end: {touched:site} of {all}",
        "{rollout} 将结束：涉及 {touched}/{all} 个站点",
    ),
    "would_approve": Message(
        "going on with {rollout} after wave {wave} would be approved",
        "将批准 {rollout} 在第 {wave} 波之后继续",
    ),
    "would_approve_now": Message(
        "going on with {rollout} after wave {wave} would be approved: {touched:site} of {all}",
        "将批准 {rollout} 在第 {wave} 波之后继续：涉及 {touched}/{all} 个站点",
    ),
    # sites
    "site_empty": Message(
        "site {site} {be} made; its devices come next", "站点 {site} {be}创建；接下来添加其设备"
    ),
    "site_made": Message(
        "site {site} {be} made with {devices}", "站点 {site} {be}创建，包含 {devices}"
    ),
    "site_adopted": Message(
        "site {site} {be} adopted with {releases}", "站点 {site} {be}接管，运行 {releases}"
    ),
    "site_adopted_empty": Message(
        "site {site} {be} adopted with no release", "站点 {site} {be}接管，未运行任何版本"
    ),
    "site_adopted_running": Message(
        "site {site} {be} adopted: {version}, {devices:device}",
        "站点 {site} {be}接管：{version}，{devices} 台设备",
    ),
    "frames_elsewhere": Message(
        "its pictures lay elsewhere; name them: yolodeploy app create {app} --frames DIR",
        "其图片位于别处；请指定：yolodeploy app create {app} --frames DIR",
    ),
    "site_provisioned": Message(
        "every device of site {site} is done; --all goes over them again",
        "站点 {site} 的所有设备均已完成；用 --all 可重新处理",
    ),
    "site_proxied": Message(
        "site {site} reaches the internet through {proxy}", "站点 {site} 经 {proxy} 访问互联网"
    ),
    "site_would_be_proxied": Message(
        "site {site} would reach the internet through {proxy}",
        "站点 {site} 将经 {proxy} 访问互联网",
    ),
    "site_unproxied": Message(
        "site {site} reaches the internet through no proxy", "站点 {site} 不经代理访问互联网"
    ),
    "site_would_be_unproxied": Message(
        "site {site} would reach the internet through no proxy",
        "站点 {site} 将不经代理访问互联网",
    ),
    "gateways_told": Message(
        "gateways are told by: yolodeploy site provision {site}",
        "通知网关：yolodeploy site provision {site}",
    ),
    "site_labelled": Message(
        "site {site} {have} labels {labels}", "站点 {site} 的标签{have}设为 {labels}"
    ),
    "site_removed": Message(
        "site {site} {be} removed, {devices:device}", "站点 {site} {be}移除，{devices} 台设备"
    ),
    "site_runs": Message("site {site} is running", "站点 {site} 正在运行"),
    "site_would_run": Message("site {site} would run", "站点 {site} 将运行"),
    "site_stopped": Message("site {site} {be} stopped", "站点 {site} {be}停止"),
    "site_held": Message("site {site} {be} held: {reason}", "站点 {site} {be}锁定：{reason}"),
    "site_unheld": Message("site {site} {not_be} held any more", "站点 {site} {not_be}解除锁定"),
    "site_open": Message(
        "site {site} can be changed: {windows} ({zone})", "站点 {site} 可更改：{windows}（{zone}）"
    ),
    "site_would_be_open": Message(
        "site {site} could be changed: {windows} ({zone})",
        "站点 {site} 将可更改：{windows}（{zone}）",
    ),
    "site_by_ssh": Message("site {site} {be} reached through SSH", "站点 {site} {be}通过 SSH 访问"),
    "site_by_api": Message(
        "site {site} {be} reached at port 6443", "站点 {site} {be}通过端口 6443 访问"
    ),
    "site_by_either": Message(
        "site {site} {be} reached at port 6443 where that is open, else through SSH",
        "站点 {site} {be}通过端口 6443 访问，若该端口未开放则通过 SSH",
    ),
    "upgrades": Message(
        "site {site}: {before} to {version}", "站点 {site}：{before} 升级到 {version}"
    ),
    "upgrade_stops": Message(
        "an app on a device with one GPU stops while its device is drained and restarted",
        "只有一个 GPU 的设备在排空和重启期间，其上的应用会停止",
    ),
    "backup_stops": Message(
        "with one server the API is away for some seconds; pods go on",
        "只有一台服务器时，API 会中断数秒；Pod 继续运行",
    ),
    "restores": Message("from {file}", "来自 {file}"),
    "key_pinned": Message("pinned: {key}", "已固定：{key}"),
    "key_shown": Message("shown:  {key}", "当前：  {key}"),
    "parts_fetched": Message(
        "{folder} {have} {parts:part}, {size} moved",
        "{folder} {have}包含 {parts} 个部件，传输 {size}",
    ),
    "pins_changed": Message(
        "{changed} of {all} pins {are} changed", "{all} 个锁定项中 {changed} 个{are}更改"
    ),
    # devices
    "device_added": Message(
        "device {device} {be} {role} of site {site}", "设备 {device} {be}成为站点 {site} 的 {role}"
    ),
    "device_added_key": Message(
        "device {device} {be} {role} of site {site}, host key {key}",
        "设备 {device} {be}成为站点 {site} 的 {role}，主机密钥 {key}",
    ),
    "device_removed": Message(
        "device {device} {be} removed from site {site}", "设备 {device} {be}从站点 {site} 移除"
    ),
    "device_addressed": Message(
        "device {device} {have} the address {address}", "设备 {device} 的地址{have}设为 {address}"
    ),
    "device_by": Message(
        "device {device} {be} reached through {jump}", "设备 {device} {be}经 {jump} 访问"
    ),
    "device_by_nobody": Message(
        "device {device} {be} reached through nobody", "设备 {device} {be}直接访问"
    ),
    "device_labelled": Message(
        "device {device} {have} labels {labels}", "设备 {device} 的标签{have}设为 {labels}"
    ),
    "device_held": Message(
        "device {device} {be} held: {reason}", "设备 {device} {be}锁定：{reason}"
    ),
    "device_unheld": Message(
        "device {device} {not_be} held any more", "设备 {device} {not_be}解除锁定"
    ),
    "device_moved": Message(
        "{device} moved: {was} → {address}", "{device} 已更换地址：{was} → {address}"
    ),
    "device_would_move": Message(
        "{device} would move: {was} → {address}", "{device} 将更换地址：{was} → {address}"
    ),
    "addresses_asked": Message("{asked} of {all} addresses asked", "已询问 {asked}/{all} 个地址"),
    "device_anew": Message(
        "device {device} of site {site} would be taken in anew",
        "站点 {site} 的设备 {device} 将重新接入",
    ),
    # cameras
    "camera_read": Message("it can be read", "可以读取"),
    "camera_ended": Message("it was read to its end", "已读取到结尾"),
    "settings_undone": Message(
        "version {version} was left unfinished; it {be} undone",
        "版本 {version} 未完成；{be}撤销",
    ),
    "settings_same": Message("site {site} has these settings already", "站点 {site} 已有这些设置"),
    "settings_new": Message(
        "site {site} would have new settings: {note}", "站点 {site} 将有新的设置：{note}"
    ),
    "settings_waits": Message(
        "site {site} has version {version}; waiting {seconds} s at most for its servers to follow"
        " and for pictures",
        "站点 {site} 已有版本 {version}；等待服务器采用并出现画面，最多 {seconds} 秒",
    ),
    "settings_unseen": Message(
        "site {site} has version {version}; nobody looked at what came of it",
        "站点 {site} 已有版本 {version}；尚未查看结果",
    ),
    "settings_unserved": Message(
        "site {site} has version {version}; no server runs there yet",
        "站点 {site} 已有版本 {version}；尚无服务器运行",
    ),
    "settings_followed": Message(
        "site {site} has version {version}; followed by {servers:server}",
        "站点 {site} 已有版本 {version}；{servers} 个服务器已采用",
    ),
    "settings_replaced": Message(
        "servers of {apps} {are} replaced, as a release replaces them",
        "{apps} 的服务器{are}替换，方式与发布版本时相同",
    ),
    # apps
    "app_made": Message("app {app} {be} there", "应用 {app} {be}创建"),
    "app_by_cpu": Message(
        "{site} has neither KEDA nor prometheus-adapter: it goes by CPU",
        "{site} 既没有 KEDA 也没有 prometheus-adapter：将按 CPU 扩缩",
    ),
    "app_holds": Message(
        "{site} has room for {instances:instance}: the others would wait",
        "{site} 可容纳 {instances} 个实例：其余的将等待",
    ),
    "release_made": Message("{release} {be} {digest}", "{release} {be}记为 {digest}"),
    "detected_boxes": Message(
        "{pictures:picture}, {found:box}, {ms} ms a picture in the server",
        "{pictures} 张图片，{found} 个检测框，服务器内每张图片 {ms} 毫秒",
    ),
    "detected_classes": Message(
        "{pictures:picture}, {found:class}, {ms} ms a picture in the server",
        "{pictures} 张图片，{found} 个类别，服务器内每张图片 {ms} 毫秒",
    ),
    "drawn": Message("drawn into {folder}", "已绘制到 {folder}"),
    # models
    "model_added": Message("model {model} {be} added", "模型 {model} {be}添加"),
    "model_int_whole": Message("INT8, all in integers: {differs}", "INT8，全部为整数：{differs}"),
    "model_int": Message(
        "INT8, {kept} kept in float: {differs}", "INT8，{kept} 保留为浮点：{differs}"
    ),
    "model_side": Message(
        "{letter}: {name}, {task} in {precision}, input {width}x{height}, {size}, {digest}",
        "{letter}：{name}，{task}，精度 {precision}，输入 {width}x{height}，{size}，{digest}",
    ),
    "model_only": Message(
        "only {letter} has these classes: {classes}", "仅 {letter} 有以下类别：{classes}"
    ),
    "model_skipped": Message("{pictures:picture} could not be read", "{pictures} 张图片无法读取"),
    "model_agreement": Message(
        "{pictures:picture}: {matched} of {expected} boxes matched, {lost} lost, {gained} gained; "
        "mean IoU {iou}, score shift {shift}",
        "{pictures} 张图片：{expected} 个检测框中 {matched} 个匹配，丢失 {lost}，新增 {gained}；"
        "平均 IoU {iou}，得分变化 {shift}",
    ),
    "pictures_compared": Message("{pictures} pictures", "{pictures} 张图片"),
    "model_invalid": Message("{boxes} boxes of B are no boxes", "B 的 {boxes} 个检测框无效"),
    "model_close": Message(
        "they are near enough to be two forms of one model: {differs}",
        "二者足够接近，可视为同一模型的两种形式：{differs}",
    ),
    "model_differs": Message(
        "they are not near enough to be two forms of one model: {differs}",
        "二者差异过大，不能视为同一模型的两种形式：{differs}",
    ),
    # images
    "image_built": Message(
        "image {image} {be} {digest}: {size}, of which {new} new",
        "镜像 {image} {be}构建为 {digest}：{size}，其中 {new} 为新增",
    ),
    "image_moved": Message(
        "{image} {be} {digest}: {size} moved", "{image} {be}为 {digest}：传输 {size}"
    ),
    "image_sent": Message("{image} {be} {digest}", "{image} {be}为 {digest}"),
    "parts_later": Message(
        "its list of parts is made at the push itself", "其部件清单在实际推送时生成"
    ),
    "tag_meant": Message("the tag meant {digest} before", "该标签此前指向 {digest}"),
    "tag_means": Message("the tag means {digest} before", "该标签此前指向 {digest}"),
    "index_made": Message(
        "index {image} {be} {digest}: {platform}", "索引 {image} {be}为 {digest}：{platform}"
    ),
    "image_releases": Message("releases: {releases}", "版本：{releases}"),
    "image_removed": Message("{kind} {image} {be} removed", "{kind} {image} {be}移除"),
    "images_would_go": Message("{images:image} would go", "将移除 {images} 个镜像"),
    "images_gone": Message("{images} gone, {size} freed", "已移除 {images} 个，释放 {size}"),
    "image_signed": Message("image {image} {digest} {be} signed", "镜像 {image} {digest} {be}签名"),
    "image_signed_by": Message(
        "image {image} {digest} is signed by {key}", "镜像 {image} {digest} 由 {key} 签名"
    ),
    "to_move": Message("{what}: {size} to move", "{what}：需传输 {size}"),
    "to_read": Message("{what}: {size} to read", "{what}：需读取 {size}"),
    "part_from": Message("{part} from {source}", "{part}，来自 {source}"),
    "device_moved_bytes": Message("{device}: {size} moved", "{device}：已传输 {size}"),
    "device_has": Message("{device}: has it", "{device}：已有该镜像"),
    "device_sends": Message(
        "{device}: {size} to send ({kinds}), {there} there",
        "{device}：需发送 {size}（{kinds}），已有 {there}",
    ),
    "device_sends_staged": Message(
        "{device}: {size} to send ({kinds}), {there} there, {staged} of it staged already",
        "{device}：需发送 {size}（{kinds}），已有 {there}，其中 {staged} 已暂存",
    ),
    "device_sends_name": Message(
        "{device}: {size} to send (its name), {there} there",
        "{device}：需发送 {size}（仅名称），已有 {there}",
    ),
    "brought": Message("{size} brought into the layout", "已放入镜像布局 {size}"),
    "moving": Message("{size}, {rate}/s", "{size}，{rate}/s"),
    "moving_of": Message("{size} of {all}, {rate}/s", "{size}/{all}，{rate}/s"),
    "base_built": Message(
        "base {base} is {digest} for {platform}: {size} on {root}",
        "基础镜像 {base} 为 {digest}（{platform}）：{size}，基于 {root}",
    ),
    "base_would_be_built": Message(
        "base {base} would be built for {platform} on {root}",
        "将为 {platform} 基于 {root} 构建基础镜像 {base}",
    ),
    # bundles
    "wheels_later": Message(
        "{wheels} has no wheels yet: they would be fetched first, and come on top",
        "{wheels} 中尚无 wheel：将先下载，并另计大小",
    ),
    "bundle_made": Message(
        "{file} {have} {size} in {files:file}: bundle {digest}",
        "{file} {have}写入 {size}，共 {files} 个文件：离线包 {digest}",
    ),
    "bundle_made_on": Message(
        "{file} {have} {size} in {files:file}, {there} of which were there: bundle {digest}",
        "{file} {have}写入 {size}，共 {files} 个文件，其中 {there} 此前已有：离线包 {digest}",
    ),
    "sound": Message("{path} is sound", "{path} 完好"),
    "bundle": Message("bundle {digest}: {size}", "离线包 {digest}：{size}"),
    "image": Message("image {image} {digest}", "镜像 {image} {digest}"),
    "image_is": Message("image {image} {be} {digest}", "镜像 {image} {be}为 {digest}"),
    "copied": Message("{place}: {size} copied", "{place}：已复制 {size}"),
    "to_copy": Message("{place}: {size} to copy", "{place}：需复制 {size}"),
    # this machine
    "copy": Message("{file}: {size}", "{file}：{size}"),
    "would_copy": Message("{file} would be a copy of {size}", "{file} 将是 {size} 的副本"),
    "damage": Message("{path}: {findings:finding}", "{path}：{findings} 个问题"),
    "restored": Message("{path} {be} restored", "{path} {be}恢复"),
    "restored_kept": Message(
        "{path} {be} restored; the old one {be} {kept}", "{path} {be}恢复；旧文件{be}保存为 {kept}"
    ),
    "deleted": Message(
        "{rows:row} and {logs:log} deleted, {size} freed",
        "已删除 {rows} 行和 {logs} 个日志，释放 {size}",
    ),
    "would_delete": Message(
        "{rows:row} and {logs:log} would be deleted", "将删除 {rows} 行和 {logs} 个日志"
    ),
    "setting": Message("{name} = {value} is in {path}", "{name} = {value} 已写入 {path}"),
    "setting_would_go": Message(
        "{name} = {value} would go to {path}", "{name} = {value} 将写入 {path}"
    ),
    "settings_valid": Message("{path} and the environment are valid", "{path} 和环境变量均有效"),
    "test_notice": Message(
        "a test notice would be sent to: {places}", "将向以下位置发送测试通知：{places}"
    ),
    "requests": Message(
        "{requests:request}, {failures} failed, from {since} to {until}",
        "{requests} 次请求，{failures} 次失败，从 {since} 到 {until}",
    ),
    "requests_of": Message(
        "{release}: {requests:request}, {failures} failed, from {since} to {until}",
        "{release}：{requests} 次请求，{failures} 次失败，从 {since} 到 {until}",
    ),
    "quickstart_fleet": Message("The fleet", "所有设备"),
    "quickstart_times": Message(
        "Where the time goes (ms in the server, all sites)",
        "时间用在哪里（服务器内的毫秒数，所有站点）",
    ),
    "quickstart_took": Message("Done in {seconds} s.", "用时 {seconds} 秒完成。"),
    "quickstart_runs": Message("It runs on, in {home}. Now:", "它继续在 {home} 中运行。接下来："),
    "quickstart_gone": Message(
        "Everything was removed again. To look around in it:",
        "已全部移除。若要查看：",
    ),
}
