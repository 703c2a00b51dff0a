"""The promise of the bench: a verdict costs the same with 50,000 imported rules as with 500."""

from __future__ import annotations

from bench.verdicts import SIZES, measure, rule_list
from policies.catalogue import Catalogue


def test_a_verdict_costs_as_much_with_fifty_thousand_rules_as_with_five_hundred() -> None:
    """Generous, since other work runs beside the tests: a cost that grew with the rules would be a hundredfold."""
    few, many = (measure(Catalogue.of({}), rule_list(size), rounds=2) for size in SIZES)
    assert (few.rules, many.rules) == SIZES
    assert many.new < 4 * few.new + 20
    assert many.own < 4 * few.own + 20
    assert many.new < 500
