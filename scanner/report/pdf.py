"""Print a report with the browser that scanned: one short-lived process, a folder of its own, a limit of time."""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
from pathlib import Path

from scanner.browser.settings import find_chromium, running_as_root

SECONDS = 60.0


class PrintError(Exception):
    """The browser did not print; the text says why."""


async def print_pdf(html: str, *, executable: str | None = None, seconds: float = SECONDS) -> bytes:
    """The page as PDF. Raises PrintError where there is no browser, or where it does not print within `seconds`."""
    program = executable or find_chromium()
    if program is None:
        raise PrintError("a PDF is printed by Chromium, and none was found")
    with tempfile.TemporaryDirectory(prefix="samtykke-print-", ignore_cleanup_errors=True) as folder:
        page, printed = Path(folder, "report.html"), Path(folder, "report.pdf")
        await asyncio.to_thread(page.write_text, html, "utf-8")
        arguments = (
            "--headless", "--disable-gpu", "--disable-extensions", "--no-first-run", "--disable-background-networking",
            f"--user-data-dir={folder}/profile", "--no-pdf-header-footer", f"--print-to-pdf={printed}",
            *(("--no-sandbox",) if running_as_root() else ()), page.as_uri(),
        )  # fmt: skip
        try:
            process = await asyncio.create_subprocess_exec(
                program, *arguments, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
                start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            raise PrintError(f"{program} does not start: {error.strerror}") from error
        try:
            code = await asyncio.wait_for(process.wait(), seconds)
        except TimeoutError as error:
            raise PrintError(f"{program} did not print within {seconds:g} s") from error
        finally:
            _end(process)
            await process.wait()
        try:
            return await asyncio.to_thread(printed.read_bytes)
        except FileNotFoundError as error:
            raise PrintError(f"{program} ended with code {code} without a PDF") from error


def _end(process: asyncio.subprocess.Process) -> None:
    """The browser and what it started, where any of it is left."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
