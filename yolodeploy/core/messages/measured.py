"""What is said about measurements of servers that cannot be believed."""

from yolodeploy.core.messages import Message

MESSAGES = {
    "garbage": Message(
        "what an instance says it has measured breaks a rule; nothing of it is stored",
        "实例上报的测量数据不合规则；未存储其中任何内容",
        "yolodeploy events --code 'measured.*', then yolodeploy logs --device DEVICE",
        "yolodeploy events --code 'measured.*'，然后 yolodeploy logs --device DEVICE",
    ),
    "shrunk": Message(
        "an instance has counted less than before; nothing of it is stored until it has more",
        "实例的计数比之前小；在其超过之前的值以前不会存储",
        "yolodeploy events --code 'measured.*', then yolodeploy logs --device DEVICE",
        "yolodeploy events --code 'measured.*'，然后 yolodeploy logs --device DEVICE",
    ),
}
