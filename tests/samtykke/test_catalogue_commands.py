"""`samtykke catalogue`: what an import says, what an update keeps, and that both reach the verdicts."""

from __future__ import annotations

import asyncio
import hashlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from said import Run

from policies.purpose import Purpose
from samtykke.config import ConfigError, ListSettings, read_config
from samtykke.imported import ImportFolder, update

LIST = b"[Adblock Plus 2.0]\n! mine\n||pix.example^\n||other.example^$image\nshop.example##.ad\n/[0-9]{9}/\n"


def test_an_import_says_what_it_took_and_what_it_left_out(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_bytes(LIST)
    done = run("catalogue", "import", "mine.txt", "--purpose", "marketing")
    assert done.code == 0
    assert "mine.txt.json: adblock, 2 rules" in done.out
    assert "left out 1: cosmetic" in done.out
    assert "left out 1: regular expression" in done.out
    told = run("explain", "https://pix.example/1.gif", "--type", "image", "--page", "http://shop.localhost/")
    assert told.out.startswith("block: filter ||pix.example^ (mine.txt, line 3); needs consent to marketing: not given")
    stats = json.loads(run("catalogue", "stats", "--json", "-").out)
    assert [(each["name"], each["counts"]) for each in stats["imports"]] == [("mine.txt", {"rules": 2})]
    assert run("catalogue", "forget", "mine.txt").code == 0
    assert run("catalogue", "forget", "mine.txt").code == 1
    assert "filter" not in run("explain", "https://pix.example/1.gif", "--type", "image").out


def test_an_imported_cookie_can_be_looked_up(run: Run, tmp_path: Path) -> None:
    rows = "ID,Platform,Category,Cookie / Data Key name,Retention period\n1,Zed,Marketing,zed_visitor,90 days\n"
    (tmp_path / "zed.csv").write_text(rows)
    assert run("catalogue", "lookup", "zed_visitor").code == 1
    assert run("catalogue", "import", "zed.csv", "--name", "zed").code == 0
    [answer] = json.loads(run("catalogue", "lookup", "zed_visitor", "--json", "-").out)
    [match] = answer["matches"]
    assert match == {
        "name": "zed_visitor", "vendor": "Zed", "purpose": "marketing", "lifetime": 7_776_000,
        "because": "cookie zed_visitor is Zed's (zed, line 2)", "confidence": "medium",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff", "list.x: byte 0: not UTF-8 text"),
        (b'{"disclosures": [{"identifier": 3}]}', "list.x: disclosures[1]: identifier: expected text"),
        (b"just words", "list.x: no known format"),
    ],
)
def test_what_cannot_be_imported_exits_2_and_says_where(
    run: Run, tmp_path: Path, content: bytes, message: str
) -> None:  # fmt: skip
    (tmp_path / "list.x").write_bytes(content)
    done = run("catalogue", "import", "list.x")
    assert done.code == 2
    assert message in done.err
    assert not (tmp_path / "policy").exists()


def test_a_list_is_never_necessary(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_bytes(LIST)
    done = run("catalogue", "import", "mine.txt", "--purpose", "necessary")
    assert done.code == 2
    assert "preferences, statistics, marketing" in done.err


def test_a_damaged_copy_is_named(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_bytes(LIST)
    run("catalogue", "import", "mine.txt")
    kept = tmp_path / "policy" / "imports" / "mine.txt.json"
    kept.write_text(kept.read_text().replace("pix.example", "fix.example"))
    done = run("explain", "cookie:sid")
    assert done.code == 2
    assert "mine.txt.json: the kept copy is damaged" in done.err


def test_without_lists_there_is_nothing_to_update(run: Run) -> None:
    done = run("catalogue", "update")
    assert done.code == 2
    assert "[catalogue] lists" in done.err


# Fetching.


@dataclass
class ListServer:
    """Serves one list with an ETag; what it answers can be changed, what it was asked can be read."""

    content: bytes = LIST
    status: int = 200
    cut: bool = False
    asked: list[str | None] = field(default_factory=list)
    url: str = ""

    @property
    def etag(self) -> str:
        return f'"{hashlib.sha256(self.content).hexdigest()[:8]}"'


@pytest.fixture
def server() -> Iterator[ListServer]:
    state = ListServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wish = self.headers.get("If-None-Match")
            state.asked.append(wish)
            if state.status == 200 and wish == state.etag:
                self.send_response(304)
                self.end_headers()
                return
            self.send_response(state.status)
            self.send_header("ETag", state.etag)
            self.send_header("Content-Length", str(len(state.content)))
            self.end_headers()
            self.wfile.write(state.content[:10] if state.cut else state.content)

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the library's name
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever, daemon=True)
        thread.start()
        state.url = f"http://127.0.0.1:{http.server_port}/lists/mine.txt?v=1"
        yield state
        http.shutdown()
        thread.join()


def fetch(folder: Path, *lists: ListSettings) -> list[tuple[str, str]]:
    return [(each.outcome, each.because) for each in asyncio.run(update(ImportFolder(folder), lists, max_bytes=1000))]


def settings(server: ListServer, sha256: str = "") -> ListSettings:
    return ListSettings.model_validate({"url": server.url, "purpose": "marketing", "sha256": sha256})


def test_a_list_is_named_by_its_address() -> None:
    config = read_config('[catalogue]\nlists = ["https://lists.example/a/mine.txt?x=1"]', Path("samtykke.toml"))
    assert config.catalogue.lists[0].name == "mine.txt"
    two = 'lists = ["https://a.example/l.txt", "https://b.example/l.txt"]'
    with pytest.raises(ConfigError, match=r"several lists are called l\.txt"):
        read_config("[catalogue]\n" + two, Path("samtykke.toml"))
    with pytest.raises(ConfigError, match="url"):
        read_config('[catalogue]\nlists = ["file:///etc/passwd"]', Path("samtykke.toml"))


def test_an_update_asks_again_with_the_etag(server: ListServer, tmp_path: Path) -> None:
    [(first, because)] = fetch(tmp_path, settings(server))
    assert first == "new"
    assert hashlib.sha256(LIST).hexdigest() in because
    assert [outcome for outcome, _ in fetch(tmp_path, settings(server))] == ["unchanged"]
    assert server.asked == [None, server.etag]
    server.content = LIST + b"||third.example^\n"
    assert [outcome for outcome, _ in fetch(tmp_path, settings(server))] == ["changed"]
    [document] = ImportFolder(tmp_path).documents()
    assert (document.counts(), document.purpose, document.etag) == ({"rules": 3}, Purpose.MARKETING, server.etag)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"status": 500}, "the server answers 500"),
        ({"content": b"<html>not found</html>"}, "no known format"),
        ({"content": b""}, "the file is empty"),
        ({"content": b"||x.example^\n", "cut": True}, "mine.txt"),
        ({"content": b"!" * 2000}, "longer than 1000 bytes"),
    ],
)
def test_a_list_that_fails_keeps_its_last_good_copy(
    server: ListServer, tmp_path: Path, change: dict[str, object], words: str
) -> None:
    fetch(tmp_path, settings(server))
    before = ImportFolder(tmp_path).documents()
    for name, value in change.items():
        setattr(server, name, value)
    [(outcome, because)] = fetch(tmp_path, settings(server))
    assert outcome == "failed"
    assert words in because
    assert because.endswith("the last good copy stays")
    assert ImportFolder(tmp_path).documents() == before


def test_another_content_than_the_config_wants_is_refused(server: ListServer, tmp_path: Path) -> None:
    wanted = hashlib.sha256(LIST).hexdigest()
    assert [outcome for outcome, _ in fetch(tmp_path, settings(server, wanted))] == ["new"]
    server.content = b"||evil.example^\n"
    [(outcome, because)] = fetch(tmp_path, settings(server, wanted))
    assert outcome == "failed"
    assert "the config wants" in because


def test_one_list_that_fails_costs_only_itself(run: Run, server: ListServer, tmp_path: Path) -> None:
    dead = "http://127.0.0.1:9/dead.txt"
    (tmp_path / "samtykke.toml").write_text(f'[catalogue]\nlists = ["{dead}", "{server.url}"]\n')
    done = run("catalogue", "update", "--json", "-")
    assert done.code == 3
    assert "could not update dead.txt" in done.err
    found = {each["name"]: each for each in json.loads(done.out)["lists"]}
    assert (found["dead.txt"]["outcome"], found["dead.txt"]["kept"]) == ("failed", None)
    assert found["mine.txt"]["outcome"] == "new"
    assert run("explain", "https://pix.example/x", "--type", "image").out.startswith("block: filter ||pix.example^")


def test_a_damaged_copy_is_fetched_anew(server: ListServer, tmp_path: Path) -> None:
    fetch(tmp_path, settings(server))
    kept = tmp_path / "mine.txt.json"
    kept.write_text("{}")
    assert [outcome for outcome, _ in fetch(tmp_path, settings(server))] == ["new"]
    assert ImportFolder(tmp_path).documents()[0].counts() == {"rules": 2}
