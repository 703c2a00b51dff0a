"""Two proofs differ in what leaks or is broken for whom, not in what changes with every visit."""

import pytest

from scanner.faults import Fault, difference, faults_of
from scanner.leaks import Leak
from scanner.prove import Cell, Proof


def proof(*cells):
    return Proof(None, cells)


def cell(state, page, *leaks, broken=()):
    return Cell(state, page, tuple(Leak(kind, subject, "because") for kind, subject in leaks), broken)


def test_a_leak_on_several_pages_is_one_fault_and_one_for_each_kind_of_visitor():
    seen = proof(
        cell("undecided", "/", ("cookie_set", "_gid")),
        cell("undecided", "/b", ("cookie_set", "_gid")),
        cell("reject", "/", ("cookie_set", "_gid")),
    )
    assert faults_of(seen) == (Fault("cookie_set", "_gid", "reject"), Fault("cookie_set", "_gid", "undecided"))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://t.example/p.gif?r=0.123", "https://t.example/p.gif?r=0.9"),
        ("https://t.example:8443/p.gif", "https://t.example:9443/p.gif"),
        ("https://t.example/1795174275123/p", "https://t.example/1795174999000/p"),
    ],
)
def test_what_changes_with_every_visit_is_no_difference(one, other):
    before = faults_of(proof(cell("reject", "/", ("request", one))))
    after = faults_of(proof(cell("reject", "/", ("request", other))))
    assert not difference(before, after)
    assert difference(before, after).still == 1


def test_the_line_of_an_error_in_a_script_is_no_difference():
    first, second = (f"script error: x is undefined at http://shop.example/a.js:{place}" for place in ("1:2", "30:4"))
    before = faults_of(proof(cell("accept", "/", broken=(first,))))
    assert not difference(before, faults_of(proof(cell("accept", "/", broken=(second,)))))


def test_a_difference_says_what_is_new_and_what_is_gone():
    before = faults_of(proof(cell("reject", "/", ("cookie_set", "_gid"), ("storage", "ajs_id"))))
    after = faults_of(proof(cell("reject", "/", ("cookie_set", "_gid")), cell("accept", "/", broken=("x failed",))))
    changes = difference(before, after)
    assert changes.new == (Fault("broken", "x failed", "accept"),)
    assert changes.gone == (Fault("storage", "ajs_id", "reject"),)
    assert changes.in_words() == (
        "! new: broken x failed (accept)\n  gone: storage ajs_id (reject)\n  as before: 1 fault"
    )
    assert difference((), ()).in_words() == "Nothing leaks, nothing is broken."
