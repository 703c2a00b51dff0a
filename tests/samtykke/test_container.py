"""What Dockerfile and compose.yaml say of the program is so: places it may write to, variables, packages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from said import Run

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
COMPOSE = (ROOT / "compose.yaml").read_text()
HOME = re.findall(r"^WORKDIR (\S+)$", DOCKERFILE, re.MULTILINE)[-1]
VARIABLES = dict(re.findall(r"(SAMTYKKE__\w+)[=:] *(\S+)", DOCKERFILE + COMPOSE))


def test_the_config_is_mounted_where_the_program_runs_and_may_write() -> None:
    assert f"target: {HOME}/samtykke.toml" in COMPOSE
    assert f"state:{HOME}\n" in COMPOSE
    assert f"--home-dir {HOME} samtykke" in DOCKERFILE
    assert DOCKERFILE.rindex("\nUSER samtykke") < DOCKERFILE.rindex("\nWORKDIR")
    assert DOCKERFILE.endswith('ENTRYPOINT ["samtykke"]\nCMD ["serve"]\n')


def test_only_who_serves_is_asked_for_its_health() -> None:
    """The image's check asks the proxy; a scan or a schedule does not listen."""
    services = re.split(r"^  (\w+):$", COMPOSE.partition("\nservices:\n")[2].partition("\nvolumes:")[0], flags=re.M)
    by_name = dict(zip(services[1::2], services[2::2], strict=True))
    assert "healthcheck: {disable: true}" in by_name["tools"]
    assert "healthcheck" not in by_name["proxy"]


def test_every_package_is_copied_and_sent_to_the_builder() -> None:
    ignored = (ROOT / ".dockerignore").read_text().split()
    wheel = re.search(r"^packages = \[(.+)\]$", (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert wheel
    for package in re.findall(r'"(\w+)"', wheel[1]):
        assert f"COPY {package} {package}\n" in DOCKERFILE
        assert f"!{package}" in ignored


def test_the_variables_of_the_container_are_the_configs(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert set(VARIABLES) == {"SAMTYKKE__PROXY__LISTEN", "SAMTYKKE__CONSENT__STORE"}
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "samtykke.toml").write_text((ROOT / "samtykke.example.toml").read_text())
    done = run("check")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("listen 0.0.0.0:8080, ")
