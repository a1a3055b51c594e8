"""How a release comes by its TensorRT engine on a site, and why no other way."""

from yolodeploy.core.messages import Message

MESSAGES = {
    "came": Message("engine: {told}", "引擎：{told}"),
    "there": Message("there already", "已在站点上"),
    "brought": Message("brought from {sites}", "从 {sites} 传入"),
    "brought_bytes": Message("brought from {site}, {size} bytes", "从 {site} 传入，{size} 字节"),
    "before": Message("built before, on a GPU that is free", "切换前在空闲的 GPU 上构建"),
    "was_before": Message("built before, on a GPU that was free", "已在切换前于空闲的 GPU 上构建"),
    "at_start": Message("built at the start, for {reason}", "启动时构建，因为{reason}"),
    "at_start_measured": Message(
        "built at the start, about {seconds} s (as measured), for {reason}",
        "启动时构建，约 {seconds} 秒（实测），因为{reason}",
    ),
    "at_start_guessed": Message(
        "built at the start, about {seconds} s (guessed), for {reason}",
        "启动时构建，约 {seconds} 秒（估计），因为{reason}",
    ),
    "in_pods": Message(
        "engines go with their pods here: app place {app} --engines claim",
        "此处引擎随 Pod 一起消失：app place {app} --engines claim",
    ),
    "takes_none": Message("the server in its image takes none in", "其镜像中的服务器不接收引擎"),
    "nobody_has": Message(
        "nobody has one for {gpu} and driver {driver}",
        "没有适用于 {gpu} 和驱动 {driver} 的引擎",
    ),
    "perhaps_not": Message(
        "those that there are, for TensorRT {versions}, may not be for this image's",
        "现有引擎适用于 TensorRT {versions}，可能与该镜像的版本不符",
    ),
    "other_versions": Message(
        "the image has TensorRT {tensorrt} and ONNX Runtime {onnxruntime}, and what is offered "
        "is for {versions}",
        "镜像中为 TensorRT {tensorrt} 和 ONNX Runtime {onnxruntime}，而现有引擎适用于 {versions}",
    ),
    "version_unknown": Message("of an unknown version", "（版本未知）"),
    "no_node": Message("no node is seen that could run it", "看不到可运行它的节点"),
    "no_labels": Message(
        "nobody knows the GPU of {nodes}: it has no labels of its GPU's kind",
        "{nodes} 的 GPU 型号未知：没有标明 GPU 型号的标签",
    ),
    "no_pod": Message("no pod was made", "没有创建 Pod"),
    "job_failed": Message("the Job failed", "Job 失败"),
    "too_long": Message("it took too long", "耗时过长"),
}
