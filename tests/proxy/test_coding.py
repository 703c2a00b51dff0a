"""Content codings: however the bytes arrive the same comes out, and nothing is unpacked without bounds."""

from __future__ import annotations

import contextlib
import gzip
import itertools
import zlib

import brotli
import pytest
from backports import zstd
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.coding import PIECE, CodingError, chosen, codings, decoder, encoder, undoable


def raw_deflate(data: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return stream.compress(data) + stream.flush()


PACK = {
    b"gzip": gzip.compress, b"x-gzip": gzip.compress, b"deflate": zlib.compress, b"br": brotli.compress,
    b"zstd": zstd.compress,
}  # fmt: skip


def unpack(applied: list[bytes], pieces: list[bytes], ratio: int = 10_000, free: int = 1 << 30) -> bytes:
    layers = decoder(applied, ratio=ratio, free=free)
    out = b"".join(part for piece in pieces for part in layers.feed(piece))
    layers.close()
    return out


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[a:b] for a, b in itertools.pairwise(edges)]


@settings(deadline=None, max_examples=30)
@given(st.binary(max_size=1500), st.lists(st.sampled_from(sorted(PACK)), max_size=3), st.lists(st.integers(0, 10_000)))
def test_any_layers_cut_anywhere_give_the_same_bytes(data, applied, places):
    packed = data
    for coding in applied:
        packed = PACK[coding](packed)
    assert unpack(applied, cut(packed, places)) == data
    assert unpack(applied, [bytes([byte]) for byte in packed]) == data


@settings(deadline=None, max_examples=30)
@given(st.binary(max_size=2000))
def test_bare_deflate_is_understood_as_servers_send_it(data):
    assert unpack([b"deflate"], cut(raw_deflate(data), [1])) == data


@settings(deadline=None, max_examples=30)
@given(st.sampled_from(sorted(PACK)), st.binary(max_size=500))
def test_garbage_is_an_error_or_nothing_never_another_exception(coding, data):
    with contextlib.suppress(CodingError):
        unpack([coding], [data])


@pytest.mark.parametrize("coding", sorted(PACK))
def test_a_truncated_body_is_an_error(coding):
    packed = PACK[coding](bytes(range(256)) * 100)
    with pytest.raises(CodingError):
        unpack([coding], [packed[:-5]])


@pytest.mark.parametrize("coding", [b"gzip", b"zstd"])
def test_members_after_one_another_are_one_body(coding):
    assert unpack([coding], [PACK[coding](b"one"), PACK[coding](b"two")]) == b"onetwo"
    assert unpack([coding], [PACK[coding](b"one") + PACK[coding](b"two")]) == b"onetwo"


def test_padding_behind_gzip_is_ignored():
    assert unpack([b"gzip"], [gzip.compress(b"one") + bytes(10)]) == b"one"


def test_an_empty_body_is_no_error():
    for coding in PACK:
        assert unpack([coding], []) == b""


@pytest.mark.parametrize("coding", sorted(PACK))
def test_pieces_are_bounded_and_bombs_refused(coding):
    bomb = PACK[coding](bytes(20_000_000))
    layers = decoder([coding], ratio=100, free=1_000_000)
    sizes: list[int] = []
    with pytest.raises(CodingError, match="bomb"):
        sizes.extend(len(piece) for piece in layers.feed(bomb))
    assert all(size <= 2 * PIECE for size in sizes)
    assert sum(sizes) < 20_000_000


def test_unknown_or_too_many_codings_cannot_be_undone():
    assert decoder([b"compress"], ratio=9, free=9) is None
    assert decoder([b"gzip"] * 5, ratio=9, free=9) is None
    assert codings(b" GZip , identity, br") == [b"gzip", b"br"]


@pytest.mark.parametrize(
    ("accept", "name"),
    [
        (None, None), (b"", None), (b"identity", None), (b"gzip", b"gzip"), (b"x-gzip", b"gzip"), (b"br, gzip", b"br"),
        (b"gzip;q=1, br;q=0.5", b"gzip"), (b"gzip;q=0", None), (b"*", b"zstd"), (b"zstd;q=0, *;q=0.5", b"br"),
        (b"gzip;q=0.5, identity", None), (b"GZIP ; Q=0.5", b"gzip"), (b"gzip;q=x", None), (b"deflate", None),
    ],
)  # fmt: skip
def test_the_best_coding_the_visitor_takes_is_chosen(accept, name):
    assert chosen(accept) == name


@settings(deadline=None, max_examples=30)
@given(st.sampled_from([b"gzip", b"br", b"zstd"]), st.lists(st.binary(max_size=300), max_size=8))
def test_what_is_flushed_can_be_read_at_once(name, pieces):
    packing = encoder(name)
    reading = decoder([name], ratio=10_000, free=1 << 30)
    for piece in pieces:
        out = packing.feed(piece) + packing.flush()
        assert b"".join(reading.feed(out)) == piece
    assert b"".join(reading.feed(packing.close())) == b""
    reading.close()


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        (b"gzip, deflate, br, zstd", b"gzip, deflate, br, zstd"), (b"dcb, gzip;q=0.5, compress", b"gzip;q=0.5"),
        (b"*", b"identity"), (b"sdch", b"identity"), (b"", b"identity"),
    ],
)  # fmt: skip
def test_the_site_is_asked_only_for_what_can_be_undone(asked, sent):
    assert undoable(asked) == sent
