"""The truth about the demo agrees with its policy pages, its readme, and with itself."""

from __future__ import annotations

from fnmatch import fnmatchcase
from importlib.resources import files

import aiohttp
import pytest
from bs4 import BeautifulSoup

from samtykke.demo import Demo, truth
from samtykke.demo.trackers import ANSWERS

WORDS = {
    "/personvern": {"__utmz": "180 dager", "_pk_id.*": "13 måneder", "_pk_ses.*": "7 dager", "_fbp": "30 dager"},
    "/privacy": {"__utmz": "180 days", "_pk_id.*": "13 months", "_pk_ses.*": "7 days", "_fbp": "30 days"},
}


@pytest.mark.parametrize("path", WORDS)
async def test_both_policies_declare_the_same_facts(demo: Demo, visitor: aiohttp.ClientSession, path: str) -> None:
    async with visitor.get(demo.origin + path) as answer:
        article = BeautifulSoup(await answer.text(), "html.parser").select_one("article")
    lines = [tag.get_text(" ") for tag in article.select("li, tr, p")]
    for fact in truth.DECLARED:
        assert sum(fact.name in line for line in lines) == 1, fact.name
    for name, lifetime in WORDS[path].items():
        assert any(name in line and lifetime in line for line in lines), name
    for name in ("_clck", "_gcl_au", "IDE", "yt-remote", "DoubleClick", "Clarity", "YouTube"):
        assert not any(name in line for line in lines), name


def declares(name: str) -> bool:
    return any(fnmatchcase(name, fact.name) for fact in truth.DECLARED)


def test_findings_follow_from_what_is_done_and_what_is_declared() -> None:
    done = {cookie.name: (cookie.lifetime, cookie.purpose) for cookie in truth.COOKIES}
    done |= {key.key: (None, key.purpose) for key in truth.KEYS}
    found = {("undeclared", name) for name in done if not declares(name)}
    for fact in truth.DECLARED:
        matching = [name for name in done if fnmatchcase(name, fact.name)]
        if not matching:
            found.add(("not_observed", fact.name))
        for name in matching:
            lifetime, purpose = done[name]
            if purpose is not fact.purpose:
                found.add(("purpose_mismatch", name))
            if lifetime and fact.lifetime and abs(lifetime - fact.lifetime) > max(0.03 * fact.lifetime, 86_400):
                found.add(("lifetime_longer" if lifetime > fact.lifetime else "lifetime_shorter", name))
    assert found == set(truth.FINDINGS)
    subjects = {subject for _, subject in truth.FINDINGS}
    assert not subjects & set(truth.NO_FINDING)
    assert set(done) == set(truth.NO_FINDING) | (subjects & set(done))


def test_every_address_in_the_truth_is_served() -> None:
    named = {request.url for request in (*truth.REQUESTS, *truth.NOSCRIPT)}
    named |= {cookie.by for cookie in truth.COOKIES if cookie.by.partition("/")[0] != truth.SHOP}
    assert named <= {host + path for host, path in ANSWERS}


def test_the_readme_names_everything_with_its_lifetime() -> None:
    text = files("samtykke.demo").joinpath("README.md").read_text("utf-8")
    for cookie in truth.COOKIES:
        row = next(line for line in text.splitlines() if line.startswith(f"| `{cookie.name}`"))
        assert ("session" if cookie.lifetime is None else f"{cookie.lifetime:,}") in row
        assert cookie.vendor in row
    for key in truth.KEYS:
        assert f"| `{key.key}`" in text
    for kind, subject in truth.FINDINGS:
        assert f"`{kind}` `{subject}`" in text
    for claim in truth.CLAIMS:
        assert f"`{claim}`" in text
