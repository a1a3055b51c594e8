"""What is said about taking models in and building images."""

from yolodeploy.core.messages import Message

MESSAGES = {
    "base_absent": Message(
        "base {digest} is not in {path}",
        "{path} 中没有基础镜像 {digest}",
        "bring it there first: yolodeploy image pull HOST/REPOSITORY:TAG",
        "请先将其放入：yolodeploy image pull HOST/REPOSITORY:TAG",
    ),
    "base_has_model": Message(
        "base {digest} holds a server or a model already",
        "基础镜像 {digest} 已包含服务器或模型",
        "name the base it was built on: yolodeploy image list -o wide",
        "请指定其所基于的基础镜像：yolodeploy image list -o wide",
    ),
    "base_inconsistent": Message(
        "base {digest} is damaged: its configuration names other layers than its manifest",
        "基础镜像 {digest} 已损坏：配置与清单中的层不一致",
        "fetch the base again: yolodeploy image pull HOST/REPOSITORY:TAG",
        "请重新获取基础镜像：yolodeploy image pull HOST/REPOSITORY:TAG",
    ),
    "created_invalid": Message(
        "{created!r} is no moment to date an image with",
        "{created!r} 不能作为镜像的创建时间",
        "set SOURCE_DATE_EPOCH to Unix seconds, or unset it",
        "请将 SOURCE_DATE_EPOCH 设为 Unix 秒数，或取消设置",
    ),
    "facts_invalid": Message(
        "layer {digest} holds no model that can be used: {reason}",
        "层 {digest} 中没有可用的模型：{reason}",
        "build the image again from its model: yolodeploy image build MODEL",
        "请用其模型重新构建镜像：yolodeploy image build MODEL",
    ),
    "model_absent": Message(
        "there is no file {path}",
        "文件 {path} 不存在",
        "name an ONNX file: yolodeploy model add FILE.onnx",
        "请指定 ONNX 文件：yolodeploy model add FILE.onnx",
    ),
    "model_changed": Message(
        "{path} is not the model {digest}: it changed while it was being read, or before",
        "{path} 不是模型 {digest}：在读取期间或之前被更改",
        "wait until nobody writes to it, then try again: yolodeploy model add {path}",
        "等待写入完成后重试：yolodeploy model add {path}",
    ),
    "model_empty": Message(
        "{path} is empty",
        "{path} 是空文件",
        "export the model again: yolo export format=onnx",
        "请重新导出模型：yolo export format=onnx",
    ),
    "model_not_file": Message(
        "{path} is a folder, a pipe or a device, not a model",
        "{path} 是文件夹、管道或设备，不是模型",
        "name an ONNX file: yolodeploy model add FILE.onnx",
        "请指定 ONNX 文件：yolodeploy model add FILE.onnx",
    ),
    "model_refused": Message(
        "{path}: {text}",
        "{path}：{text}",
        "{remedy}",
    ),
    "model_too_large": Message(
        "{path} has {size} bytes; an ONNX file has at most {limit}",
        "{path} 有 {size} 字节；ONNX 文件最大为 {limit} 字节",
        "export a smaller model, or one with half precision: yolo export format=onnx",
        "请导出更小或半精度的模型：yolo export format=onnx",
    ),
    "model_unreadable": Message(
        "{path} cannot be read: {reason}",
        "无法读取 {path}：{reason}",
        "check that your account may read it: ls -l {path}",
        "请确认当前账户可读：ls -l {path}",
    ),
    "needs_serve": Message(
        "looking into a model needs the serve extra, which is not installed ({package})",
        "检查模型需要 serve 附加组件，但尚未安装（{package}）",
        "pip install 'yolodeploy[serve]'",
    ),
    "probe_answer": Message(
        "looking into {path} gave no usable answer: {reason}",
        "检查 {path} 未得到可用的结果：{reason}",
        "install server and tool in the same version: pip install -U 'yolodeploy[serve]'",
        "请安装相同版本的服务器和工具：pip install -U 'yolodeploy[serve]'",
    ),
    "probe_crashed": Message(
        "the inference engine broke on {path}: {reason}",
        "推理引擎在处理 {path} 时崩溃：{reason}",
        "check the file with its source, then export it again: yolo export format=onnx",
        "请与来源核对该文件，然后重新导出：yolo export format=onnx",
    ),
    "probe_timeout": Message(
        "looking into {path} took more than {seconds} s and was stopped",
        "检查 {path} 超过 {seconds} 秒，已停止",
        "try again when the machine has less to do, or export a smaller model",
        "请在机器空闲时重试，或导出更小的模型",
    ),
}
