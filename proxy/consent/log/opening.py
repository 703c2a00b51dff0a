"""Which store a URL means. The only place that knows both."""

from __future__ import annotations

from proxy.consent.log.store import Store


def store_of(url: str, *, read_only: bool = False) -> Store:
    """The store behind `sqlite:///PATH` or `postgresql://...`. Raises ValueError for any other URL."""
    scheme = url.partition(":")[0]
    if scheme in ("postgresql", "postgres"):
        from proxy.consent.log.postgres import PostgresStore

        return PostgresStore(url, read_only=read_only)
    if scheme == "sqlite":
        from proxy.consent.log.sqlite import SqliteStore

        return SqliteStore(url, read_only=read_only)
    raise ValueError(
        f"{url.partition('@')[0] if '@' in url else url}: a consent log is sqlite:///PATH or postgresql://..."
    )
