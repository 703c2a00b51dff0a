"""Run the demo shop alone until Ctrl-C: `python -m samtykke.demo [PORT]`."""

from __future__ import annotations

import argparse
import asyncio
import contextlib

from samtykke.demo.server import start_demo


async def _serve(port: int) -> None:
    demo = await start_demo(port)
    print(f"{demo.origin}/ is open. What the trackers received: http://stats.localhost:{demo.port}/_received")
    try:
        await asyncio.Event().wait()
    finally:
        await demo.stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m samtykke.demo", description="Serve the demo shop on loopback.")
    parser.add_argument("port", type=int, nargs="?", default=9080, help="0 takes a free one (default: 9080)")
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(parser.parse_args().port))
