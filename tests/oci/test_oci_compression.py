"""If these fail, a compressed layer is another one on each machine, or spoils what unpacks it."""

import gzip
import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yolodeploy.core.digests import digest_of
from yolodeploy.core.errors import Corrupt, Refused
from yolodeploy.oci.compression import Compression, ZstdReader
from yolodeploy.oci.layers import LayerFile, layer_chunks
from yolodeploy.oci.tar_reader import Limits
from yolodeploy.oci.unpack import unpack

MB = 1 << 20
SMALLER = [Compression.ZSTD, Compression.GZIP]


class Chunks:
    """A stream that gives as little at a time as it likes."""

    def __init__(self, content: bytes, most: int = 1 << 30) -> None:
        self.content, self.most = content, most

    def read(self, size: int = -1, /) -> bytes:
        count = min(self.most, size if size >= 0 else self.most)
        piece, self.content = self.content[:count], self.content[count:]
        return piece


def packed(compression: Compression, content: bytes, chunk: int = MB) -> bytes:
    chunks = (content[start : start + chunk] for start in range(0, len(content), chunk))
    return b"".join(compression.compressed(chunks))


def read_all(reader: ZstdReader, size: int = 4096) -> bytes:
    parts = []
    while piece := reader.read(size):
        assert len(piece) <= size
        parts.append(piece)
    return b"".join(parts)


@pytest.mark.parametrize("compression", SMALLER)
@given(st.binary(max_size=4000), st.integers(1, 5000), st.integers(1, 500))
def test_what_was_packed_comes_out_again(
    compression: Compression, content: bytes, chunk: int, most: int
) -> None:
    small = packed(compression, content, chunk)
    if compression is Compression.ZSTD:
        assert read_all(ZstdReader(Chunks(small, most))) == content
    else:
        assert gzip.decompress(small) == content


@pytest.mark.parametrize("compression", SMALLER)
def test_the_same_content_gives_the_same_bytes(compression: Compression) -> None:
    content = os.urandom(1000) * 3000
    assert packed(compression, content, 1 << 20) == packed(compression, content, 1 << 20)


def test_what_decides_the_bytes_is_named() -> None:
    assert Compression.NONE.compressor == ""
    assert Compression.ZSTD.compressor.startswith("zstd 1.")
    assert "zlib" in Compression.GZIP.compressor


def test_the_bytes_of_a_pinned_compressor() -> None:
    """A new libzstd may write others: then the digests of `--compression zstd` change, and this
    says so before a fleet sees the same model twice."""
    content = b"".join(number.to_bytes(4, "big") for number in range(100_000))
    expected = "sha256:a1dbbdf53f1489f244541f322f03e8f0cc3763c6a74700918c6fa4802515c50a"
    if sys.version_info < (3, 14):  # pinned; from there on it is the system's libzstd
        assert Compression.ZSTD.compressor == "zstd 1.5.7, level 3"
        assert digest_of(packed(Compression.ZSTD, content)) == expected


@pytest.mark.parametrize("compression", SMALLER)
def test_a_compressed_layer_is_unpacked(compression: Compression, tmp_path: Path) -> None:
    content = os.urandom(100_000) + bytes(100_000)
    layer = b"".join(layer_chunks([LayerFile("a/model", content)]))
    unpack(
        Chunks(packed(compression, layer), 999), tmp_path / "x", media_type=compression.media_type
    )
    assert (tmp_path / "x" / "a" / "model").read_bytes() == content


@pytest.mark.parametrize("how", ["truncated", "flipped", "garbage behind", "no zstd"])
def test_a_spoiled_stream_is_told(how: str, tmp_path: Path) -> None:
    layer = b"".join(layer_chunks([LayerFile("model", os.urandom(50_000))]))
    small = bytearray(packed(Compression.ZSTD, layer))
    if how == "truncated":
        del small[-9:]
    elif how == "flipped":
        small[5] ^= 0xFF
    elif how == "garbage behind":
        small += b"garbage"
    else:
        small = bytearray(layer)
    with pytest.raises((Corrupt, Refused)):
        unpack(Chunks(bytes(small)), tmp_path / "x", media_type=Compression.ZSTD.media_type)
    assert not (tmp_path / "x").exists()


def test_a_bomb_is_stopped_at_the_limit(tmp_path: Path) -> None:
    layer = b"".join(layer_chunks([LayerFile("zeros", bytes(64 * MB))]))
    small = packed(Compression.ZSTD, layer)
    assert len(small) < 100_000
    limits = Limits(total_bytes=8 * MB)
    with pytest.raises(Refused) as raised:
        unpack(Chunks(small), tmp_path / "x", media_type=Compression.ZSTD.media_type, limits=limits)
    assert raised.value.code == "oci.layer_bytes"
    assert not (tmp_path / "x").exists()


def test_a_window_of_two_gigabytes_is_refused() -> None:
    """Its header alone would have us take that much memory."""

    def frame(window_log: int) -> bytes:
        """RFC 8878, section 3.1.1: a header, and one raw block that is the last."""
        header = b"\x28\xb5\x2f\xfd\x00" + bytes([(window_log - 10) << 3])
        return header + (1 | 5 << 3).to_bytes(3, "little") + b"hello"

    assert read_all(ZstdReader(Chunks(frame(20) + frame(27)))) == b"hellohello"
    with pytest.raises(Corrupt):
        read_all(ZstdReader(Chunks(frame(31))))
