"""The built wheel in an empty environment elsewhere: `up` and `serve` need nothing of the checkout."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import aiohttp
import pytest
from up_process import samtykke_up

ROOT = Path(__file__).parents[2]
CONFIG = """
[[site]]
name = "shop"
hosts = ["127.0.0.1"]
upstream = "http://127.0.0.1:9"

[proxy]
listen = "127.0.0.1:0"
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """The wheel's own program. The dependencies are borrowed from this environment, the project's code is not."""
    place = tmp_path_factory.mktemp("wheel")
    source = place / "source"
    # Folders that other processes write to at this very moment would be gone or half there.
    changing = (".git", ".venv", "node_modules", "samtykke-data", ".*_cache", ".hypothesis", "__pycache__")
    left_out = shutil.ignore_patterns(*changing, "tests")
    shutil.copytree(ROOT, source, ignore=left_out)
    _run("-m", "build", "--wheel", "--no-isolation", "--outdir", str(place), str(source))
    [wheel] = place.glob("samtykke-*.whl")
    _run("-m", "venv", "--without-pip", str(place / "venv"))
    python = place / "venv" / "bin" / "python"
    _run("-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps", "--no-index", str(wheel))
    packages = next((place / "venv" / "lib").glob("python*/site-packages"))
    (packages / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return str(place / "venv" / "bin" / "samtykke"), str(place)


def test_the_code_comes_from_the_wheel(program: tuple[str, ...]) -> None:
    python = str(Path(program[0]).with_name("python"))
    code = "import policies, proxy, runtime, samtykke, scanner; print(samtykke.__file__, policies.__file__)"
    done = subprocess.run([python, "-c", code], cwd=program[1], capture_output=True, text=True, check=True)
    assert all(program[1] in path for path in done.stdout.split())


async def test_up_runs_from_the_wheel(program: tuple[str, ...], tmp_path: Path) -> None:
    with samtykke_up(tmp_path, "--max-pages", "1", program=program[:1]) as up:
        async with aiohttp.ClientSession() as web:
            address = up.proxy.replace("shop.localhost", "127.0.0.1")
            async with web.get(address, headers={"Host": up.proxy.split("/")[2]}) as page:
                assert page.status == 200
                assert "samtykke-banner" in await page.text()
        assert json.loads(up.run("check", "--json", "-").stdout)["site"][0]["name"] == "shop"
        assert up.stop() == 0


async def test_serve_runs_from_the_wheel_with_a_minimal_config(program: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "samtykke.toml").write_text(CONFIG)
    process = subprocess.Popen(  # noqa: ASYNC220  returns at once
        [program[0], "serve"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        assert process.stdout
        said = process.stdout.readline()
        port = said.rstrip().rpartition(":")[2]
        assert port.isdigit(), said
        async with aiohttp.ClientSession() as web, web.get(f"http://127.0.0.1:{port}/.samtykke/health") as answer:
            assert (await answer.json())["live"] is True
        process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        assert process.wait(120) == 0
        assert time.monotonic() - began < 25
    finally:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


def _run(*arguments: str) -> None:
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
