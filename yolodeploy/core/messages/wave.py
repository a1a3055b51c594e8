"""What is said about waves."""

from yolodeploy.core.messages import Message

MESSAGES = {
    "invalid": Message(
        "waves {spec!r}: {part!r} is neither a count nor a percentage from 1 to 100",
        "波次 {spec!r}：{part!r} 既不是数量，也不是 1 到 100 的百分比",
        "use counts and percentages that grow, such as --waves 1,25%,100%",
        "请使用递增的数量或百分比，例如 --waves 1,25%,100%",
    ),
    "shrinks": Message(
        "waves {spec!r} shrink: each says how many sites have moved after it",
        "波次 {spec!r} 在减小：每一项表示该波次之后已切换的站点数",
        "use sizes that grow, such as --waves 1,25%,100%",
        "请使用递增的大小，例如 --waves 1,25%,100%",
    ),
    "left_out": Message(
        "a wave names site {site}, which would stay as it is: {reason}",
        "波次中的站点 {site} 不会变动：{reason}",
        "mend that, or name other sites with --wave",
        "请先解决该问题，或用 --wave 指定其他站点",
    ),
    "unknown_site": Message(
        "a wave names site {site}, which is not part of the rollout",
        "波次中的站点 {site} 不在本次发布范围内",
        "yolodeploy site list",
    ),
    "repeated_site": Message(
        "site {site} is in two waves",
        "站点 {site} 出现在两个波次中",
        "name each site in one wave only",
        "每个站点只能出现在一个波次中",
    ),
    "approval_invalid": Message(
        "{part!r} is no wave to approve",
        "{part!r} 不是可批准的波次",
        "name waves by number: --approve-after 1,2; or all: --approve-after each",
        "用编号指定波次：--approve-after 1,2；或全部：--approve-after each",
    ),
    "tolerance_invalid": Message(
        "{spec!r} is neither a count of sites nor a percentage up to 100",
        "{spec!r} 既不是站点数量，也不是不超过 100 的百分比",
        "write it as in: --max-failed 2, or --max-failed 5%",
        "写法示例：--max-failed 2，或 --max-failed 5%",
    ),
    "concurrency_invalid": Message(
        "{spec!r} says for no wave how many sites move at once",
        "{spec!r} 未说明各波次可同时切换的站点数",
        "numbers from 1 to 100, wave by wave: --concurrency 1,4,16",
        "每个波次为 1 到 100 的数字：--concurrency 1,4,16",
    ),
}
