"""Three published policies, read from the folder of test data where it is set, against what they declare.

The file's own list is the truth where it lists what its text names; one entry of it describes an older text of the same
page, and is held to the text instead (`REVISED`).
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from policies.catalogue import Catalogue
from policies.declared import Declared, read_policy

FOLDER = Path(os.environ.get("SAMTYKKE_TEST_DATA", "")) / "policies"
FILES = sorted(path.name for path in FOLDER.glob("*") if path.suffix in (".md", ".njk")) if FOLDER.parts[:-1] else []
KINDS = {"http_cookie": "cookie", "local_storage": "storage", "session_storage": "storage"}
LANGUAGES = {"en": "en", "sv": "sv"}
REVISED = {
    "en-greentechdev-cookie-policy.md": [
        {"name": "dismissedBrowserWarning", "lifetime": 31_536_000, "lifetime_text": "1 year", "type": "http_cookie"}
    ]
}


def _read(name: str) -> Declared:
    kind = "text/markdown" if name.endswith(".md") else "text/html"
    return read_policy((FOLDER / name).read_bytes(), content_type=kind, catalogue=Catalogue.load())


@pytest.mark.parametrize("name", FILES)
def test_published_policies_are_read_as_they_declare(name: str) -> None:
    truth = REVISED.get(name) or json.loads((FOLDER / "truth.json").read_text(encoding="utf-8"))[name]["cookies"]
    read = _read(name)
    assert read.language == LANGUAGES[name[:2]]
    assert [
        (cookie.name, cookie.lifetime, cookie.session, cookie.lifetime_text, cookie.kind) for cookie in read.cookies
    ] == [
        (one["name"], one.get("lifetime"), one.get("session", False), one["lifetime_text"], KINDS[one["type"]])
        for one in truth
    ]
