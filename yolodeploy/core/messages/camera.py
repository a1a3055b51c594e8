"""What is said of cameras, and of the site settings that name them."""

from yolodeploy.core.messages import Message

MESSAGES = {
    "form": Message(
        "a camera needs a name and a URL",
        "摄像头需要名称和地址",
        "yolodeploy camera add NAME --site SITE --url URL",
    ),
    "settings_unreadable": Message(
        "the site settings {path} cannot be read: {reason}",
        "无法读取站点设置 {path}：{reason}",
        "name a file that the server's account can read",
        "请指定运行服务器的账户可以读取的文件",
    ),
    "settings_invalid": Message(
        "the site settings {path} are not valid: {reason}",
        "站点设置 {path} 无效：{reason}",
        "correct the file, or at a site: yolodeploy camera undo SITE; examples: docs/cameras.md,"
        " docs/messages.md (sinks), docs/measuring.md",
        "请修正该文件，站点也可用 yolodeploy camera undo SITE 恢复；示例见 docs/cameras.md、"
        "docs/messages.md（输出）、docs/measuring.md",
    ),
    "settings_unwritten": Message(
        "the site settings {path} cannot be written: {reason}",
        "无法写入站点设置 {path}：{reason}",
        "make room, or make the folder writable; then type the same again",
        "请腾出空间或使该目录可写，然后重试同一命令",
    ),
    "settings_too_large": Message(
        "the settings of site {site} are larger than {kilobytes} kB, which a cluster keeps at most",
        "站点 {site} 的设置超过 {kilobytes} kB，超出集群可保存的上限",
        "take cameras, zones or comments out: yolodeploy camera remove CAMERA --site {site}",
        "请删除部分摄像头、区域或注释：yolodeploy camera remove CAMERA --site {site}",
    ),
    "cluster_unfit": Message(
        "camera {camera} cannot be one of site {site}, a cluster: {reason}",
        "摄像头 {camera} 不能用于集群站点 {site}：{reason}",
        "name the app that looks: --app APP; reach it over the network, by --transport tcp",
        "请指定使用它的应用（--app APP），并以 --transport tcp 经网络连接摄像头",
    ),
    "agreement": Message(
        "servers cannot agree who reads the camera: {reason}",
        "服务器无法协商由谁读取该摄像头：{reason}",
        "let the pod reach the API server with an account: k3s/serve/cameras/, docs/cameras.md",
        "请让 Pod 能以账户访问 API 服务器：k3s/serve/cameras/、docs/cameras.md",
    ),
    "exists": Message(
        "site {site} has a camera {camera} already",
        "站点 {site} 已有摄像头 {camera}",
        "change it: yolodeploy camera edit {camera} --site {site}",
        "修改：yolodeploy camera edit {camera} --site {site}",
    ),
    "unknown": Message(
        "site {site} has no camera {camera}",
        "站点 {site} 没有摄像头 {camera}",
        "yolodeploy camera list --site {site}",
    ),
    "no_version": Message(
        "site {site} has no settings of version {number}",
        "站点 {site} 没有版本 {number} 的设置",
        "yolodeploy camera history {site}",
    ),
    "version_invalid": Message(
        "version {number} of the settings of site {site} cannot be brought back: {reason}",
        "无法恢复站点 {site} 的设置版本 {number}：{reason}",
        "name another one: yolodeploy camera undo {site} --to VERSION; camera history has them",
        "请指定其他版本：yolodeploy camera undo {site} --to VERSION；版本见 camera history",
    ),
    "held": Message(
        "site {site} is not to be changed now: {reason}",
        "站点 {site} 目前不可更改：{reason}",
        "see until when: yolodeploy rollout list",
        "请查看何时结束：yolodeploy rollout list",
    ),
    "went_back": Message(
        "site {site} has its earlier settings again: {reason}",
        "站点 {site} 已恢复先前的设置：{reason}",
        "mend the camera and type the same again; --wait 0 keeps settings that show nothing yet",
        "排除摄像头故障后重试同一命令；--wait 0 可保留暂无画面的设置",
    ),
    "not_everywhere": Message(
        "site {site} has its earlier settings again, for not all of it took the new ones: {reason}",
        "站点 {site} 已恢复先前的设置，因为新设置未能到达所有应用：{reason}",
        "mend that and type the same again; what was tried: yolodeploy camera history {site}",
        "排除该问题后重试同一命令；尝试过的版本见 yolodeploy camera history {site}",
    ),
    "unfinished": Message(
        "settings {number} of site {site} may be in force in a part of it: {reason}",
        "站点 {site} 的设置 {number} 可能只在部分应用中生效：{reason}",
        "yolodeploy camera undo {site}; or type the same again",
        "yolodeploy camera undo {site}；或重试同一命令",
    ),
    "interrupted": Message(
        "interrupted; version {number} of the settings of site {site} stays, and was not seen"
        " through",
        "已中断；站点 {site} 的设置版本 {number} 仍然有效，但尚未确认结果",
        "yolodeploy camera undo {site}; or type the same again",
        "yolodeploy camera undo {site}；或重试同一命令",
    ),
    "old_servers": Message(
        "servers of {app} at site {site} (version {version}) cannot agree who reads a camera:"
        " two would publish it",
        "站点 {site} 上 {app} 的服务器（版本 {version}）无法协商由谁读取摄像头：会重复发布",
        "build its image anew, and roll a release of it out: yolodeploy image build MODEL",
        "请重新构建其镜像，再发布新版本：yolodeploy image build MODEL",
    ),
    "secret_absent": Message(
        "app {app} of site {site} was never given the secret that camera or sink {name} names",
        "站点 {site} 的应用 {app} 从未得到摄像头或输出 {name} 所指定的密钥",
        "give it again: yolodeploy camera edit {name} --site {site} --credentials-file FILE",
        "请重新提供：yolodeploy camera edit {name} --site {site} --credentials-file FILE",
    ),
    "secret": Message(
        "the file {path} cannot be used: {reason}",
        "无法使用文件 {path}：{reason}",
        "for user:password: one line, chmod 600; for authorities: PEM",
        "user:password 文件：一行，chmod 600；证书颁发机构文件：PEM",
    ),
    "test": Message(
        "the camera could not be tried: {reason}",
        "无法测试摄像头：{reason}",
        "pip install 'yolodeploy[serve,streams]'; then try again",
        "pip install 'yolodeploy[serve,streams]'，然后重试",
    ),
    "needs_track": Message(
        "camera {camera} has lines or zones, and its objects are not followed",
        "摄像头 {camera} 设置了线或区域，但未启用目标跟踪",
        "set track = true for the camera, or take its lines and zones out",
        "请为该摄像头设置 track = true，或删除其线和区域",
    ),
    "library_missing": Message(
        "the settings name cameras, and what reads them is not installed",
        "设置中包含摄像头，但未安装读取视频流所需的库",
        "pip install 'yolodeploy[streams]'",
    ),
    "credentials_file": Message(
        "the camera's credentials file {path} cannot be used: {reason}",
        "无法使用摄像头的凭据文件 {path}：{reason}",
        "put one line user:password into it and take it from others: chmod 600 {path}",
        "请写入一行 user:password，并禁止他人访问：chmod 600 {path}",
    ),
    "url": Message(
        "the camera's URL cannot be used: {reason}",
        "无法使用摄像头的 URL：{reason}",
        "name an rtsp, rtsps, http or https URL, a device, a video file or a folder of pictures",
        "请指定 rtsp、rtsps、http 或 https URL、设备、视频文件或图片目录",
    ),
    "claims": Message(
        "the folder {path}, where servers agree who reads a camera, cannot be used: {reason}",
        "无法使用服务器协商摄像头归属的目录 {path}：{reason}",
        "make it writable for the server",
        "请让服务器可以写入该目录",
    ),
    "unauthorized": Message(
        "the camera refuses the user or the password, or wants some",
        "摄像头拒绝了用户名或密码，或需要提供凭据",
        "name a file with user:password as the camera's credentials_file",
        "请在摄像头的 credentials_file 中指定含 user:password 的文件",
    ),
    "untrusted": Message(
        "the camera's certificate is not trusted: {reason}",
        "摄像头的证书不受信任：{reason}",
        "name the PEM file of who signed it, or of itself, as the camera's ca_file",
        "请在摄像头的 ca_file 中指定其签发者或其自身证书的 PEM 文件",
    ),
    "ca_file": Message(
        "the camera's ca_file {path} cannot be used: {reason}",
        "无法使用摄像头的 ca_file {path}：{reason}",
        "name a PEM file that the server can read",
        "请指定服务器可以读取的 PEM 文件",
    ),
    "not_found": Message(
        "there is nothing at its url: no such path on the camera, or no such file or device here",
        "其 url 下没有内容：摄像头上没有该路径，或本机没有该文件或设备",
        "look the path up in the camera's manual; a camera's url begins with rtsp:// or http://",
        "请在摄像头手册中查找路径；网络摄像头的 url 以 rtsp:// 或 http:// 开头",
    ),
    "silent": Message(
        "nothing that can be decoded came from the camera for {seconds} s",
        "摄像头已有 {seconds} 秒没有传来可解码的内容",
        "look at its network, its power and its own page; raise stall_s for one that is slow",
        "请检查其网络、电源和管理页面；对较慢的摄像头可增大 stall_s",
    ),
    "unreachable": Message(
        "the camera cannot be reached: {reason}",
        "无法连接摄像头：{reason}",
        "look whether it is on, and whether this machine sees its network",
        "请检查其是否开机，以及本机能否访问其网络",
    ),
    "cut": Message(
        "the camera ended its stream",
        "摄像头结束了视频流",
        "it is opened anew by itself; look at its log when that goes on",
        "将自动重新打开；如持续发生，请查看摄像头日志",
    ),
    "no_video": Message(
        "what comes from there is no video that can be read",
        "该来源的内容不是可读取的视频",
        "set the camera to H.264, H.265 or MJPEG, and look the URL up in its manual",
        "请将摄像头设为 H.264、H.265 或 MJPEG，并在其手册中核对 URL",
    ),
    "no_pictures": Message(
        "there is no picture that can be read in {folder}",
        "{folder} 中没有可读取的图片",
        "put JPEG, PNG, WebP, BMP or TIFF files there",
        "请放入 JPEG、PNG、WebP、BMP 或 TIFF 文件",
    ),
    "unreadable": Message(
        "the source cannot be read: {reason}",
        "无法读取该来源：{reason}",
        "look whether the URL names what it should, and leads nowhere else",
        "请检查 URL 是否指向正确的来源，且没有跳转到别处",
    ),
    "picture_too_large": Message(
        "the picture is {width} × {height} pixels, more than {megapixels} megapixels",
        "画面为 {width} × {height} 像素，超过 {megapixels} 百万像素",
        "set the camera to a smaller picture",
        "请将摄像头设为较小的画面",
    ),
    "region_outside": Message(
        "the region reaches beyond the picture, which is {width} × {height}",
        "区域超出了画面（{width} × {height}）",
        "correct the camera's region in the site settings",
        "请在站点设置中修正该摄像头的区域",
    ),
    "decoder_missing": Message(
        "there is no {decoder} decoder here for what the camera sends",
        "此处没有可解码该摄像头内容的 {decoder} 解码器",
        "set the camera's decoder to auto or cpu",
        "请将该摄像头的 decoder 设为 auto 或 cpu",
    ),
    "reader_died": Message(
        "the process that reads the camera has ended: {how}",
        "读取摄像头的进程已结束：{how}",
        "it is started anew by itself; report it when that goes on",
        "将自动重新启动；如持续发生，请反馈",
    ),
    "reader_odd": Message(
        "the process that reads the camera said what it must not: {reason}",
        "读取摄像头的进程发来了异常内容：{reason}",
        "install server and reader in the same version: pip install -U 'yolodeploy[streams]'",
        "请安装相同版本的服务器和读取程序：pip install -U 'yolodeploy[streams]'",
    ),
    "reader_start": Message(
        "the process that reads the camera cannot be started: {reason}",
        "无法启动读取摄像头的进程：{reason}",
        "look at the machine's memory and its limits of processes and files",
        "请检查本机内存，以及进程数和文件数的限制",
    ),
    "no_such_camera": Message(
        "there is no camera {camera}",
        "没有摄像头 {camera}",
        "GET /cameras lists those that there are",
        "GET /cameras 会列出现有的摄像头",
    ),
    "viewers": Message(
        "{most} people are looking already",
        "已有 {most} 人在观看",
        "try again when one of them has gone",
        "请在有人离开后重试",
    ),
}
