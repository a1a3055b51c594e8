"""What is said about models."""

from yolodeploy.core.messages import Message

MESSAGES = {
    "not_found": Message(
        "no model at {path}: {reason}",
        "{path} 处没有模型：{reason}",
        "yolodeploy model list",
    ),
    "not_onnx": Message(
        "the file is no ONNX model, or is damaged: {reason}",
        "该文件不是 ONNX 模型，或已损坏：{reason}",
        "export the model again (yolo export format=onnx), or copy the file again",
        "请重新导出模型（yolo export format=onnx），或重新复制该文件",
    ),
    "no_metadata": Message(
        "the model does not say what its classes are called",
        "模型中没有类别名称",
        "export it with ultralytics, which writes them: yolo export format=onnx",
        "请用 ultralytics 导出，它会写入类别名称：yolo export format=onnx",
    ),
    "metadata_invalid": Message(
        "the model's metadata is not valid: {field} is {value}",
        "模型的元数据无效：{field} 为 {value}",
        "export it again with ultralytics: yolo export format=onnx",
        "请用 ultralytics 重新导出：yolo export format=onnx",
    ),
    "opset_unsupported": Message(
        "the model needs opset {opset}, or a file version, that {engine} does not know",
        "模型需要 opset {opset} 或更新的文件版本，而 {engine} 不支持",
        "export it for an older opset: yolo export format=onnx opset=17",
        "请用较旧的 opset 导出：yolo export format=onnx opset=17",
    ),
    "task_unsupported": Message(
        "the model's task is {task}; this server does {known}",
        "模型的任务是 {task}；本服务器支持 {known}",
        "train or choose a model of one of these tasks",
        "请训练或选择上述任务之一的模型",
    ),
    "input_unknown": Message(
        "the model's input is {inputs}; one of float (1, 3, height, width) is needed",
        "模型的输入是 {inputs}；需要一个 float (1, 3, 高, 宽) 输入",
        "export it with batch 1 and three channels: yolo export format=onnx batch=1",
        "请以批量 1、三通道导出：yolo export format=onnx batch=1",
    ),
    "size_unknown": Message(
        "the model takes pictures of any size and does not say which it was made for",
        "模型接受任意尺寸的图片，且未说明其设计尺寸",
        "export it with a size: yolo export format=onnx imgsz=640",
        "请指定尺寸导出：yolo export format=onnx imgsz=640",
    ),
    "output_unknown": Message(
        "the model's output is {shape}; {expected} is needed",
        "模型的输出是 {shape}；需要 {expected}",
        "export it again with ultralytics: yolo export format=onnx",
        "请用 ultralytics 重新导出：yolo export format=onnx",
    ),
    "too_large": Message(
        "{path} has {gigabytes} GB; an ONNX file can have 2",
        "{path} 有 {gigabytes} GB；ONNX 文件最多 2 GB",
        "choose a smaller model, or export it in half precision (half=True)",
        "请选择较小的模型，或以半精度导出（half=True）",
    ),
    "external_data": Message(
        "the model keeps weights in files beside it; only whole files are served",
        "模型的权重存放在旁边的其他文件中；只支持单个完整文件",
        "export it as one file: yolo export format=onnx",
        "请导出为单个文件：yolo export format=onnx",
    ),
    "engine_refused": Message(
        "{engine} cannot run the model: {reason}",
        "{engine} 无法运行该模型：{reason}",
        "export it again with ultralytics: yolo export format=onnx",
        "请用 ultralytics 重新导出：yolo export format=onnx",
    ),
    "engine_missing": Message(
        "the engine {engine} is not here: {reason}",
        "此处没有推理引擎 {engine}：{reason}",
        "use an image that has it (by hand: pip install 'yolodeploy[openvino]'), or let a release "
        "fall back: yolodeploy release create APP --fallback",
        "请使用包含该引擎的镜像（手动运行：pip install 'yolodeploy[openvino]'），或允许发布回退："
        "yolodeploy release create APP --fallback",
    ),
    "engine_precision": Message(
        "{engine} does not compute in {precision} here: {reason}",
        "{engine} 在此处不支持 {precision} 精度：{reason}",
        "choose another precision: yolodeploy release create APP --precision f32",
        "请选择其他精度：yolodeploy release create APP --precision f32",
    ),
    "engine_disagrees": Message(
        "{engine} in {precision} does not find what f32 finds on the warm-up pictures: {reason}",
        "{engine}（{precision}）在预热图片上的结果与 f32 不一致：{reason}",
        "choose f32, or accept it: yolodeploy release create APP --accept-difference",
        "请选择 f32，或接受差异：yolodeploy release create APP --accept-difference",
    ),
    "other_task": Message(
        "one model does {a}, the other {b}: there is nothing to compare",
        "一个模型的任务是 {a}，另一个是 {b}：无法比较",
        "yolodeploy model list",
    ),
    "picture_unreadable": Message(
        "{path} cannot be read: {reason}",
        "无法读取 {path}：{reason}",
        "check that your account may read it: ls -l {path}",
        "请确认当前账户可读：ls -l {path}",
    ),
    "no_pictures": Message(
        "none of the {count} pictures can be read",
        "{count} 张图片均无法读取",
        "name a folder with whole .jpg, .png, .webp, .bmp or .tiff files",
        "请指定包含完整 .jpg、.png、.webp、.bmp 或 .tiff 文件的文件夹",
    ),
    "other_digest": Message(
        "{path} is {digest}, and the release wants {wanted}",
        "{path} 的摘要是 {digest}，而发布要求 {wanted}",
        "yolodeploy image list -o wide",
    ),
}
