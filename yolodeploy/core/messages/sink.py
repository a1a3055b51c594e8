"""What is said about sinks: where results go."""

from yolodeploy.core.messages import Message

MESSAGES = {
    "twice": Message(
        "two sinks have the name {name}",
        "有两个 sink 使用了同一名称 {name}",
        "give each sink a name of its own",
        "请为每个 sink 指定不同的名称",
    ),
    "same_file": Message(
        "two sinks write to {path}",
        "有两个 sink 写入同一文件 {path}",
        "give each sink a file of its own",
        "请为每个 sink 指定不同的文件",
    ),
    "setting": Message(
        "sink {name} cannot work as it is set: {reason}",
        "sink {name} 的设置无法使用：{reason}",
        "correct it in the site settings; docs/messages.md has an example of each kind",
        "请修改站点设置；docs/messages.md 中有每种 sink 的示例",
    ),
    "library_missing": Message(
        "{library} is not installed",
        "未安装 {library}",
        "pip install 'yolodeploy[streams]'",
    ),
    "credentials_file": Message(
        "the credentials file {path} cannot be used: {reason}",
        "无法使用凭据文件 {path}：{reason}",
        "chmod 600 {path}, with user:password (or the token) as its only line, owned by the server",
        "chmod 600 {path}，内容为一行 user:password（或令牌），属主为服务器的运行用户",
    ),
    "ca_file": Message(
        "the certificates {path} cannot be used: {reason}",
        "无法使用证书文件 {path}：{reason}",
        "name a PEM file with the certificates to trust: ca_file",
        "请用 ca_file 指定包含受信任证书的 PEM 文件",
    ),
    "folder_missing": Message(
        "there is no folder {path}",
        "目录 {path} 不存在",
        "make the folder, writable for the server, or name a file elsewhere",
        "请创建该目录并使服务器可写，或改用其他位置的文件",
    ),
    "not_a_file": Message(
        "{path} is no plain file",
        "{path} 不是普通文件",
        "name a file that is new, or one of ours",
        "请指定新文件，或本程序写入的文件",
    ),
    "unreachable": Message(
        "{address} cannot be reached: {reason}",
        "无法连接 {address}：{reason}",
        "check that it runs and that the network leads there; it is tried again by itself",
        "请检查其是否运行、网络是否可达；系统会自动重试",
    ),
    "credentials": Message(
        "{address} does not accept who we are: {reason}",
        "{address} 不接受我们的身份：{reason}",
        "correct credentials_file or token_file (it is read again at each attempt), or its rights",
        "请修正 credentials_file 或 token_file 及其权限；每次重试都会重新读取",
    ),
    "topic": Message(
        "{address} has no topic {topic}",
        "{address} 上没有主题 {topic}",
        "create the topic; it is looked for again by itself",
        "请创建该主题；系统会自动重试",
    ),
    "answer": Message(
        "{address} answers {status}",
        "{address} 返回 {status}",
        "look at that server's log; it is tried again by itself",
        "请查看该服务器的日志；系统会自动重试",
    ),
    "silent": Message(
        "nothing was acknowledged for {seconds} s",
        "已有 {seconds} 秒没有收到确认",
        "look at the broker; it is tried again by itself",
        "请检查消息代理；系统会自动重试",
    ),
    "file": Message(
        "{path} cannot be written: {reason}",
        "无法写入 {path}：{reason}",
        "free space on its disk, or make it writable; it is tried again by itself",
        "请释放磁盘空间或使其可写；系统会自动重试",
    ),
    "other_header": Message(
        "{path} begins with another header than ours",
        "{path} 的表头与本程序的不同",
        "move the file away, or name another one; it is tried again by itself",
        "请移走该文件，或指定其他文件；系统会自动重试",
    ),
    "refused": Message(
        "messages are refused for good, and dropped: {reason}",
        "消息被永久拒绝并已丢弃：{reason}",
        "look at what the other side accepts; yolodeploy_sink_messages_total counts them",
        "请检查对方接受的内容；计数见 yolodeploy_sink_messages_total",
    ),
    "too_large": Message(
        "a message of {bytes} bytes is dropped: a spool of this size takes {most} at most",
        "丢弃了 {bytes} 字节的消息：此大小的缓存最多接受 {most} 字节",
        "raise spool_mb (a message may have an eighth of it, and 1 MB at most)",
        "请增大 spool_mb（单条消息最多为其八分之一，且不超过 1 MB）",
    ),
    "spool_full": Message(
        "the spool {path} is full: the oldest messages are dropped",
        "缓存 {path} 已满：正在丢弃最旧的消息",
        "bring the other side back, or raise spool_mb",
        "请恢复对端，或增大 spool_mb",
    ),
    "spool_disk": Message(
        "the spool {path} cannot be used, messages are held in memory only: {reason}",
        "无法使用缓存 {path}，消息仅保存在内存中：{reason}",
        "free space on its disk, or make it writable; it is tried again by itself",
        "请释放磁盘空间或使其可写；系统会自动重试",
    ),
    "spool_taken": Message(
        "another server still has the spool {path}; until it ends, messages stay in memory",
        "缓存 {path} 仍被另一个服务器占用；在其结束前，消息仅保存在内存中",
        "nothing to do while a release is exchanged; else give each server a folder of its own",
        "版本更换期间无需处理；否则请为每个服务器指定单独的目录",
    ),
    "spool_damaged": Message(
        "the spool {path} is damaged and was set aside as {path}.damaged: {reason}",
        "缓存 {path} 已损坏，已另存为 {path}.damaged：{reason}",
        "a new one was begun; look at the disk, and remove the damaged file when it is not needed",
        "已新建缓存；请检查磁盘，不再需要时删除损坏的文件",
    ),
    "mistake": Message(
        "this sink stopped through a mistake of ours: {reason}",
        "由于程序错误，此 sink 已停止：{reason}",
        "yolodeploy logs",
    ),
}
