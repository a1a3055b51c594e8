"""Small good files of every kind, to begin with."""

from __future__ import annotations

import io
import struct
import zlib
from functools import cache

import numpy as np
from PIL import Image

from tests.serve import bombs
from tests.serve.models import constant_model, end_to_end, metadata, raw_head

KINDS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF")
PNG = b"\x89PNG\r\n\x1a\n"


def _encoded(picture: Image.Image, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()


@cache
def pictures() -> list[bytes]:
    """A dozen pixels a side, so that a change hits something."""
    figures = np.random.default_rng(0).integers(0, 255, (12, 16, 3), np.uint8)
    picture = Image.fromarray(figures).resize((24, 18))
    made = [_encoded(picture, kind) for kind in KINDS]
    for mode in ("L", "P", "1", "RGBA", "LA", "I;16", "CMYK", "F"):
        for kind in KINDS:
            try:
                made.append(_encoded(picture.convert(mode), kind))
            except (OSError, ValueError, KeyError):
                continue  # there is no such thing
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "a camera"
    made += [_encoded(picture, kind, exif=exif) for kind in ("JPEG", "PNG", "WEBP", "TIFF")]
    made += [_encoded(picture, "JPEG", progressive=True, subsampling=mode) for mode in (0, 1, 2)]
    made += [_encoded(picture, "JPEG", restart_marker_blocks=1), _encoded(picture, "PNG", bits=4)]
    for packing in ("tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"):
        made.append(_encoded(picture, "TIFF", compression=packing))
    made += [
        _encoded(picture.convert("1"), "TIFF", compression=packing)
        for packing in ("group3", "group4")
    ]
    made.append(_encoded(picture, "WEBP", lossless=True))
    for kind in ("GIF", "PNG", "WEBP", "TIFF"):
        more = [picture.rotate(angle) for angle in (90, 180)]
        made.append(_encoded(picture, kind, save_all=True, append_images=more))
    made += [bombs.run_length_bmp(16), bombs.animated_webp(64, 48, 2), bombs.many_strips(8)]
    return made


def with_checksums(content: bytes) -> bytes:
    """A PNG whose checksums fit: no decoder looks at what is behind one that does not."""
    parts, position = [content[:8]], 8
    while position + 12 <= len(content):
        length = struct.unpack_from(">I", content, position)[0]
        end = position + 8 + length
        if end + 4 > len(content):
            break
        checksum = struct.pack(">I", zlib.crc32(content[position + 4 : end]))
        parts += [content[position:end], checksum]
        position = end + 4
    return b"".join((*parts, content[position:]))


@cache
def models() -> list[bytes]:
    """ONNX files, without most of their weights."""
    made = [
        constant_model(raw_head([(32, 32, 9, 9, 0.9, 1)], anchors=4)),
        constant_model(end_to_end([(1, 2, 3, 4, 0.9, 1)]), meta=metadata(end2end="True")),
        constant_model(np.zeros((1, 3), np.float32), shape=("b", 3, "h", "w")),
    ]
    return [model.SerializeToString()[:8000] for model in made]


def metadata_lines() -> list[bytes]:
    """What ultralytics writes, a value a line."""
    told = (
        metadata(),
        metadata(task="pose", kpt_shape="[17, 3]", names="['a', 'b']"),
        metadata(description="rt-detr-l", version="8.3.1", imgsz="[96, 160]", args="{'nms': True}"),
        metadata(imgsz="640", stride="64", args="{'dynamic': True}", end2end=None),
    )
    return ["\n".join(f"{name}={value}" for name, value in one.items()).encode() for one in told]


QUERIES = [
    b"conf=0.5&iou=0.7&max_det=10&classes=0,crack&format=coco&masks=rle",
    b"classes=hole,scratch,2&format=annotated",
    b"conf=1e-3&conf=0.2",
    b"classes=%00%ff&masks=polygons",
    b"max_det=3000&format=ultralytics&x=y",
]


def form(*parts: bytes, boundary: bytes = b"XX") -> bytes:
    """A form with a picture a part."""
    head = b'content-disposition: form-data; name="image"; filename="a.jpg"\r\n\r\n'
    made = b"".join(b"--" + boundary + b"\r\n" + head + part + b"\r\n" for part in parts)
    return made + b"--" + boundary + b"--\r\n"


INFER = [
    b'{"inputs":[{"name":"images","shape":[1,3,2,2],"datatype":"FP32","data":[1,2,3,4,5,6,7,8,9,'
    b'10,11,12]}],"outputs":[{"name":"output0","parameters":{"binary_data":true}}],"id":"7"}',
    b'{"inputs":[{"name":"images","shape":[1,3,1,1],"datatype":"FP32","data":[[[[1]],[[2]],[[3]]]]}'
    b'],"parameters":{"binary_data_output":true}}',
    b'{"inputs":[{"name":"images","shape":[1,3,1,1],"datatype":"FP32","parameters":'
    b'{"binary_data_size":12}}]}' + struct.pack("<3f", 0.1, 0.2, 0.3),
    b'{"inputs":[{"name":"image","shape":[1],"datatype":"BYTES","data":["/9j/"]}]}',
]
