"""What is said about GPUs and how they are shared."""

from yolodeploy.core.messages import Message

_SHOW = "yolodeploy gpu show {device}"

MESSAGES = {
    "sharing_invalid": Message(
        "{text} is no way of sharing GPUs",
        "{text} 不是有效的 GPU 共享方式",
        "exclusive, time-slicing:N or mps:N (2 to {most}), mig:PROFILE such as mig:1g.10gb",
        "exclusive、time-slicing:N 或 mps:N（2 到 {most}）、mig:规格（例如 mig:1g.10gb）",
    ),
    "one_way": Message(
        "{count} ways of sharing were named, and one is needed",
        "指定了 {count} 种共享方式，只能指定一种",
        "--exclusive, --time-slicing N, --mps N or --mig PROFILE",
        "--exclusive、--time-slicing N、--mps N 或 --mig 规格",
    ),
    "no_device": Message(
        "there is no device with a GPU ({words})",
        "没有带 GPU 的设备（{words}）",
        "yolodeploy device list -o wide shows profiles; yolodeploy device add NAME HOST --site "
        "SITE --profile nvidia",
        "yolodeploy device list -o wide 显示设备类型；yolodeploy device add NAME HOST --site SITE "
        "--profile nvidia",
    ),
    "cpu_only": Message(
        "{device} has no GPU",
        "{device} 没有 GPU",
        "if it has one: yolodeploy device remove {device}, and add it with --profile nvidia",
        "如果有：yolodeploy device remove {device}，然后用 --profile nvidia 重新添加",
    ),
    "not_seen": Message(
        "the GPUs of {device} cannot be seen: {reason}",
        "无法查看 {device} 的 GPU：{reason}",
        "yolodeploy site provision SITE, which says what is wrong; by hand: nvidia-smi -L",
        "yolodeploy site provision SITE 会指出问题；也可手动运行：nvidia-smi -L",
    ),
    "some_not_seen": Message(
        "the GPUs of {devices} cannot be seen ({failed} of {all})",
        "无法查看 {devices} 的 GPU（{failed}/{all}）",
        "mend what is said of each, then run the same command again",
        "请按各自的提示解决，然后重新运行同一命令",
    ),
    "report_invalid": Message(
        "{device} says what nobody understands of its GPUs: {reason}",
        "{device} 返回了无法理解的 GPU 信息：{reason}",
        "yolodeploy logs, and look at the device: nvidia-smi -L",
        "yolodeploy logs，并在设备上运行 nvidia-smi -L",
    ),
    "refused": Message(
        "nothing was changed: {sharing} does not fit on {devices}",
        "未做任何更改：{sharing} 不适合 {devices}",
        "yolodeploy gpu show {devices}, then another way of sharing",
        "yolodeploy gpu show {devices}，然后改用其他共享方式",
    ),
    "none": Message(
        "{device} has no GPU that its driver shows",
        "{device} 没有驱动可见的 GPU",
        "nvidia-smi -L on {device}; then yolodeploy site provision SITE",
        "在 {device} 上运行 nvidia-smi -L；然后 yolodeploy site provision SITE",
    ),
    "jetson": Message(
        "{device} is a Jetson, whose GPU knows no {sharing}",
        "{device} 是 Jetson，其 GPU 不支持 {sharing}",
        "yolodeploy gpu share {device} --time-slicing 2",
    ),
    "no_mig": Message(
        "the {product} of {device} cannot be divided by MIG",
        "{device} 的 {product} 不支持 MIG",
        "yolodeploy gpu share {device} --time-slicing 2",
    ),
    "no_mig_profile": Message(
        "the {product} of {device} has no MIG profile {profile} (it has {profiles})",
        "{device} 的 {product} 没有 MIG 规格 {profile}（可用：{profiles}）",
        "name one of those: yolodeploy gpu share {device} --mig PROFILE",
        "请使用其中之一：yolodeploy gpu share {device} --mig 规格",
    ),
    "too_few_shares": Message(
        "{pods} pods take a share of {device} each, and under {sharing} there are {shares} "
        "({apps})",
        "{pods} 个 Pod 各需 {device} 的一份，而在 {sharing} 下只有 {shares} 份（{apps}）",
        "share it among more, or stop some of them; " + _SHOW,
        "请增加份数，或停止部分应用；" + _SHOW,
    ),
    "too_large": Message(
        "a share of {device} has {share} MiB under {sharing}, and {app} declares {declared} MiB",
        "在 {sharing} 下 {device} 的一份为 {share} MiB，而 {app} 声明需要 {declared} MiB",
        "share it among fewer, or give {app} a release that needs less; " + _SHOW,
        "请减少份数，或为 {app} 发布占用更少的版本；" + _SHOW,
    ),
    "undeclared": Message(
        "{app} does not say how much memory of {device}'s GPU it takes, and under {sharing} "
        "nothing keeps it within its {share} MiB",
        "{app} 未声明占用 {device} 的 GPU 显存，而 {sharing} 无法将其限制在 {share} MiB 之内",
        "yolodeploy release create APP --vram-mb {share} …, or share it by MPS, which limits it",
        "yolodeploy release create APP --vram-mb {share} …，或改用会限制显存的 MPS",
    ),
}
