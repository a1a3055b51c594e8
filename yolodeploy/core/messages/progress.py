"""What rollouts and transfers say while they run."""

from yolodeploy.core.messages import Message

MESSAGES = {
    "done": Message("{site}: {step}: {detail}", "{site}：{step}：{detail}"),
    "failed": Message("{site}: {step} failed: {detail}", "{site}：{step} 失败：{detail}"),
    "inconclusive": Message(
        "{site}: {step} inconclusive: {detail}", "{site}：{step} 无法判定：{detail}"
    ),
    "waiting": Message("{site}: {step} must wait: {detail}", "{site}：{step} 须等待：{detail}"),
    "scheduled": Message(
        "{site}: {step} waits for its window: {detail}",
        "{site}：{step} 等待站点的时间窗口：{detail}",
    ),
    "expired": Message(
        "{site}: given up, it was not to be had for {detail}",
        "{site}：已放弃，{detail} 内无法更新",
    ),
    "superseded": Message("{site}: rollout {detail} has it now", "{site}：已由发布 {detail} 接管"),
    "intended": Message("{site}: {step} begins: {detail}", "{site}：{step} 开始：{detail}"),
    "wave": Message(
        "wave {number} of {total}: {sites:site}", "第 {number}/{total} 波：{sites} 个站点"
    ),
    "build_step": Message("{step}", "{step}"),
    "again": Message("{reason}; trying again", "{reason}；正在重试"),
    "moved": Message("{moved} of {bytes} bytes", "{moved}/{bytes} 字节"),
    "send": Message(
        "{device}: {bytes} bytes to send; {present} are there, {staged} are staged",
        "{device}：需发送 {bytes} 字节；{present} 字节已存在，{staged} 字节已暂存",
    ),
    "sent": Message("{device}: {moved} bytes sent", "{device}：已发送 {moved} 字节"),
    "transfer": Message(
        "{what}: {bytes} bytes to move; {present} parts are there, {mounted} are mounted",
        "{what}：需传输 {bytes} 字节；{present} 部分已存在，{mounted} 部分可挂载",
    ),
    "transferred": Message("{what}: {moved} bytes moved", "{what}：已传输 {moved} 字节"),
    "ended": Message(
        "rollout {rollout} of {release}: {state}", "{release} 的发布 {rollout}：{state}"
    ),
    "resumed": Message(
        "rollout {rollout} of {release} goes on", "继续执行 {release} 的发布 {rollout}"
    ),
    "model_open": Message("{model}: opening the checkpoint", "{model}：正在打开检查点"),
    "model_build": Message("{model}: building the network", "{model}：正在构建网络"),
    "model_export": Message("{model}: exporting to ONNX", "{model}：正在导出为 ONNX"),
    "model_prepare": Message("{model}: preparing the frames", "{model}：正在准备图片"),
    "model_quantise": Message("{model}: calibrating INT8", "{model}：正在校准 INT8"),
    "model_compare": Message("{model}: comparing INT8 with f32", "{model}：正在比较 INT8 与 f32"),
    "model_probe": Message("{model}: running it once", "{model}：正在试运行"),
    "started": Message(
        "rollout {rollout} of {release} begins: {sites:site} in {waves:wave}",
        "开始 {release} 的发布 {rollout}：{sites} 个站点，{waves} 个波次",
    ),
}
