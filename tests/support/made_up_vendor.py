"""A vendor of nobody's, for rules and labels that real ones must not decide: a test adds its own cookies and keys."""

from __future__ import annotations

COUNTER = """
name = "Counter"
company = "Counter AS"
country = "NO"
privacy = "https://counter.example/privacy"
source = "https://counter.example/docs"
purpose = "statistics"
samples = ["https://cdn.counter.example/c.js"]
[[host]]
match = "counter.example"
"""
"""A file of the catalogue: who it is, and its one host."""
COUNTING = """
[[path]]
match = "*/counter.php"
[[cookie]]
name = "_count.*"
lifetime = "30d"
[[cookie]]
name = "uid"
sure = "low"
[[storage]]
key = "count_*"
"""
"""What it is known by on its customers' sites."""
