"""What the store of sampled frames says."""

from yolodeploy.core.messages import Message

MESSAGES = {
    "off": Message(
        "no frames are kept here",
        "此处不保留图像样本",
        "ask for it in the site settings: a table [samples]",
        "请在站点设置中添加 [samples] 表",
    ),
    "unknown": Message(
        "there is no sample {id}",
        "没有样本 {id}",
        "GET /samples lists those that are kept; the oldest go",
        "GET /samples 列出保留的样本；最旧的会被删除",
    ),
}
