"""What is said about exporting checkpoints and comparing models."""

from yolodeploy.core.messages import Message

_SOURCE = "take the file from whoever trained it, or from where it was first published"
_SOURCE_ZH = "请从训练者或最初发布处重新获取该文件"
_BY_HAND = "export it where it was trained, then add the .onnx: yolo export format=onnx"
_BY_HAND_ZH = "请在训练环境中导出，再添加 .onnx：yolo export format=onnx"

MESSAGES = {
    "not_checkpoint": Message(
        "{path} is no checkpoint of ultralytics",
        "{path} 不是 ultralytics 的检查点",
        "name a .pt of ultralytics or an ONNX file: yolodeploy model add FILE.onnx",
        "请指定 ultralytics 的 .pt 或 ONNX 文件：yolodeploy model add FILE.onnx",
    ),
    "old_format": Message(
        "{path} is in the format of torch before 1.6, which cannot be opened without running it",
        "{path} 是 torch 1.6 之前的格式，不运行其中代码就无法打开",
        "where you trust it, save it again with a newer ultralytics: YOLO(FILE).save(NEW)",
        "若信任该文件，请用较新的 ultralytics 重新保存：YOLO(FILE).save(NEW)",
    ),
    "torchscript": Message(
        "{path} is a TorchScript program, not a checkpoint",
        "{path} 是 TorchScript 程序，不是检查点",
        "name the .pt that it was exported from",
        "请指定导出它的原始 .pt 文件",
    ),
    "damaged": Message(
        "{path} cannot be read as a checkpoint: {reason}",
        "无法将 {path} 读取为检查点：{reason}",
        "copy the file again and compare its size and checksum with the source's",
        "请重新复制文件，并与来源核对大小和校验和",
    ),
    "bomb": Message(
        "{path} is not packed as torch packs checkpoints ({reason}), and was not opened",
        "{path} 的打包方式与 torch 检查点不符（{reason}），未打开",
        _SOURCE,
        _SOURCE_ZH,
    ),
    "runs_code": Message(
        "{path} asks for {name}, which no YOLO model needs: it may run a program; nothing was run",
        "{path} 要求 {name}，YOLO 模型并不需要：其中可能含有程序；未运行任何内容",
        _SOURCE,
        _SOURCE_ZH,
    ),
    "torch_too_old": Message(
        "torch {version} cannot open checkpoints without trusting them; 2.6 can",
        "torch {version} 无法安全打开检查点；需要 2.6 或更高版本",
        "pip install -U 'torch>=2.6'",
    ),
    "no_network": Message(
        "{path} holds weights or settings, but no network of ultralytics",
        "{path} 只含权重或设置，没有 ultralytics 网络",
        "name the best.pt or last.pt of a training run",
        "请指定训练产生的 best.pt 或 last.pt",
    ),
    "unknown_network": Message(
        "the checkpoint's network is a {name}; those that can be exported here: {known}",
        "检查点的网络是 {name}；此处可导出：{known}",
        _BY_HAND,
        _BY_HAND_ZH,
    ),
    "unknown_layer": Message(
        "the checkpoint's network has a layer {name}, which is none of ultralytics' own",
        "检查点的网络含有 {name} 层，它不属于 ultralytics",
        _BY_HAND,
        _BY_HAND_ZH,
    ),
    "description": Message(
        "the checkpoint describes its network in a way that is not allowed: {field} is {value}",
        "检查点对网络的描述不被允许：{field} 为 {value}",
        _BY_HAND,
        _BY_HAND_ZH,
    ),
    "channels": Message(
        "the network takes pictures of {channels} channels; this server gives three",
        "网络需要 {channels} 通道的图片；本服务器提供三通道",
        "train it with three channels",
        "请以三通道训练",
    ),
    "other_network": Message(
        "the checkpoint's weights do not fit its description in this ultralytics: {reason}",
        "在此版本的 ultralytics 中，检查点的权重与其描述不符：{reason}",
        "install the ultralytics it was trained with, or export it there: yolo export format=onnx",
        "请安装训练时所用的 ultralytics，或在训练环境中导出：yolo export format=onnx",
    ),
    "size": Message(
        "an input of {side} pixels is not possible; its sides are one stride to {most}",
        "输入尺寸 {side} 像素不可用；边长须为一个步长至 {most}",
        "yolodeploy model add FILE.pt --size 640",
    ),
    "no_boxes": Message(
        "a network with the head {head} has no doubles to suppress",
        "检测头为 {head} 的网络没有重复框，无需抑制",
        "leave --nms and --end-to-end out: yolodeploy model add FILE.pt",
        "请去掉 --nms 和 --end-to-end：yolodeploy model add FILE.pt",
    ),
    "no_nms": Message(
        "ultralytics left the suppression out of the graph: its torchvision may not be whole",
        "ultralytics 未将抑制写入模型：torchvision 可能不完整",
        "install the torchvision that fits its torch, or leave --nms out: the server does it too",
        "请安装与 torch 匹配的 torchvision，或去掉 --nms：服务器同样会进行抑制",
    ),
    "not_end_to_end": Message(
        "this network has no head that needs no suppression; yolov10 and yolo26 have one",
        "该网络没有无需抑制的检测头；yolov10 和 yolo26 才有",
        "leave it out: yolodeploy model add FILE.pt",
        "请去掉该选项：yolodeploy model add FILE.pt",
    ),
    "too_large": Message(
        "the exported model has {size} bytes; an ONNX file has at most {limit}",
        "导出的模型有 {size} 字节；ONNX 文件最大为 {limit} 字节",
        "yolodeploy model add FILE.pt --half",
    ),
    "quantised_already": Message(
        "{path} is quantised already",
        "{path} 已经量化",
        "add it as it is: yolodeploy model add {path}",
        "请直接添加：yolodeploy model add {path}",
    ),
    "quantised_badly": Message(
        "in INT8 the model does not find what it finds in f32, even with its head in float: "
        "{reason}",
        "INT8 模型即使将检测头保留为浮点，结果仍与 f32 不一致：{reason}",
        "give more and more typical frames with --frames, leave --int8 out, or accept it: "
        "yolodeploy model add FILE --int8 --frames FOLDER --accept-difference",
        "请用 --frames 提供更多更典型的图片，或去掉 --int8，或接受差异："
        "yolodeploy model add FILE --int8 --frames FOLDER --accept-difference",
    ),
    "frames_show_nothing": Message(
        "the model finds nothing on these {count} pictures, so INT8 cannot be held against it",
        "模型在这 {count} 张图片上没有检出任何内容，无法据此检验 INT8",
        "name pictures of what it is for: yolodeploy model add FILE --int8 --frames FOLDER",
        "请提供含有目标的图片：yolodeploy model add FILE --int8 --frames FOLDER",
    ),
    "no_frames": Message(
        "INT8 is calibrated on frames, and none were given",
        "INT8 需要用图片校准，但未提供",
        "yolodeploy model add FILE --int8 --frames FOLDER",
    ),
    "not_for_onnx": Message(
        "{option} is for .pt files: an ONNX file is taken as it is",
        "{option} 仅用于 .pt 文件：ONNX 文件按原样添加",
        "leave it out, or add the .pt: yolodeploy model add FILE.pt",
        "请去掉该选项，或添加 .pt：yolodeploy model add FILE.pt",
    ),
    "both_int8_and_half": Message(
        "a model is either in INT8 or in float16",
        "模型只能是 INT8 或 float16 之一",
        "yolodeploy model add FILE.pt --half",
    ),
    "needs_export": Message(
        "exporting needs the export extra in {python}, which lacks {package}",
        "导出需要 {python} 中的 export 附加组件，其中缺少 {package}",
        "pip install 'yolodeploy[export]', or name a Python that has ultralytics: "
        "yolodeploy config set export_python /PATH/TO/python",
        "pip install 'yolodeploy[export]'，或指定已安装 ultralytics 的 Python："
        "yolodeploy config set export_python /PATH/TO/python",
    ),
    "no_python": Message(
        "{path} cannot be run: {reason}",
        "无法运行 {path}：{reason}",
        "yolodeploy config set export_python /PATH/TO/python",
    ),
    "memory": Message(
        "there was not enough memory: it may take {megabytes} MB here",
        "内存不足：此处最多可用 {megabytes} MB",
        "try again on a machine with more free memory, or with a smaller --size",
        "请在空闲内存更多的机器上重试，或使用更小的 --size",
    ),
    "timeout": Message(
        "it took more than {seconds} s and was stopped",
        "超过 {seconds} 秒，已停止",
        "try again when the machine has less to do, or with a smaller --size or fewer frames",
        "请在机器空闲时重试，或使用更小的 --size 或更少的图片",
    ),
    "output": Message(
        "it printed more than {limit} bytes and was stopped",
        "输出超过 {limit} 字节，已停止",
        _BY_HAND,
        _BY_HAND_ZH,
    ),
    "crashed": Message(
        "the process that worked on {path} ended by {reason}",
        "处理 {path} 的进程因 {reason} 结束",
        "see whether memory ran out, then try a smaller input: "
        "yolodeploy model add FILE --size 320",
        "请检查内存是否耗尽，然后尝试更小的尺寸：yolodeploy model add FILE --size 320",
    ),
    "broke": Message(
        "{path} could not be worked on: {reason}",
        "无法处理 {path}：{reason}",
        _BY_HAND,
        _BY_HAND_ZH,
    ),
    "server_refused": Message("{text}", "{text}", "{remedy}"),
    "server_broke": Message(
        "the inference engine broke: {reason}",
        "推理引擎出错：{reason}",
        "check both models: yolodeploy model show MODEL",
        "请检查两个模型：yolodeploy model show MODEL",
    ),
    "cancelled": Message(
        "stopped as asked",
        "已按要求停止",
        "type the command again",
        "请重新运行该命令",
    ),
}
