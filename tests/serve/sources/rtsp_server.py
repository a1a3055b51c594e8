"""A real RTSP camera: GStreamer's server with a moving test picture. Run it with /usr/bin/python3.

    /usr/bin/python3 tests/serve/sources/rtsp_server.py --port 8554 --path /door --codec h265

Needs Debian's python3-gi, gir1.2-gst-rtsp-server-1.0 and gstreamer1.0-plugins-{base,good,bad}. It
prints `ready PORT` when it can be asked; who connects later sees the same picture as the first.
"""

from __future__ import annotations

import argparse
import random
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

BITRATE = 2_000_000
# a key picture a second, and nothing that looks ahead
ENCODERS = {
    "h264": f"openh264enc gop-size={{fps}} complexity=low bitrate={BITRATE} multi-thread=1",
    "h265": f"x265enc key-int-max={{fps}} bitrate={BITRATE // 1000} speed-preset=ultrafast"
    " tune=zerolatency option-string=pools=1:frame-threads=1",
    "mjpeg": "jpegenc",
}
PAYLOADERS = {
    "h264": "h264parse config-interval=-1 ! rtph264pay name=pay0",
    "h265": "h265parse config-interval=-1 ! rtph265pay name=pay0",
    "mjpeg": "rtpjpegpay name=pay0",
}
BROKEN_BYTES = 5  # of a broken picture


def arguments() -> argparse.Namespace:
    """What is to be shown."""
    parser = argparse.ArgumentParser(description="A real RTSP camera with a test picture.")
    parser.add_argument("--port", default="0", help="0: any free one")
    parser.add_argument("--path", default="/camera")
    parser.add_argument("--codec", choices=ENCODERS, default="h264")
    parser.add_argument("--size", default="640x480", help="WIDTHxHEIGHT")
    parser.add_argument("--fps", type=int, default=10)
    parser.add_argument("--pattern", default="smpte", help="of videotestsrc")
    parser.add_argument("--speed", type=int, default=3, help="pixels a picture that it moves")
    parser.add_argument("--corrupt", type=float, default=0.0, help="share of broken pictures")
    parser.add_argument("--user", default="", help="USER:PASSWORD that must be given")
    return parser.parse_args()


def launch_line(given: argparse.Namespace) -> str:
    """The pipeline in gst-launch's words."""
    width, height = given.size.split("x")
    source = (
        f"videotestsrc is-live=true pattern={given.pattern} horizontal-speed={given.speed}"
        f" ! video/x-raw,format=I420,width={width},height={height},framerate={given.fps}/1"
    )
    encoder = ENCODERS[given.codec].format(fps=given.fps)
    return f"( {source} ! {encoder} ! breakmydata name=breaker ! {PAYLOADERS[given.codec]} )"


def break_some(factory: GstRtspServer.RTSPMediaFactory, share: float) -> None:
    """Have a share of the encoded pictures arrive with some bytes changed."""

    def choose(pad: Gst.Pad, probe: Gst.PadProbeInfo, breaker: Gst.Element) -> Gst.PadProbeReturn:
        size = max(probe.get_buffer().get_size(), 1)
        broken = random.random() < share
        breaker.set_property("probability", min(BROKEN_BYTES / size, 1.0) if broken else 0.0)
        return Gst.PadProbeReturn.OK

    def configure(_: GstRtspServer.RTSPMediaFactory, media: GstRtspServer.RTSPMedia) -> None:
        breaker = media.get_element().get_by_name("breaker")
        pad = breaker.get_static_pad("sink")
        pad.add_probe(Gst.PadProbeType.BUFFER, choose, breaker)

    factory.connect("media-configure", configure)


def guard(
    server: GstRtspServer.RTSPServer, factory: GstRtspServer.RTSPMediaFactory, user: str
) -> None:
    """Let only USER:PASSWORD in."""
    role = "viewer"
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", role)
    auth = GstRtspServer.RTSPAuth()
    name, _, password = user.partition(":")
    auth.add_basic(GstRtspServer.RTSPAuth.make_basic(name, password), token)
    server.set_auth(auth)
    permissions = GstRtspServer.RTSPPermissions()
    for what in ("access", "construct"):
        permissions.add_permission_for_role(role, f"media.factory.{what}", True)
    factory.set_permissions(permissions)


def main() -> None:
    """Serve until killed."""
    given = arguments()
    Gst.init(None)
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(launch_line(given))
    factory.set_shared(True)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(given.port)
    if given.corrupt:
        break_some(factory, given.corrupt)
    if given.user:
        guard(server, factory, given.user)
    server.get_mount_points().add_factory(given.path, factory)
    if not server.attach(None):
        sys.exit("the port is taken")
    print("ready", server.get_bound_port(), flush=True)
    GLib.MainLoop().run()


if __name__ == "__main__":
    main()
