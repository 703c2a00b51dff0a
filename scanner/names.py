"""Names made at run time, with `*` for the part that is another one on each visit. Pure.

Trackers probe with throw-away cookies (`dmn_chk_<UUID>`, `_sp_root_domain_test_<milliseconds>`) and keep queues under
`<name>.<UUID>.queue`. Two visits are to be recognised as the same; hashes of a site's name or key, which stay, are
left alone, since they look the same and are not.
"""

from __future__ import annotations

import re

_RANDOM = re.compile(
    r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"  # a UUID
    r"|(?<!\d)1[5-9]\d{8}(?:\d{3})?(?!\d)"  # seconds or milliseconds since 1970: 2017 to 2033
    r"|(?<![0-9A-Za-z])(?=[0-9A-Za-z]*\d)(?=[0-9A-Za-z]*[a-z])(?=[0-9A-Za-z]*[A-Z])[0-9A-Za-z]{20,}(?![0-9A-Za-z])"
)


def steady(name: str) -> str:
    """`dmn_chk_01a1f8b9-7a1b-7517-a716-05ff248c2ff7` -> `dmn_chk_*`; a name without such a part is itself."""
    return _RANDOM.sub("*", name)
