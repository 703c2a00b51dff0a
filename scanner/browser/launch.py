"""Start Chromium so that it dies with us, and clean up after it. Flags and preferences as measured in docs/scanner.md.

It is driven over a pair of pipes (`--remote-debugging-pipe`): when our process ends, also by `kill -9`, the kernel
closes them and Chromium ends. The profile is a fresh directory each time, named after our process id, removed at
`close()`; one left behind by a killed process is removed at the next launch.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import re
import shutil
import signal
import tempfile
from pathlib import Path

from scanner.browser.disguise import user_agent
from scanner.browser.settings import BrowserSettings, running_as_root

_PREFIX = "samtykke-chromium-"
_VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)\.(\d+)")

_NO_SANDBOX = (
    "this user may not make the namespaces in which it confines pages. In a container: security_opt seccomp=unconfined "
    "(docs/scanner.md, In a container). Without that protection: --chromium-arg=--no-sandbox"
)
_ARGUMENTS = (
    "--headless",
    "--remote-debugging-pipe",
    "--disable-gpu",
    "--enable-unsafe-swiftshader",  # WebGL by software, as trackers expect a person's browser to have it
    "--disable-quic",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-breakpad",
    "--disable-crash-reporter",
    "--disable-client-side-phishing-detection",
    "--disable-domain-reliability",
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    "--disable-hang-monitor",
    "--disable-blink-features=AutomationControlled",
    "--disable-features=Translate,OptimizationHints,MediaRouter,InterestFeedContentSuggestions",
    "--hide-scrollbars",
    "--mute-audio",
    "--password-store=basic",
    "--use-mock-keychain",
    "--metrics-recording-only",
)


def arguments(settings: BrowserSettings, profile: Path, version: str, *, root: bool) -> list[str]:
    """Chromium's command line, without the program itself."""
    width, height = settings.window_width, settings.window_height
    rules = settings.host_resolver_rules
    return [
        *_ARGUMENTS,
        *(["--no-sandbox"] if root else []),
        f"--user-data-dir={profile}",
        f"--user-agent={user_agent(version)}",
        f"--accept-lang={settings.accept_language}",
        f"--window-size={width},{height}",
        f"--screen-info={{{max(width, 1920)}x{max(height, 1080)}}}",
        *([f"--host-resolver-rules={rules}"] if rules else []),
        *(_gated(settings.websocket_gate) if settings.websocket_gate is not None else ()),
        *settings.extra_arguments,
        "about:blank",
    ]


def _gated(port: int) -> tuple[str, str]:
    """WebSockets by the gate, everything else direct: Chromium takes the fallback proxy for WebSockets first."""
    rules = f"http=direct://;https=direct://;socks=socks5://127.0.0.1:{port}"
    return f"--proxy-server={rules}", "--proxy-bypass-list=<-loopback>"


def preferences(settings: BrowserSettings) -> dict[str, object]:
    """`Default/Preferences`: read once at start, and the only way to allow cross-site cookies again."""
    return {
        "profile": {
            "cookie_controls_mode": 0 if settings.third_party_cookies else 1,
            "block_third_party_cookies": not settings.third_party_cookies,
            "default_content_setting_values": {"notifications": 2, "geolocation": 2},
        },
        "credentials_enable_service": False,
        "safebrowsing": {"enabled": False},
        "search": {"suggest_enabled": False},
        "alternate_error_pages": {"enabled": False},
        "net": {"network_prediction_options": 2},
    }


class Chromium:
    """One running browser process: its pipes, its profile, its end."""

    def __init__(self, pid: int, profile: Path, read_fd: int, write_fd: int, version: str) -> None:
        self.pid = pid
        self.profile = profile
        self.read_fd = read_fd
        self.write_fd = write_fd
        self.version = version
        self._ended = False

    def __repr__(self) -> str:
        return f"<Chromium {self.version} pid {self.pid}{' ended' if self._ended else ''}>"

    @classmethod
    async def start(cls, settings: BrowserSettings) -> Chromium:
        """Start it. Raises FileNotFoundError without Chromium, OSError where it cannot be run."""
        program = settings.program()
        version = await _version_of(program)
        _remove_orphans()
        profile = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))
        try:
            folder = profile / "Default"
            folder.mkdir()
            (folder / "Preferences").write_text(json.dumps(preferences(settings)))
            command = [program, *arguments(settings, profile, version, root=running_as_root())]
            pid, read_fd, write_fd = _spawn(command, profile / "stderr.log")
        except BaseException:
            shutil.rmtree(profile, ignore_errors=True)
            raise
        return cls(pid, profile, read_fd, write_fd, version)

    def last_words(self) -> str:
        """Why it ended: the end of what Chromium wrote to stderr, for an error message."""
        with contextlib.suppress(OSError):
            said = (self.profile / "stderr.log").read_text(errors="replace")
            return _NO_SANDBOX if "No usable sandbox" in said else said[-800:].strip()
        return ""

    def _reaped(self) -> bool:
        if not self._ended:
            try:
                self._ended = os.waitpid(self.pid, os.WNOHANG)[0] != 0
            except ChildProcessError:
                self._ended = True
        return self._ended

    async def _wait(self, seconds: float) -> None:
        for _ in range(round(seconds / 0.02)):
            if self._reaped():
                return
            await asyncio.sleep(0.02)

    async def end(self, *, patience: float = 5.0) -> None:
        """Wait for Chromium to end, then kill what is left of it, then remove its profile."""
        await self._wait(patience)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        await self._wait(patience)
        for _ in range(20):
            shutil.rmtree(self.profile, ignore_errors=True)
            if not self.profile.exists():
                return
            await asyncio.sleep(0.05)


async def _version_of(program: str) -> str:
    process = await asyncio.create_subprocess_exec(
        program, "--version", stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    out, _ = await process.communicate()
    found = _VERSION.search(out.decode(errors="replace"))
    if found is None:
        raise OSError(f"{program} --version does not name a version: is it Chromium?")
    return found[0]


def _spawn(command: list[str], errors: Path) -> tuple[int, int, int]:
    """Start with pipes as descriptors 3 and 4. Ours are moved above 10 first: dup2 must not overwrite one."""
    pipes = [fd for pair in (os.pipe(), os.pipe()) for fd in pair]
    high = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 10) for fd in pipes]
    for fd in pipes:
        os.close(fd)
    their_in, our_out, our_in, their_out = high
    try:
        pid = os.posix_spawn(
            command[0],
            command,
            os.environ,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
                (os.POSIX_SPAWN_OPEN, 2, str(errors), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
                (os.POSIX_SPAWN_DUP2, their_in, 3),
                (os.POSIX_SPAWN_DUP2, their_out, 4),
            ],
            setpgroup=0,  # a Ctrl-C in the terminal reaches us, and we end Chromium in order
        )
    except BaseException:
        os.close(our_in)
        os.close(our_out)
        raise
    finally:
        os.close(their_in)
        os.close(their_out)
    return pid, our_in, our_out


def _remove_orphans() -> None:
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*-*"):
        owner = folder.name.removeprefix(_PREFIX).partition("-")[0]
        if owner.isdigit() and not Path(f"/proc/{owner}").exists():
            shutil.rmtree(folder, ignore_errors=True)
