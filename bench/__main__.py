"""Run every measurement and write the figures into docs/benchmarks.md. `python -m bench [SECONDS]`, or `make bench`.

Each section is what one module of this package prints; a module that fails, for a missing peer for example, fails the
whole run. What stands outside of a section's marks is left as it is.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

TARGET = Path(__file__).parents[1] / "docs" / "benchmarks.md"
SECTIONS = (
    ("The proxy beside its peers", "bench.proxy", False),
    ("Remembered documents", "bench.remembered", True),
    ("Rewriting alone", "bench.rewriting", True),
    ("The guard", "bench.guard", True),
    ("The scanner", "bench.scanner", True),
    ("Choices over HTTP (2,000 a second; a crowd without errors, p99 below 500 ms)", "bench.consent_http", True),
    ("The consent log (1,000,000 rows verified within 20 s, aim 5 s, in flat memory)", "bench.consent_log", True),
    ("Verdicts", "bench.verdicts", True),
)
"""Heading, module, and whether what it prints is plain text."""
_HEAD = "# Benchmarks\n\nWritten by `make bench`; figures of one machine on one day.\n"


def printed(module: str, arguments: list[str]) -> str:
    """What the module prints. Raises SystemExit where it fails."""
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        cwd=TARGET.parents[1],
    )
    if done.returncode:
        raise SystemExit(f"{module} failed with {done.returncode}")
    return done.stdout.strip()


def placed(text: str, heading: str, module: str, content: str) -> str:
    """The page with this section's content put between its marks, or at the end."""
    begin, end = f"<!-- {module} -->", f"<!-- /{module} -->"
    section = f"{begin}\n{content}\n{end}"
    found = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
    if found.search(text):
        return found.sub(lambda _: section, text)
    return f"{text.rstrip()}\n\n## {heading}\n\n{section}\n"


def main() -> None:
    wanted = [argument for argument in sys.argv[1:] if argument.startswith("bench.")]
    seconds = [argument for argument in sys.argv[1:] if not argument.startswith("bench.")]
    text = TARGET.read_text() if TARGET.exists() else _HEAD
    for heading, module, plain in SECTIONS:
        if wanted and module not in wanted:
            continue
        load = os.getloadavg()[0]
        content = printed(module, seconds if module == "bench.proxy" else [])
        if plain:
            now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
            content = f"{now}, `python -m {module}`, load average {load:.1f}:\n\n```\n{content}\n```"
        text = placed(text, heading, module, content)
        TARGET.write_text(text)
        print(f"{module}: written", file=sys.stderr)


if __name__ == "__main__":
    main()
