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
    "none": Message(
        "{device} has no GPU that its driver shows",
        "{device} 没有驱动可见的 GPU",
        "nvidia-smi -L on {device}; yolodeploy doctor {device}",
        "在 {device} 上运行 nvidia-smi -L；yolodeploy doctor {device}",
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
        "{sharing} gives {device} {shares} shares, and {pods} pods take one each ({apps})",
        "{sharing} 使 {device} 有 {shares} 份，而 {pods} 个 Pod 各需一份（{apps}）",
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
        "{app} does not say how much memory of {device}'s GPU it takes, and under {sharing} nothing "
        "keeps it within its {share} MiB",
        "{app} 未声明占用 {device} 的 GPU 显存，而 {sharing} 无法将其限制在 {share} MiB 之内",
        "yolodeploy release create APP … --vram-mb {share}, or share it by MPS, which limits memory",
        "yolodeploy release create APP … --vram-mb {share}，或改用会限制显存的 MPS",
    ),
}
