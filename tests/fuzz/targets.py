"""The table of targets; a new entrance is a function that feeds it and a row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.fuzz import requests, seeds
from tests.fuzz.target import Target, Wrong

if TYPE_CHECKING:
    from tests.fuzz.target import Feed

CLASSES = ("scratch", "crack", "hole")
TASKS = ("detect", "segment", "pose", "obb", "classify")


def pictures() -> Feed:
    """The whole decoder, in both its ways of decoding."""
    from yolodeploy.serve.pictures import Decoder

    whole, scaled = Decoder(), Decoder(into=(8, 8))

    def feed(content: bytes) -> None:
        if content.startswith(seeds.PNG) and content[-1] & 1:
            content = seeds.with_checksums(content)
        picture = whole.decoded(content)
        if (picture.width, picture.height) != picture.pixels.shape[1::-1]:
            raise Wrong(f"{picture.width} × {picture.height} of {picture.pixels.shape}")
        scaled.decoded(content)

    return feed


def headers() -> Feed:
    """What is read of a picture without decoding it: a hundred thousand a second."""
    from yolodeploy.serve.picture_header import header_of
    from yolodeploy.serve.png_chunks import needed

    def feed(content: bytes) -> None:
        header = header_of(content)
        if header.kind == "PNG":
            try:
                kept = needed(content)
            except ValueError:
                return
            if len(kept) > len(content):
                raise Wrong("more is needed than there is")

    return feed


def onnx() -> Feed:
    """A model file's skeleton."""
    from yolodeploy.serve.onnx_wire import opset_of

    return lambda content: opset_of(memoryview(content)) and None


def metadata() -> Feed:
    """What a model says of itself: `name=value` lines."""
    from yolodeploy.serve.metadata import parsed

    def feed(content: bytes) -> None:
        lines = content.decode(errors="surrogateescape").split("\n")
        told = parsed({name: value for name, _, value in (line.partition("=") for line in lines)})
        if not told.classes or not all(map(str.isprintable, told.classes)):
            raise Wrong(f"classes {told.classes!r}")

    return feed


def queries() -> Feed:
    """The query of a request, its id and its deadline."""
    from starlette.requests import Request

    from yolodeploy.core.release import Serving
    from yolodeploy.serve.deadline import limit_of
    from yolodeploy.serve.question import request_id_of, wanted_of

    def feed(content: bytes) -> None:
        query, _, rest = content.partition(b"\n")
        name, _, deadline = rest.partition(b"\n")
        fields = [(b"x-request-id", name), *([(b"x-deadline-ms", deadline)] if deadline else [])]
        request = Request({"type": "http", "query_string": query, "headers": fields})
        if not request_id_of(request).isprintable():
            raise Wrong("a request id that does not fit into a line")
        limit_s = limit_of(request, Serving())
        wanted = wanted_of(request.query_params.multi_items(), Serving(), CLASSES)
        if not (0 <= wanted.conf <= 1 and 0 <= wanted.iou <= 1 and 0 < limit_s <= 600):
            raise Wrong(str(wanted))
        if wanted.classes is not None and not set(wanted.classes) <= {0, 1, 2}:
            raise Wrong(str(wanted))

    return feed


def outputs() -> Feed:
    """Whatever a network answers: every task and layout, and every form of the answer."""
    from tests.fuzz.outputs import answered

    return answered


def forms() -> Feed:
    """Forms, in pieces; the first byte says how long they are."""
    from yolodeploy.serve.forms import Form

    def feed(content: bytes) -> None:
        kind, _, body = content[1:].partition(b"\n")
        form = Form(kind)
        size = content[0] if content[:1] > b"\0" else 1 << 16
        for begin in range(0, len(body), size):
            form.feed(body[begin : begin + size])
        if sum(map(len, form.pictures())) > len(body):
            raise Wrong("more came out than was put in")

    return feed


def tensors() -> Feed:
    """The bodies of the Open Inference Protocol; the first line is the length of their JSON."""
    import numpy as np

    from yolodeploy.serve.v2 import tensors as v2

    def feed(content: bytes) -> None:
        length, _, body = content.partition(b"\n")
        taken = v2.sent(body, length.decode("latin-1"), 1000)
        for one in taken.request.inputs:
            if one.shape in ((1,), (1, 1)):
                v2.picture_of(one, taken.tail)
            elif all(0 < side < 100 for side in one.shape) and len(one.shape) <= 4:
                v2.blob_of(one, taken.tail, np.dtype(np.float32))
        answer = {"output0": np.zeros((1, 2), np.float32), "output1": np.ones(3, np.int64)}
        v2.encoded(taken.request, "m", "1", answer)

    return feed


SERVE = "yolodeploy.serve"
TABLE = (
    Target(
        "pictures", pictures, seeds.pictures,
        (f"{SERVE}.pictures", f"{SERVE}.picture_header", f"{SERVE}.png_chunks"),
        (b"\xff\xda", b"\xff\xd9", b"\xff\xc2", b"IDAT", b"fcTL", b"acTL", b"eXIf", b"VP8X",
         b"VP8L", b"ALPH", b"ANMF", b"Exif\0\0", b"GIF89a", b"\x21\xf9\x04", b"\x2c"),
        most_mb=1500,  # 50 megapixels, three times over
    ),
    Target(
        "headers", headers, seeds.pictures, (f"{SERVE}.picture_header", f"{SERVE}.png_chunks"),
        (b"\xff\xda", b"\xff\xe1", b"Exif\0\0", b"II*\0", b"MM\0*", b"VP8X", b"IDAT", b"IEND"),
    ),
    Target(
        "onnx", onnx, seeds.models, (f"{SERVE}.onnx_wire",), (b"\x3a", b"\x42\x02\x10\x11"),
    ),
    Target(
        "metadata", metadata, seeds.metadata_lines, (f"{SERVE}.metadata", "yolodeploy.core.text"),
        (b"names=", b"imgsz=", b"kpt_shape=", b"[", b"{", b"None", b"True", b"1e9", b"0x", b"j"),
    ),
    Target(
        "queries", queries, lambda: [one + b"\nan-id\n500" for one in seeds.QUERIES],
        (f"{SERVE}.question", f"{SERVE}.deadline"),
        (b"conf=", b"iou=", b"max_det=", b"classes=", b"format=", b"masks=", b"nan", b"%", b"&"),
    ),
    Target(
        "outputs", outputs, lambda: [bytes([kind, 0, 1]) + bytes(4000) for kind in range(9)],
        (f"{SERVE}.postprocess", f"{SERVE}.tasks", f"{SERVE}.rotated", f"{SERVE}.run_lengths",
         f"{SERVE}.drawing", f"{SERVE}.formats", f"{SERVE}.letterbox"),
        (b"\0\0\x80\x7f", b"\0\0\xc0\x7f", b"\0\0\x80\xff", b"\xff\xff\x7f\x7f", b"\0\0\x80\x3f"),
        largest=8000, most_mb=800,
    ),
    Target(
        "forms", forms,
        lambda: [b"\0multipart/form-data; boundary=XX\n" + seeds.form(b"abc"),
                 b"\x03multipart/form-data; boundary=\"XX\"\n" + seeds.form(b"abc", b"")],
        (f"{SERVE}.forms",), (b"--XX", b"--XX--", b"\r\n", b"filename=", b"; ", b'"', b"name*="),
    ),
    Target(
        "tensors", tensors,
        lambda: [b"\n" + one for one in seeds.INFER] + [b"106\n" + seeds.INFER[2]],
        (f"{SERVE}.v2.tensors",), (b'"data":', b"[[", b"1e400", b"null", b"-1", b'"shape":[1]'),
    ),
    Target(
        "requests", requests.opened, requests.seeds, made=requests.made, largest=1 << 18,
    ),
)  # fmt: skip
TARGETS = {one.name: one for one in TABLE}
