"""What is asked before a dangerous action."""

from yolodeploy.core.messages import Message

MESSAGES = {
    "user": Message("User", "用户"),
    "password": Message("Password", "密码"),
    "login_password": Message("Password to log in with", "登录密码"),
    "sudo_password": Message("Password of sudo", "sudo 密码"),
    "abort": Message("Abort rollout {rollout}?", "中止发布 {rollout}？"),
    "approve": Message(
        "Let rollout {rollout} go on to its next wave?", "允许发布 {rollout} 进入下一波次？"
    ),
    "undo": Message(
        "Undo rollout {rollout} on every site it committed?",
        "在发布 {rollout} 已确认的所有站点上撤销该发布？",
    ),
    "undo_to": Message(
        "Undo rollout {rollout} to {to} on every site it committed?",
        "在发布 {rollout} 已确认的所有站点上撤销该发布，恢复为 {to}？",
    ),
    "bring_back": Message("Bring back to {to} on {sites}?", "在 {sites} 上恢复为 {to}？"),
    "bring_back_all": Message(
        "Bring back to {to} on every site that ran it?", "在运行过 {to} 的所有站点上恢复为该版本？"
    ),
    "site_reset": Message(
        "Take k3s and all that runs on it off every device of {site}?",
        "从 {site} 的所有设备上移除 k3s 及其上运行的一切？",
    ),
    "site_reset_some": Message(
        "Take k3s and all that runs on it off devices {devices} of {site}?",
        "从 {site} 的设备 {devices} 上移除 k3s 及其上运行的一切？",
    ),
    "site_remove": Message(
        "Remove site {site} and all that it holds here?", "移除站点 {site} 及其在此处的一切？"
    ),
    "site_stop": Message("Stop every server of site {site}?", "停止站点 {site} 的所有服务器？"),
    "site_upgrade": Message("Upgrade site {site}?", "升级站点 {site}？"),
    "site_restore": Message("Put site {site} back to that backup?", "将站点 {site} 恢复到该备份？"),
    "key_shown": Message("Is {key} what its own console says?", "{key} 与其控制台上显示的一致吗？"),
    "key_shown_anew": Message(
        "Is {key} what its own console says, and is what it was gone?",
        "{key} 与其控制台上显示的一致，且原有系统已不存在吗？",
    ),
    "device_remove": Message(
        "Remove device {device} and its pinned key?", "移除设备 {device} 及其已固定的密钥？"
    ),
    "camera_remove": Message(
        "Stop looking at camera {camera} of site {site}?", "停止查看站点 {site} 的摄像头 {camera}？"
    ),
    "image_remove": Message("Remove {image}?", "移除 {image}？"),
    "inventory_restore": Message("Replace {path} by {file}?", "用 {file} 替换 {path}？"),
    "gpu_share": Message(
        "End {pods:pod} that use these GPUs meanwhile?",
        "期间结束使用这些 GPU 的 {pods} 个 Pod？",
    ),
}
