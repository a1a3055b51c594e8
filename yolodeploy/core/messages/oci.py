"""What is said about image layouts, blobs and layers."""

from yolodeploy.core.messages import Message

_FREE = ("yolodeploy image prune", "yolodeploy image prune")
_REBUILD = (
    "delete the damaged file, then build or fetch the image again: rm {path}",
    "删除损坏的文件，然后重新构建或获取镜像：rm {path}",
)
_OTHER_LAYER = (
    "take the image from a source you trust, or build it again with yolodeploy image build MODEL",
    "请从可信来源获取镜像，或用 yolodeploy image build MODEL 重新构建",
)

MESSAGES = {
    "blob_corrupt": Message(
        "blob {digest} is damaged: {path} is not what its digest says",
        "数据块 {digest} 已损坏：{path} 的内容与摘要不符",
        *_REBUILD,
    ),
    "blob_missing": Message(
        "blob {digest} is missing: there is no {path}",
        "缺少数据块 {digest}：{path} 不存在",
        "build or fetch the image again: yolodeploy image build MODEL",
        "请重新构建或获取镜像：yolodeploy image build MODEL",
    ),
    "busy": Message(
        "another command has been using {path} for more than {seconds} s",
        "另一条命令占用 {path} 已超过 {seconds} 秒",
        "see what runs with yolodeploy operations, then try again",
        "用 yolodeploy operations 查看正在运行的操作，稍后重试",
    ),
    "diff_ids": Message(
        "the configuration {digest} does not belong to its manifest: other layers",
        "配置 {digest} 与其清单不符：层不一致",
        *_OTHER_LAYER,
    ),
    "disk_full": Message(
        "no space left while writing to {path}; nothing was changed",
        "写入 {path} 时磁盘空间不足；未做任何更改",
        *_FREE,
    ),
    "file_too_large": Message(
        "{path} has {size} bytes; a layer holds files of at most {limit}",
        "{path} 有 {size} 字节；层中的文件最大为 {limit} 字节",
        "split the file, or place it in the base image",
        "请拆分该文件，或将其放入基础镜像",
    ),
    "is_index": Message(
        "{digest} names images for several platforms, not one image",
        "{digest} 指向多个平台的镜像，而不是单个镜像",
        "name the image of one platform: yolodeploy image pull REFERENCE --platform linux/arm64",
        "请指定一个平台的镜像：yolodeploy image pull REFERENCE --platform linux/arm64",
    ),
    "json_invalid": Message(
        "{path} is no valid OCI document: {reason}",
        "{path} 不是有效的 OCI 文档：{reason}",
        *_OTHER_LAYER,
    ),
    "json_too_large": Message(
        "{path} has {size} bytes; an OCI document has at most {limit}",
        "{path} 有 {size} 字节；OCI 文档最大为 {limit} 字节",
        *_OTHER_LAYER,
    ),
    "layer_absent": Message(
        "layer {digest} is not in {path}",
        "{path} 中没有层 {digest}",
        "prefetch the release again: yolodeploy rollout start APP@N",
        "请重新预取该发布：yolodeploy rollout start APP@N",
    ),
    "layer_bytes": Message(
        "the layer, or one header in it, has more bytes than allowed: {limit}",
        "层或其中一个头部的字节数超出上限：{limit}",
        *_OTHER_LAYER,
    ),
    "layer_entries": Message(
        "the layer has more entries than allowed: {limit}",
        "层的条目数超出上限：{limit}",
        *_OTHER_LAYER,
    ),
    "layer_kind": Message(
        "the layer holds {member}, which is neither file, folder nor link",
        "层中包含 {member}，它不是文件、文件夹或链接",
        *_OTHER_LAYER,
    ),
    "layer_link": Message(
        "the layer holds {member}, a link that leads out of it or is written through: {target}",
        "层中的 {member} 是指向层外或被穿越写入的链接：{target}",
        *_OTHER_LAYER,
    ),
    "layer_malformed": Message(
        "the layer is no readable tar archive: {reason}",
        "层不是可读的 tar 归档：{reason}",
        *_OTHER_LAYER,
    ),
    "layer_media_type": Message(
        "a layer of type {media_type} cannot be unpacked here",
        "此处无法解压类型为 {media_type} 的层",
        "convert it to plain tar or gzip: skopeo copy --dest-compress-format gzip",
        "请转换为普通 tar 或 gzip：skopeo copy --dest-compress-format gzip",
    ),
    "layer_path": Message(
        "the layer holds {member}, a path that leads out of it or is too deep",
        "层中的路径 {member} 指向层外或层级过深",
        *_OTHER_LAYER,
    ),
    "layer_repeated": Message(
        "the layer holds {member} twice, or a file in place of a folder",
        "层中 {member} 重复出现，或以文件代替了文件夹",
        *_OTHER_LAYER,
    ),
    "no_image": Message(
        "there is no image {name} in {path}",
        "{path} 中没有镜像 {name}",
        "yolodeploy image list",
    ),
    "no_layout": Message(
        "{path} holds no OCI image layout",
        "{path} 不是 OCI 镜像布局",
        "make one by building an image: yolodeploy image build MODEL",
        "构建镜像时会自动创建：yolodeploy image build MODEL",
    ),
    "not_writable": Message(
        "{path} cannot be written: {reason}",
        "无法写入 {path}：{reason}",
        "give your account the folder (chown), or choose another one with YOLODEPLOY_HOME",
        "请将该文件夹的所有权交给当前账户（chown），或用 YOLODEPLOY_HOME 指定其他位置",
    ),
    "path_invalid": Message(
        "{path!r} cannot be a path in an image",
        "{path!r} 不能作为镜像内的路径",
        "use printable ASCII without '..', at most 100 characters a name and 255 in all",
        "请使用不含 '..' 的可打印 ASCII 字符，名称最多 100 个字符，总长最多 255 个",
    ),
    "path_repeated": Message(
        "the layer would hold {path} twice",
        "层中 {path} 将重复出现",
        "name each path once",
        "每个路径只能出现一次",
    ),
    "ref_invalid": Message(
        "{name!r} cannot name an image",
        "{name!r} 不能作为镜像名称",
        "use a name such as brake-disc or brake-disc:v7, at most 255 characters",
        "请使用 brake-disc 或 brake-disc:v7 之类的名称，最多 255 个字符",
    ),
    "source_changed": Message(
        "{path} is not the file it was: it changed while it was being read, or before",
        "{path} 已不是原来的文件：在读取期间或之前被更改",
        "wait until nobody writes to it, then add it again: yolodeploy model add {path}",
        "等待写入完成后重新添加：yolodeploy model add {path}",
    ),
    "storage": Message(
        "writing to {path} failed: {reason}",
        "写入 {path} 失败：{reason}",
        "yolodeploy doctor",
    ),
    "unreadable": Message(
        "{path} cannot be read: {reason}",
        "无法读取 {path}：{reason}",
        "check that the file is there and that your account may read it: ls -l {path}",
        "请确认文件存在且当前账户可读：ls -l {path}",
    ),
}
