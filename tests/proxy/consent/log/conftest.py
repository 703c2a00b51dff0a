"""One suite, two stores: `url` is a fresh log in SQLite and, in the next run of the same test, in PostgreSQL."""

import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from postgres_server import PostgresServer, running_postgres

from proxy.consent.log import ConsentLog, Event, Pace
from runtime.keys import Keys, new_keys

START = datetime(2026, 11, 20, 10, 30, tzinfo=UTC)
_number = itertools.count()


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    with running_postgres() as server:
        yield server


@pytest.fixture(autouse=True)
def _time_to_connect(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that is up on a busy machine may take its time; one that is down says so at once."""
    monkeypatch.setattr("proxy.consent.log.postgres._CONNECT_SECONDS", 60.0)


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/consent.db"
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.create_database(f"log_{next(_number)}")


@pytest.fixture(scope="session")
def keys() -> Keys:
    return new_keys(START)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "checkpoints"


class Clock:
    """Starts at START; `pass_time` moves it."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def pass_time(self, **by: float) -> datetime:
        self.now += timedelta(**by)
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def log(url: str, keys: Keys, folder: Path, clock: Clock) -> AsyncIterator[ConsentLog]:
    opened = await ConsentLog.open(url, keys, checkpoints=folder, clock=clock, pace=Pace(checkpoint_seconds=0))
    yield opened
    await opened.close()


@pytest.fixture
def accept(clock: Clock) -> Callable[..., Event]:
    """An accept on the shop; name what is to be different."""

    def make(**different: object) -> Event:
        usual: dict[str, object] = {
            "event": "accept",
            "time": clock(),
            "site": "shop",
            "path": "/cart",
            "subject": "visitor-1",
            "purposes": {"statistics": True, "marketing": True, "preferences": True},
            "vendors": {"meta": False},
            "language": "nb",
            "surface": "banner",
            "method": "button",
            "notice": "a" * 64,
            "policy": "b" * 64,
            "ip": "192.0.2.0",
            "agent": "Firefox on Linux",
            "nonce": "nonce-1",
        }
        return Event(**{**usual, **different})

    return make
