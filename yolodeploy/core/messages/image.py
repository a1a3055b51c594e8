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
    "cosign_failed": Message(
        "cosign did not sign: {reason}",
        "cosign 未能签名：{reason}",
        "check key and password; cosign 3 or newer is needed: cosign version",
        "请检查密钥和密码；需要 cosign 3 或更新版本：cosign version",
    ),
    "created_invalid": Message(
        "{created!r} is no moment to date an image with",
        "{created!r} 不能作为镜像的创建时间",
        "set SOURCE_DATE_EPOCH to Unix seconds, or unset it",
        "请将 SOURCE_DATE_EPOCH 设为 Unix 秒数，或取消设置",
    ),
    "in_use": Message(
        "image {image} is needed: {users}",
        "镜像 {image} 仍被使用：{users}",
        "see who needs it: yolodeploy image show {image}",
        "查看使用者：yolodeploy image show {image}",
    ),
    "key_absent": Message(
        "there is no private key {path}",
        "私钥 {path} 不存在",
        "make a pair of keys: cosign generate-key-pair",
        "请生成密钥对：cosign generate-key-pair",
    ),
    "key_unreadable": Message(
        "{path} is no public key that can be read: {reason}",
        "{path} 不是可读取的公钥：{reason}",
        "name the public key in PEM, as cosign writes it: --key cosign.pub",
        "请指定 PEM 格式的公钥，如 cosign 生成的：--key cosign.pub",
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
        "name an ONNX file or a .pt of ultralytics: yolodeploy model add FILE",
        "请指定 ONNX 文件或 ultralytics 的 .pt：yolodeploy model add FILE",
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
    "model_facts": Message(
        "{path} in the image does not say what the model is: {reason}",
        "镜像中的 {path} 未说明模型信息：{reason}",
        "build the image again: yolodeploy image build MODEL",
        "请重新构建镜像：yolodeploy image build MODEL",
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
        "{path} has {size} bytes; a model's file has at most {limit}",
        "{path} 有 {size} 字节；模型文件最大为 {limit} 字节",
        "export a smaller model, or one with half precision: yolo export format=onnx",
        "请导出更小或半精度的模型：yolo export format=onnx",
    ),
    "model_unreadable": Message(
        "{path} cannot be read: {reason}",
        "无法读取 {path}：{reason}",
        "check that your account may read it: ls -l {path}",
        "请确认当前账户可读：ls -l {path}",
    ),
    "name_taken": Message(
        "{name} is the name of one {kind} already",
        "{name} 已是一个 {kind} 的名称",
        "choose another name for the index; these are taken: yolodeploy image list",
        "请为索引选择其他名称；已占用的名称：yolodeploy image list",
    ),
    "needs_signing": Message(
        "judging signatures needs the signing extra, which is not installed",
        "验证签名需要 signing 附加组件，但尚未安装",
        "pip install 'yolodeploy[signing]'",
    ),
    "needs_serve": Message(
        "looking into a model needs the serve extra, which is not installed ({package})",
        "检查模型需要 serve 附加组件，但尚未安装（{package}）",
        "pip install 'yolodeploy[serve]'",
    ),
    "no_cosign": Message(
        "cosign, which signs, is not installed on this machine",
        "此机器上未安装用于签名的 cosign",
        "install cosign 3 or newer, and see that it is found: cosign version",
        "请安装 cosign 3 或更新版本并确认可用：cosign version",
    ),
    "password_unreadable": Message(
        "the file {path}, which is to hold the password, cannot be read: {reason}",
        "无法读取存放密码的文件 {path}：{reason}",
        "check that your account may read it: ls -l {path}",
        "请确认当前账户可读：ls -l {path}",
    ),
    "platform_twice": Message(
        "two of the images are for {platform}; an index has one for each platform",
        "有两个镜像面向 {platform}；一个索引中每个平台只能有一个镜像",
        "name one image for each platform: yolodeploy image list -o wide",
        "请为每个平台指定一个镜像：yolodeploy image list -o wide",
    ),
    "policy_key": Message(
        "app {app} takes images that its key has signed; {image} is signed by others only",
        "应用 {app} 只接受由其密钥签名的镜像；{image} 仅由他人签名",
        "yolodeploy image sign {image} --key cosign.key",
    ),
    "policy_unsigned": Message(
        "app {app} takes signed images only, and nobody has signed {image}",
        "应用 {app} 只接受已签名的镜像，而 {image} 未签名",
        "yolodeploy image sign {image} --key cosign.key",
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
    "signed_otherwise": Message(
        "image {digest} is signed, but not by the key {key}",
        "镜像 {digest} 已签名，但不是由密钥 {key} 签署",
        "have it signed by the right key: yolodeploy image sign {digest} --key cosign.key",
        "请用正确的密钥签名：yolodeploy image sign {digest} --key cosign.key",
    ),
    "source_login": Message(
        "the address of the source has a login in it, which everybody who has the image would read",
        "源地址中含有登录信息，所有获得镜像的人都能读到",
        "give the address without user and password: --source https://HOST/REPOSITORY",
        "请给出不含用户名和密码的地址：--source https://HOST/REPOSITORY",
    ),
    "too_many_packages": Message(
        "image {digest} lists more than {limit} packages; that is no base to deploy",
        "镜像 {digest} 列出的软件包超过 {limit} 个，不适合作为部署的基础镜像",
        "build on another base: yolodeploy image build MODEL --base NAME",
        "请使用其他基础镜像构建：yolodeploy image build MODEL --base NAME",
    ),
    "unsigned": Message(
        "nobody has signed image {digest}",
        "镜像 {digest} 未签名",
        "yolodeploy image sign {digest} --key cosign.key",
    ),
    "which_platform": Message(
        "{digest} has images for several platforms: {offered}",
        "{digest} 包含多个平台的镜像：{offered}",
        "say which one: --platform linux/arm64",
        "请指定平台：--platform linux/arm64",
    ),
}
