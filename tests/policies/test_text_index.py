"""Many literal pieces are found in one reading of a text."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from policies.catalogue.names import TextIndex

PIECES = ("fbq(", "fbq('init'", "_gaq", "gtag(", ".doubleclick.net/x", '"send_to"')


def index() -> TextIndex[str]:
    found: TextIndex[str] = TextIndex()
    for piece in PIECES:
        found.add(piece, piece)
    return found


def test_the_leftmost_and_then_the_longest_piece_is_found() -> None:
    assert index().find("a(); fbq('init', 1); gtag()") == "fbq('init'"
    assert index().find("fbq('track'); _gaq") == "fbq("
    assert index().find('x.doubleclick.net/x "send_to"') == ".doubleclick.net/x"
    assert index().find("nothing") is None
    assert TextIndex[str]().find("fbq(") is None


def test_a_piece_is_no_part_of_a_longer_word() -> None:
    assert index().find("window.fbq()") == "fbq("
    assert index().find("myfbq()") is None
    assert index().find("my_gaq.push()") is None


@given(st.text(alphabet="fbq(_ga'init. ", max_size=40), st.sampled_from(PIECES), st.text(max_size=20))
def test_a_piece_after_a_space_is_always_found(before: str, piece: str, after: str) -> None:
    found = index().find(f"{before} {piece}{after}")
    assert found is not None
    assert found in f"{before} {piece}{after}"
