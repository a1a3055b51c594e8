"""What is said about a command line that is none of ours."""

from yolodeploy.core.messages import Message

MESSAGES = {
    "missing": Message("{what} is missing", "缺少 {what}"),
    "no_option": Message("there is no option {name}", "没有选项 {name}"),
    "no_command": Message("there is no command {name}", "没有命令 {name}"),
    "near_option": Message(
        "there is no option {name}. Did you mean {near}?", "没有选项 {name}。是否想用 {near}？"
    ),
    "near_command": Message(
        "there is no command {name}. Did you mean {near}?", "没有命令 {name}。是否想用 {near}？"
    ),
    "no_value": Message("{name} needs a value", "{name} 需要一个值"),
    "choice": Message("{what} must be one of: {choices}", "{what} 必须是以下之一：{choices}"),
    "number": Message("{what} must be a number", "{what} 必须是数字"),
    "range": Message(
        "{what} must be a number from {least} to {most}",
        "{what} 必须是 {least} 到 {most} 之间的数字",
    ),
    "least": Message(
        "{what} must be a number from {least} on", "{what} 必须是不小于 {least} 的数字"
    ),
    "duration": Message(
        "{what} must be a time like 45s, 30m, 12h or 7d",
        "{what} 必须是 45s、30m、12h 或 7d 这样的时间",
    ),
    "path": Message("{what} is too long for a file's name", "{what} 作为文件名过长"),
    "extra": Message("nothing takes {names} here", "此处不接受 {names}"),
    "is_not": Message("{given} is not {form}", "{given} 不是 {form}"),
    "not_like": Message("{given} is not like {form}", "{given} 不是 {form} 这样的形式"),
    "aspect": Message(
        "{given} is not WIDTH:HEIGHT, such as 4:3", "{given} 不是 WIDTH:HEIGHT 形式，例如 4:3"
    ),
    "moment": Message(
        "{given} is not like 2026-11-26, 2026-11-26T04:00, 2026-11-26T04:00Z or 24h",
        "{given} 不是 2026-11-26、2026-11-26T04:00、2026-11-26T04:00Z 或 24h 这样的时间",
    ),
    "no_duration": Message(
        "{given} is not like 45s, 30m, 12h or 7d", "{given} 不是 45s、30m、12h 或 7d 这样的时间"
    ),
    "no_number": Message("{given} is no number", "{given} 不是数字"),
    "no_size": Message(
        "{given} is no size such as 4GB or 700MB", "{given} 不是 4GB 或 700MB 这样的大小"
    ),
    "no_completion": Message("no completion for {shell}", "不支持 {shell} 的补全"),
    "too_long": Message("it is too long", "过长"),
    "same": Message("it says the same as {other}", "与 {other} 含义相同"),
    "nothing_between": Message("nothing lies between the two", "两者之间没有时间"),
    "exclude": Message("{one} and {other} exclude each other", "{one} 与 {other} 不能同时使用"),
    "goes_with": Message("{one} goes with {other}", "{one} 须与 {other} 一起使用"),
    "two_ways": Message(
        "--address and --context are two ways to name a site",
        "--address 和 --context 是指定站点的两种方式，只能选一种",
    ),
    "name_proxy": Message(
        "name a proxy with --http and --https, or --none",
        "请用 --http 和 --https 指定代理，或使用 --none",
    ),
    "undo_nothing": Message(
        "name a rollout, a release with --to, or both",
        "请指定一个发布，或用 --to 指定版本，或两者都指定",
    ),
    "undo_sites": Message(
        "a rollout names its sites: leave out --site and --select",
        "发布已确定其站点：请去掉 --site 和 --select",
    ),
    "meant": Message(
        "{given} is neither gained:CLASS nor lost:CLASS.",
        "{given} 既不是 gained:CLASS 也不是 lost:CLASS。",
    ),
    "needs_release": Message(
        "it needs --release, the one to judge", "需要 --release，即要评判的版本"
    ),
    "plot_alone": Message(
        "it goes with neither -o nor --against", "不能与 -o 或 --against 一起使用"
    ),
    "always_alone": Message(
        "--always takes the windows and freezes away: give none",
        "--always 会去掉所有窗口和冻结期：请不要再指定",
    ),
    "invalid": Message("{what}: {reason}", "{what}：{reason}"),
    "other": Message("{reason}", "{reason}"),
}
