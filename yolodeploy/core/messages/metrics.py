"""What is said about the endpoint for Prometheus."""

from yolodeploy.core.messages import Message

MESSAGES = {
    "listen": Message(
        "cannot listen on {address}: {reason}",
        "无法监听 {address}：{reason}",
        "yolodeploy metrics --listen 127.0.0.1:PORT, with a port that is free",
        "yolodeploy metrics --listen 127.0.0.1:PORT，使用空闲端口",
    ),
}
