"""What a rollout says while it runs."""

from yolodeploy.core.messages import Message

MESSAGES = {
    "done": Message("{site}: {step}: {detail}", "{site}：{step}：{detail}"),
    "failed": Message("{site}: {step} failed: {detail}", "{site}：{step} 失败：{detail}"),
    "inconclusive": Message(
        "{site}: {step} inconclusive: {detail}", "{site}：{step} 无法判定：{detail}"
    ),
    "waiting": Message("{site}: {step} must wait: {detail}", "{site}：{step} 须等待：{detail}"),
    "wave": Message("wave {number} of {total}: {sites}", "第 {number}/{total} 波：{sites}"),
    "ended": Message(
        "rollout {rollout} of {release}: {state}", "{release} 的发布 {rollout}：{state}"
    ),
    "resumed": Message(
        "rollout {rollout} of {release} goes on", "继续执行 {release} 的发布 {rollout}"
    ),
    "started": Message(
        "rollout {rollout} of {release} begins: {sites} sites in {waves} waves",
        "开始 {release} 的发布 {rollout}：{sites} 个站点，{waves} 个波次",
    ),
}
