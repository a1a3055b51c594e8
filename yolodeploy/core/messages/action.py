"""What actions are called."""

from yolodeploy.core.messages import Message

MESSAGES = {
    "fleet.refresh": Message("Ask every site how it is", "刷新所有站点状态"),
    "release.roll_out": Message("Roll out", "发布"),
    "rollout.pause": Message("Pause", "暂停"),
    "rollout.resume": Message("Resume", "继续"),
    "rollout.approve": Message("Approve: the next wave may begin", "批准：下一波次可以开始"),
    "rollout.abort": Message("Abort: what is on trial goes back", "中止：试运行的站点回退"),
    "rollout.undo": Message("Undo: bring the previous release back", "撤销：恢复上一个版本"),
    "device.hold": Message("Hold: no rollout changes this device", "锁定：发布不会更改此设备"),
    "device.unhold": Message("End the hold", "解除锁定"),
    "site.hold": Message("Hold: no rollout changes this site", "锁定：发布不会更改此站点"),
    "site.unhold": Message("End the hold of the site", "解除站点锁定"),
    "site.window": Message("Windows: when rollouts may change it", "维护窗口：何时可以更改"),
    "site.add_camera": Message("Add a camera", "添加摄像头"),
    "camera.test": Message("Look at the camera from this machine", "从本机查看摄像头"),
    "site.start": Message("Start the site's processes", "启动站点进程"),
    "site.stop": Message("Stop the site's processes", "停止站点进程"),
    "site.add_device": Message("Add a gateway", "添加网关"),
    "site.provision": Message(
        "Provision: make a k3s site of its gateways", "部署：把网关组成 k3s 站点"
    ),
    "site.reset": Message(
        "Reset: take k3s and all that runs on it off its gateways",
        "重置：从网关上移除 k3s 及其上运行的一切",
    ),
    "site.doctor": Message("Doctor: look at its gateways", "检查：查看其网关"),
    "site.backup": Message("Backup: datastore, tokens, keys", "备份：数据、令牌、密钥"),
    "site.upgrade": Message("Upgrade k3s, one node after the other", "逐个节点升级 k3s"),
    "operation.cancel": Message("Cancel: what was done stays", "取消：已完成的部分保留"),
    "site.remove": Message("Remove the site and all that it holds", "移除站点及其全部内容"),
}
