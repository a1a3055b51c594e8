"""Opening a source with FFmpeg so that it reaches nothing but what it names. For readers only."""

from __future__ import annotations

from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

import av

from yolodeploy.core.errors import Failed
from yolodeploy.serve.allowance import processors
from yolodeploy.serve.picture_header import LARGEST_PICTURE
from yolodeploy.serve.sources.devices import device_of
from yolodeploy.serve.sources.faults import told
from yolodeploy.serve.sources.hosts import demand_host, trusted_by_the_machine
from yolodeploy.serve.sources.wire import opening_s

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

    from yolodeploy.core.camera_address import CameraAddress
    from yolodeploy.core.site_settings import Camera
    from yolodeploy.serve.sources.devices import Device

PROBE_BYTES = 2_000_000  # a key picture in 4K is 1 MB
# what cameras and their recorders write; the other three hundred are parsers for nothing but fuzz
FORMATS = {
    "rtsp": "rtsp",
    "http": "mpjpeg,mjpeg,mov,matroska,webm,mpegts,avi,flv,h264,hevc",
    "device": "video4linux2,v4l2",
    "path": "mov,matroska,webm,mpegts,mpeg,avi,flv,mjpeg,mpjpeg,h264,hevc,ivf,obu,m4v,asf,ogg",
}
CODECS = frozenset(
    {
        *("h264", "hevc", "mjpeg", "mpeg4", "mpeg2video", "mpeg1video", "vp8", "vp9", "rawvideo"),
        *("av1", "libdav1d", "h263", "theora", "vc1", "wmv3", "msmpeg4v3", "flv", "ffv1", "prores"),
    }
)
# a redirect, a playlist or a file's reference leads nowhere else
PROTOCOLS = {
    ("rtsp", False): "rtsp,rtp,tcp,udp",
    ("rtsp", True): "rtsp,rtp,tcp,tls,srtp,udp",
    ("http", False): "http,https,tcp,tls",
    ("http", True): "https,tls,tcp",
    ("device", False): "",
    ("path", False): "file",
}
MOST_THREADS = 4
GENERATE_PTS = 1  # AVFMT_FLAG_GENPTS, libavformat/avformat.h
NO_CLOCK = frozenset({"mpjpeg", "mjpeg"})  # FFmpeg makes timestamps up, of 25 pictures a second


class Source(NamedTuple):
    """An open source. `clocked`: its timestamps mean something; `plays`: it is a file's."""

    container: InputContainer
    stream: VideoStream
    decoder: str
    clocked: bool
    plays: bool


def opened(address: CameraAddress, url: str, camera: Camera) -> Source:
    """Open what an address names; `url` is it with credentials.

    Raises:
        YolodeployError: `camera.*`.
    """
    if address.kind in {"rtsp", "http"}:
        demand_host(address, camera.ca_file, opening_s(camera))
    device = device_of(camera.decoder)
    limit_s = opening_s(camera)
    began = monotonic()
    try:
        container = av.open(
            url if address.kind != "path" else f"file:{Path(url).absolute()}",
            format="v4l2" if address.kind == "device" else None,
            options=_options(address, camera),
            timeout=(limit_s, camera.stall_s),
            hwaccel=device.settings if device else None,
        )
    except (av.FFmpegError, OSError) as error:
        raise told(error, monotonic() - began, limit_s) from None
    except RuntimeError:
        # PyAV: "Hardware accelerated decode requested but no stream is compatible"
        raise Failed("camera.decoder_missing", decoder=camera.decoder) from None
    try:
        return _source(container, address, device)
    except BaseException:
        container.close()
        raise


def _source(container: InputContainer, address: CameraAddress, device: Device | None) -> Source:
    if not container.streams.video:
        raise Failed("camera.no_video")
    stream = container.streams.video[0]
    context = stream.codec_context
    if context is None or context.name not in CODECS:
        raise Failed("camera.no_video")
    if context.width * context.height > LARGEST_PICTURE:
        raise Failed(
            "camera.picture_too_large",
            width=context.width,
            height=context.height,
            megapixels=LARGEST_PICTURE // 1_000_000,
        )
    # the decoder holds the limit too, when the size changes in the middle
    context.options = {"max_pixels": str(LARGEST_PICTURE)}
    # threads within a picture: whole pictures in several threads come later by one each
    context.thread_type = "SLICE"
    context.thread_count = min(processors(), MOST_THREADS)
    plays = address.kind == "path" or (address.kind == "http" and container.duration is not None)
    if not plays:
        # missing timestamps would be guessed from packets to come, which are waited for
        container.flags &= ~GENERATE_PTS
    names = set(container.format.name.split(","))
    decoder = device.name if device and context.is_hwaccel else "cpu"
    return Source(container, stream, decoder, not names & NO_CLOCK, plays)


def _options(address: CameraAddress, camera: Camera) -> dict[str, str]:
    options = {
        "format_whitelist": FORMATS[address.kind],
        "protocol_whitelist": PROTOCOLS[address.kind, address.secure],
        "codec_whitelist": ",".join(sorted(CODECS)),
        "probesize": str(PROBE_BYTES),
        "max_pixels": str(LARGEST_PICTURE),
    }
    if address.kind in {"rtsp", "http"}:  # http may lead to https
        options |= {"tls_verify": "1", "ca_file": camera.ca_file or trusted_by_the_machine()}
    if address.kind == "rtsp":
        options |= {
            "rtsp_transport": camera.transport,
            "allowed_media_types": "video",
            # what there is to know stands in the description that comes first
            "analyzeduration": "200000",
            "fpsprobesize": "0",
        }
    elif address.kind == "http":
        options["analyzeduration"] = "1000000"
    return options
