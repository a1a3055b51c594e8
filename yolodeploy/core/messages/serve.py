"""What the inference server says."""

from yolodeploy.core.messages import Message

MESSAGES = {
    "config_unreadable": Message(
        "the configuration {path} cannot be read: {reason}",
        "无法读取配置 {path}：{reason}",
        "name a file that exists: --config FILE",
        "请指定存在的文件：--config FILE",
    ),
    "config_invalid": Message(
        "the configuration is not valid: {reason}",
        "配置无效：{reason}",
        "python -m yolodeploy.serve --help",
    ),
    "port_taken": Message(
        "port {port} on {host} is taken by another process",
        "{host} 的端口 {port} 已被其他进程占用",
        "choose another port, or find the process: ss -ltnp 'sport = :{port}'",
        "请改用其他端口，或查找占用的进程：ss -ltnp 'sport = :{port}'",
    ),
    "address": Message(
        "cannot listen on {host}:{port}: {reason}",
        "无法监听 {host}:{port}：{reason}",
        "use an address of this machine and a port from 1024 up",
        "请使用本机地址和 1024 以上的端口",
    ),
    "state_in_use": Message(
        "another server lives in the state folder {path}",
        "状态目录 {path} 正被另一个服务器使用",
        "stop it first, or give this one a folder of its own (--state-dir)",
        "请先停止它，或为本服务器指定单独的目录（--state-dir）",
    ),
    "state_folder": Message(
        "the state folder {path} cannot be used: {reason}",
        "无法使用状态目录 {path}：{reason}",
        "make it writable, or free space on its disk",
        "请使其可写，或释放磁盘空间",
    ),
    "orphan": Message(
        "the process that started this server has ended",
        "启动本服务器的进程已结束",
        "start it under a supervisor that stays, or set exit_with_parent to false",
        "请由常驻的监管进程启动，或将 exit_with_parent 设为 false",
    ),
    "prctl": Message(
        "the kernel does not tell when the parent ends: {reason}",
        "内核无法通知父进程结束：{reason}",
        "set exit_with_parent to false",
        "请将 exit_with_parent 设为 false",
    ),
    "parameter_unknown": Message(
        "parameter {name} is not known, or is given twice",
        "参数 {name} 未知，或重复给出",
        "known are: {known}",
        "可用参数：{known}",
    ),
    "parameter_invalid": Message(
        "parameter {name} cannot be {value!r}",
        "参数 {name} 不能是 {value!r}",
        "give {allowed}",
        "允许的值：{allowed}",
    ),
    "body_empty": Message(
        "the request has no body",
        "请求没有正文",
        "send the picture itself: curl --data-binary @picture.jpg …/detect",
        "请直接发送图片：curl --data-binary @picture.jpg …/detect",
    ),
    "body_cut": Message(
        "the connection ended after {bytes} bytes of the body",
        "连接在收到 {bytes} 字节正文后中断",
        "send it again",
        "请重新发送",
    ),
    "body_slow": Message(
        "the body came too slowly: {bytes} bytes so far",
        "正文传输过慢：目前 {bytes} 字节",
        "send a smaller picture, or check the link",
        "请发送较小的图片，或检查网络",
    ),
    "body_too_large": Message(
        "the body is larger than {megabytes} MB",
        "正文超过 {megabytes} MB",
        "send a smaller or better compressed picture",
        "请发送更小或压缩率更高的图片",
    ),
    "picture_too_large": Message(
        "the picture is {width} × {height}; at most {megapixels} megapixels are decoded",
        "图片为 {width} × {height}；最多解码 {megapixels} 百万像素",
        "send a smaller picture, or tiles of it",
        "请发送较小的图片或将其分块",
    ),
    "not_a_picture": Message(
        "the body is no JPEG, PNG, WebP, BMP, TIFF or GIF",
        "正文不是 JPEG、PNG、WebP、BMP、TIFF 或 GIF",
        "send the picture's own bytes, not a form and not base64",
        "请直接发送图片字节，不要用表单或 base64",
    ),
    "picture_broken": Message(
        "the {kind} is truncated or damaged, or of a kind that is not decoded",
        "该 {kind} 被截断、已损坏，或属于不支持的类型",
        "send it again, or save it as a plain 8-bit JPEG or PNG",
        "请重新发送，或另存为普通 8 位 JPEG 或 PNG",
    ),
    "no_such_path": Message(
        "there is nothing at {path}",
        "{path} 处没有内容",
        "POST /detect, GET /healthz /readyz /metrics /sketches /info",
    ),
    "wrong_method": Message(
        "{path} does not answer {method}",
        "{path} 不接受 {method}",
        "POST /detect, GET /healthz /readyz /metrics /sketches /info",
    ),
    "busy": Message(
        "too much waits already ({waiting})",
        "等待的请求过多（{waiting}）",
        "try again in a second, or add replicas",
        "请一秒后重试，或增加副本",
    ),
    "deadline": Message(
        "the answer was not there by the request's deadline",
        "未能在请求的期限内得到结果",
        "allow more time (x-deadline-ms), or add replicas",
        "请放宽期限（x-deadline-ms），或增加副本",
    ),
    "unauthorized": Message(
        "the request brings no token, or none that is known here",
        "请求未携带令牌，或令牌未知",
        "send the app's token: authorization: Bearer TOKEN",
        "请发送该应用的令牌：authorization: Bearer TOKEN",
    ),
    "token_file": Message(
        "the token file {path} cannot be used: {reason}",
        "无法使用令牌文件 {path}：{reason}",
        "chmod 600 {path}, with one token of 16 characters or more a line",
        "chmod 600 {path}，每行一个不少于 16 个字符的令牌",
    ),
    "tls": Message(
        "the certificate {path} cannot be used: {reason}",
        "无法使用证书 {path}：{reason}",
        "name a PEM certificate chain and its key: tls_certificate, tls_key",
        "请指定 PEM 证书链及其私钥：tls_certificate、tls_key",
    ),
    "not_ready": Message(
        "the server is not ready, or is about to stop",
        "服务器尚未就绪，或即将停止",
        "wait until /readyz answers 200",
        "请等待 /readyz 返回 200",
    ),
    "stuck": Message(
        "a worker has died, or has been at one request for a minute",
        "某个工作线程已终止，或处理单个请求已超过一分钟",
        "restart the server",
        "请重启服务器",
    ),
    "not_finite": Message(
        "the model's output is not finite (NaN or infinity)",
        "模型输出不是有限值（NaN 或无穷大）",
        "roll the release back; export the model again without half precision",
        "请回滚该发布；不使用半精度重新导出模型",
    ),
    "output_unfit": Message(
        "the model answered in another shape than at its start: {shape}",
        "模型的输出形状与启动时不同：{shape}",
        "roll the release back; export the model again with ultralytics",
        "请回滚该发布；用 ultralytics 重新导出模型",
    ),
    "class_unknown": Message(
        "the model found class {highest} and names {classes} only",
        "模型检测到类别 {highest}，但只有 {classes} 个类别名称",
        "roll the release back; export the model again with its own class names",
        "请回滚该发布；用正确的类别名称重新导出模型",
    ),
    "engine": Message(
        "the engine failed: {reason}",
        "推理引擎出错：{reason}",
        "yolodeploy logs",
    ),
    "internal": Message(
        "the server made a mistake; its log has the details",
        "服务器内部错误；详情见其日志",
        "yolodeploy logs",
    ),
}
