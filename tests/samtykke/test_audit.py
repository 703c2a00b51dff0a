"""The audit walk in docs/audit.md, command by command as it is written, on the running demo."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
import subprocess
import sys
import urllib.parse
import urllib.request
from pathlib import Path

from up_process import Up, samtykke_up

ROOT = Path(__file__).parents[2]
COMMANDS = re.findall(r"^\$ (.+)$", (ROOT / "docs" / "audit.md").read_text(encoding="utf-8"), re.MULTILINE)


def asked(up: Up, path: str, fields: dict[str, str] | None = None) -> str:
    """The demo's answer; its port is where its name under .localhost leads."""
    host = re.search(r"//([^/]+)", up.proxy)
    assert host
    address = f"http://127.0.0.1:{host[1].rpartition(':')[2]}{path}"
    headers = {"Host": host[1], "Accept": "application/json" if fields else "text/html", "Accept-Language": "nb"}
    if fields:
        headers |= {"Sec-Fetch-Site": "same-origin"}
    data = urllib.parse.urlencode(fields).encode() if fields else None
    with urllib.request.urlopen(urllib.request.Request(address, data, headers), timeout=120) as answer:
        return answer.read().decode()


def test_the_walk_leads_from_a_reference_to_proof_as_written(tmp_path: Path) -> None:
    with samtykke_up(tmp_path, "--max-pages", "2") as up:
        token = re.search(r'name="notice" value="([^"]*)"', asked(up, "/"))
        assert token
        given = json.loads(asked(up, "/.samtykke/choice", {"action": "accept", "notice": token[1]}))
        names = {"SUBJECT": given["subject"]}
        newest = json.loads(up.run("log", "show", given["subject"], "--json", "-").stdout)[-1]
        names |= {"NOTICE": newest["notice"][:12], "ROW": newest["id"]}
        said: dict[str, str] = {}
        for command in COMMANDS:
            words = [names.get(word, word) for word in shlex.split(command)]
            if words[0] == "samtykke":
                run = up.run(*words[1:])
            elif words[0] == "python3":
                words[1] = str(ROOT / "proxy" / "consent" / "log" / words[1])
                words[words.index("checkpoints/")] = str(up.config.parent / "checkpoints")
                run = subprocess.run(
                    [sys.executable, *words[1:]], cwd=tmp_path, capture_output=True, text=True, check=False
                )
            else:
                assert words == ["sha256sum", "notice.html"]
                digest = hashlib.sha256((tmp_path / "notice.html").read_bytes()).hexdigest()
                assert digest == newest["notice"]
                continue
            assert run.returncode == 0, f"{command}\n{run.stdout}{run.stderr}"
            said[command] = run.stdout
            if command == "samtykke key public":
                names["KEY"] = run.stdout.split()[0]
        up.stop()
    assert "accept" in said["samtykke log show SUBJECT"]
    assert "+marketing, +preferences, +statistics" in said["samtykke log show SUBJECT"]
    assert said["samtykke log notice NOTICE --png evidence"].count(".png  SHA-256 ") == 4
    assert len(list((tmp_path / "evidence").glob("*.png"))) == 4
    record = json.loads((tmp_path / "receipt.jsonld").read_text())
    assert record["event"]["event_state"] == "ConsentGiven"
    assert any(process["dpv:hasRecipient"] for process in record["dpv:hasProcess"])
    assert json.loads((tmp_path / "receipt-kantara.json").read_text())["piiPrincipalId"] == given["subject"]
    assert "intact" in said["samtykke log verify"]
    alone = next(json.loads(text) for command, text in said.items() if "standalone_verify" in command)
    assert (alone["ok"], alone["signatures"]) == (True, "checked")
    assert re.search(r"[1-9]\d* rows erased", said["samtykke log erase SUBJECT"])
