"""What one verdict costs, with 500 imported rules and with 50,000. Prints microseconds.

Run `python -m bench.verdicts`. Every address is new to the rules (nothing is remembered) except in the last row. With
SAMTYKKE_TEST_DATA set, EasyPrivacy is measured, too: how long it takes to read, and what it adds to a verdict.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from policies.catalogue import Catalogue
from policies.filters import parse_list
from policies.imports import Imports, read_import
from policies.purpose import REJECT
from policies.rules import Rules
from policies.verdict import Request

SIZES = (500, 50_000)
ASKED = 1_000
ROUNDS = 5
PAGE = "shop.example"


def rule_list(count: int) -> str:
    """A list in the proportions of real ones: mostly hosts, some paths of hosts, some pieces of addresses."""
    shapes = (
        "||track{n}.example^",
        "||stat{n}.example^$third-party",
        "||cdn{n}.example/js/pixel{n}.js$script",
        "||metrics{n}.shop{n}.example^",
        "/collect{n}/beacon.$image,script",
        "&session_{n}=",
        "||ads{n}.example^",
        "/t{n}.gif?$third-party,domain=~site{n}.example",
    )
    return "! made up\n" + "\n".join(shapes[n % len(shapes)].format(n=n) for n in range(count))


def requests(salt: int) -> list[Request]:
    """Addresses as pages have them; a tenth of them match a rule of the smallest list."""
    found = []
    for n in range(ASKED):
        host, path = f"static{n}.cdn{salt}.example.net", f"/assets/{salt}/app.{n:x}.js?v={n}&lang=nb"
        if n % 10 == 0:
            host = f"www.track{n % SIZES[0] // 8 * 8}.example"
        found.append(Request(f"https://{host}{path}", host, path, PAGE, "image" if n % 3 else "script"))
    return found


@dataclass(frozen=True)
class Cost:
    """Microseconds of processor time for one verdict, in the best round of several: other work may run beside it."""

    rules: int
    new: float
    own: float
    again: float


def measure(catalogue: Catalogue, text: str | None, rounds: int = ROUNDS) -> Cost:
    documents = [read_import(text.encode(), name="list.txt")] if text else []
    rules = Rules(catalogue, hosts=[PAGE], imports=Imports(documents))
    new = best(lambda salt: ask(rules, requests(salt)), rounds)
    own = best(lambda salt: ask(rules, [_own(salt, n) for n in range(ASKED)]), rounds)
    same = requests(0)
    again = best(lambda _: ask(rules, same), rounds)
    return Cost(len(documents[0].rules) if documents else 0, new, own, again)


def _own(salt: int, n: int) -> Request:
    path = f"/products/{salt}-{n}.html?color=red&size={n}"
    return Request(f"https://{PAGE}{path}", PAGE, path, PAGE, "connect")


def best(work: Callable[[int], float], rounds: int) -> float:
    return min(work(salt) for salt in range(1, rounds + 1))


def ask(rules: Rules, asked: Sequence[Request]) -> float:
    began = time.process_time()
    for request in asked:
        rules.request(request, REJECT)
    return (time.process_time() - began) / len(asked) * 1e6


def main() -> None:
    catalogue = Catalogue.load()
    lists: list[tuple[str, str | None]] = [
        ("no import", None),
        *((f"{size:,} rules", rule_list(size)) for size in SIZES),
    ]
    real = Path(os.environ.get("SAMTYKKE_TEST_DATA", "/nowhere")) / "easyprivacy.txt"
    if real.exists():
        text = real.read_text("utf-8")
        began = time.perf_counter()
        parsed = parse_list(text)
        took = time.perf_counter() - began
        print(f"EasyPrivacy: {len(parsed.rules):,} rules read in {took:.2f} s; left out: {parsed.skipped}")
        lists.append(("EasyPrivacy", text))
    print(f"{'microseconds per verdict':26}{'new address':>13}{'own site':>13}{'asked again':>13}")
    for name, text in lists:
        cost = measure(catalogue, text)
        print(f"{name:26}{cost.new:13.1f}{cost.own:13.1f}{cost.again:13.1f}")


if __name__ == "__main__":
    main()
