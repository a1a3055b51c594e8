"""What the quickstart says before each step."""

from yolodeploy.core.messages import Message

MESSAGES = {
    "site": Message(
        "site {site}: one device, a server process", "站点 {site}：一台设备，即一个服务器进程"
    ),
    "app": Message("app {app}, with {frames} frames", "应用 {app}，含 {frames} 张图片"),
    "model_first": Message(
        "model {number}: an honest model, to every site",
        "模型 {number}：正常的模型，发布到所有站点",
    ),
    "model_better": Message(
        "model {number}: a better one, compared with the first on the same frames",
        "模型 {number}：更好的模型，在相同图片上与第一个比较",
    ),
    "model_spoiled": Message(
        "model {number}: one that was exported with the wrong normalisation: it must be stopped",
        "模型 {number}：导出时归一化有误的模型：必须被拦下",
    ),
    "image": Message("image {image}: server and model layers", "镜像 {image}：服务器层和模型层"),
    "release": Message(
        "release {release}: {new} of {size} bytes are new",
        "版本 {release}：{size} 字节中有 {new} 字节是新的",
    ),
    "rollout": Message(
        "rollout of {release}: one site first, then the others",
        "发布 {release}：先一个站点，再其余站点",
    ),
}
