"""Which blocked frames get something in their place."""

from __future__ import annotations

import pytest

from policies.catalogue import Catalogue
from policies.rules import Rules
from policies.site_policy import Override
from policies.verdict import Request
from proxy.documents import is_unseen


@pytest.mark.parametrize(
    "attributes",
    [
        {"width": "1", "height": "1"},
        {"height": "0"},
        {"width": "1px"},
        {"hidden": ""},
        {"style": "border: 0; display: none"},
        {"style": "visibility:hidden"},
    ],
)
def test_a_frame_that_nobody_sees_needs_no_placeholder(attributes: dict[str, str]) -> None:
    assert is_unseen(attributes)


@pytest.mark.parametrize("attributes", [{}, {"width": "100%"}, {"width": "10", "height": "11"}, {"style": "border:0"}])
def test_a_frame_that_somebody_sees_gets_one(attributes: dict[str, str]) -> None:
    assert not is_unseen(attributes)


def test_frames_that_were_overridden_or_are_unknown_get_one_and_known_trackers_do_not() -> None:
    override = Override(kind="frame", match="video.example", purpose="marketing", placeholder="video")
    rules = Rules(Catalogue.load(), hosts=["shop.example"], overrides=[override])

    def placeholder(host: str, kind: str = "frame") -> str | None:
        return rules.known_request(Request(f"https://{host}/x", host, "/x", "shop.example", kind)).placeholder

    assert placeholder("video.example") == "video"
    assert placeholder("unheard.example") == "frame"
    assert placeholder("unheard.example", "script") is None
    assert placeholder("googleads.g.doubleclick.net") is None
