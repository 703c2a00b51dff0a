"""Make any markup safe to parse: bounded size, bounded depth, every tag closed, scripts and comments gone. No I/O.

One pass from left to right whose time grows with the length of the text alone; an HTML parser behind it never meets
a construct without an end. Only the attributes that carry structure are kept.
"""

from __future__ import annotations

import re

from policies.declared.words import listed

LONGEST = 2_000_000
"""Characters of markup that are read after scripts and comments are gone; a policy longer than that is none."""
DEEPEST = 200

_TAG = re.compile(
    r"""<(?P<close>/?)(?P<name>[A-Za-z][A-Za-z0-9:._-]{0,60}+)(?=[\s/>])
    (?P<attributes>(?:[^<>"']|"[^"]{0,2000}"|'[^']{0,2000}'|["'])*+)>""",
    re.VERBOSE,
)
_ATTRIBUTE = re.compile(r"(?<![\w-])(colspan|rowspan|role|lang|scope)\s*=\s*[\"']?([\w-]{1,12})", re.IGNORECASE)
_HIDDEN_TEXT = frozenset({"script", "style", "template", "noscript", "svg", "math", "iframe", "object", "textarea",
                          "select", "canvas", "video", "audio"})  # fmt: skip
_VOID = listed("area base br col embed hr img input link meta param source track wbr")
_ENDED_BY: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    # opening tag: (elements it ends, elements beyond which it does not look)
    "li": (frozenset({"li"}), frozenset({"ul", "ol", "menu", "table"})),
    "dt": (frozenset({"dt", "dd"}), frozenset({"dl", "table"})),
    "dd": (frozenset({"dt", "dd"}), frozenset({"dl", "table"})),
    "td": (frozenset({"td", "th"}), frozenset({"tr", "table"})),
    "th": (frozenset({"td", "th"}), frozenset({"tr", "table"})),
    "tr": (frozenset({"tr"}), frozenset({"table", "thead", "tbody", "tfoot"})),
    "thead": (frozenset({"thead", "tbody", "tfoot"}), frozenset({"table"})),
    "tbody": (frozenset({"thead", "tbody", "tfoot"}), frozenset({"table"})),
    "tfoot": (frozenset({"thead", "tbody", "tfoot"}), frozenset({"table"})),
}
_PLACEHOLDER = re.compile(r"(?<=[\w.\-])<([A-Za-z][\w \-]{0,30})>")
_ELEMENTS = listed(
    """a abbr acronym address article aside b bdi bdo big blockquote body br button caption center cite code col
    colgroup data dd del details dfn div dl dt em fieldset figcaption figure font footer form h1 h2 h3 h4 h5 h6 head
    header hr html i img input ins kbd label legend li link main mark menu meta nav nobr ol option p pre q s samp
    section small span strike strong sub summary sup table tbody td tfoot th thead time title tr tt u ul var
    wbr"""
)


def safe_markup(html: str) -> str:
    """The same markup with balanced tags, at most LONGEST characters and DEEPEST levels."""
    html = _PLACEHOLDER.sub(_keep_placeholder, html)
    out: list[str] = []
    length = position = 0
    open_tags: list[str] = []
    without_end: set[str] = set()
    while length < LONGEST:
        start = html.find("<", position)
        text = html[position : start if start >= 0 else len(html)]
        text = text[: LONGEST - length]
        out.append(text.replace(">", "&gt;"))
        length += len(text)
        if start < 0:
            break
        position, piece = _piece(html, start, open_tags, without_end)
        if piece == "<br/>" and len(open_tags) >= DEEPEST and not text.strip():
            continue
        out.append(piece)
        length += len(piece)
    out.extend(f"</{name}>" for name in reversed(open_tags) if name)
    return "".join(out)


def _piece(html: str, start: int, open_tags: list[str], without_end: set[str]) -> tuple[int, str]:
    """What stands at a `<`: where reading goes on, and what is passed on."""
    if html.startswith("<!--", start):
        end = html.find("-->", start + 4)
        return (end + 3, "") if end >= 0 else (len(html), "")
    if html.startswith(("<!", "<?"), start):
        end = html.find(">", start)
        return (end + 1, "") if end >= 0 else (len(html), "")
    tag = _TAG.match(html, start)
    if not tag:
        return start + 1, "&lt;"
    name = tag["name"].lower()
    if name in _HIDDEN_TEXT and not tag["close"]:
        if tag["attributes"].endswith("/") or name in without_end:
            return tag.end(), ""
        end_tag = re.compile(rf"</{re.escape(name)}\b[^>]*>", re.IGNORECASE).search(html, tag.end())
        if not end_tag:
            without_end.add(name)
        return (end_tag.end() if end_tag else tag.end()), " "
    if tag["close"]:
        return tag.end(), _close(name, open_tags)
    return tag.end(), _open(name, tag["attributes"], open_tags)


def _open(name: str, attributes: str, open_tags: list[str]) -> str:
    before = ""
    if name in _ENDED_BY:
        ends, beyond = _ENDED_BY[name]
        for depth, other in enumerate(reversed(open_tags[-30:]), start=1):
            if other in beyond:
                break
            if other in ends:
                before = "".join(f"</{closed}>" for closed in reversed(open_tags[-depth:]) if closed)
                del open_tags[-depth:]
                break
    if name in _VOID:
        return before + f"<{name}/>"
    if len(open_tags) >= DEEPEST:
        # deeper than any page needs: the text stays, each level becomes a line
        return before + "<br/>"
    if attributes.endswith("/") and name not in _ELEMENTS:
        return before
    open_tags.append(name)
    kept = "".join(f' {found[1].lower()}="{found[2].lower()}"' for found in _ATTRIBUTE.finditer(attributes[:4000]))
    return f"{before}<{name}{kept}>"


def _close(name: str, open_tags: list[str]) -> str:
    if name in ("p", "br"):
        if name in open_tags[-30:]:
            return _close_to(name, open_tags)
        return "<br/>"
    return _close_to(name, open_tags) if name in open_tags else ""


def _close_to(name: str, open_tags: list[str]) -> str:
    closed = []
    while open_tags:
        last = open_tags.pop()
        closed.append(f"</{last}>")
        if last == name:
            break
    return "".join(closed)


def _keep_placeholder(match: re.Match[str]) -> str:
    """`_ga_<container-id>`, written without escaping, is no element."""
    name = match[1].strip().lower()
    known = name.split(" ", 1)[0] in _ELEMENTS or name.split(" ", 1)[0] in _HIDDEN_TEXT
    return match[0] if known else f"&lt;{match[1]}&gt;"
