"""Cookies from lists, labels, cards and sentences. Pure.

Two ways in. A *record* is a run of labelled values ("Name: _utmz. Lifetime: 180 days."), on one line or over several
blocks, opened by a name. Outside records a sentence declares the names that stand out in it, or that a word for
cookie introduces ("places the cookie datr, which ...").
"""

# ruff: noqa: E501  # a pattern is one alternative after another; broken over lines it reads worse

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from policies.catalogue import Catalogue
from policies.declared.model import DeclaredCookie
from policies.declared.recognise import Named, is_name, known, looks_strong, names_in_cell, strong_names
from policies.declared.sections import about_cookies
from policies.declared.site import Site
from policies.declared.text import Block, Document, sentences, trimmed
from policies.declared.vendors import mentions, vendor_of_heading, vendor_written
from policies.declared.words import COOKIE_WORD, Role, kind_named, listed, purpose_described, purpose_named, role_of
from policies.lifetime_words import SaidLifetime, read_lifetime, unit_named

Span = tuple[int, int]
_LABEL = re.compile(
    r"(?:^|(?<=\n)|(?<=[.;|,·•!?)]\s)|(?<=\s[–—-]\s))[ \t]*(?P<label>[^\W\d_][^\n:：.;,|=_*\[\]]{0,40}?)\s*(?:[:：=]\s*|\s[–—]\s(?=\S))"
)
_NO_LABELS = frozenset(
    {"cookie", "cookies", "key", "keys", "tag", "use", "used", "service", "site", "what", "about", "but", "source"}
)
_LIVES = re.compile(
    r"\b(?:expir\w*|delet\w*|remov\w*|last\w*|lifetime|duration|valid\w*|stored|store|kept|keep|retain\w*|remain\w*|until|persist\w*|after|for\s+up\s+to"
    r"|slett\w*|varer?|levetid\w*|varighe[td]\w*|gyldig\w*|lagre[rst]*|lagra\w*|utløp\w*|udløb\w*|til|inntil|etter|efter|gemmes|opbevares|tas\s+bort|raderas|sparas|giltig\w*|livslängd\w*|upphör\w*|försvinner|forsvinner"
    r"|gelöscht\w*|lösch\w*|gespeichert\w*|speicher\w*|gültig\w*|laufzeit\w*|läuft|bewaard|verwijderd|geldig|verloopt|expir\w+|supprim\w*|conserv\w*|durée|caduc\w*|elimin\w*|dura\w*|vanhen\w*|poist\w*|säily\w*|voimassa)\b",
    re.IGNORECASE,
)
_SESSION_COOKIE = re.compile(
    r"(?i)\b(?:session|sesjons?|økts?|sitzungs?|sessie|temporary|midlertidig\w*|temporär\w*)[\s-]*(?:cookie|informasjonskaps|kak|basert)|\b(?:cookie|informasjonskaps\w*)\s+de\s+ses"
    r"|^\W*(?:session|økt|sesjon|sitzung|sessie|sesión|istunto)\W*$|\(\s*(?:session|økt|sesjon|sitzung|sessie)\w*\s*\)"
    r"|(?:end|slutt\w*|ende|eind\w*|fin)\s+(?:of|på|av|der|van|de)\s+(?:the\s+|your\s+|la\s+|de\s+)?(?:browser\s+)?(?:session|økt|sesjon|sitzung|sessie|sesión)"
)
_INTRODUCED = re.compile(
    r"(?i:\b(?:cookien|cookieen|cookie-en|cookies?|informasjonskapsel(?:en|a)?|informasjonskapslene|kakan|kakorna|kaka|key|keys|nøkkel(?:en)?|nøkler|nyckeln|schlüssel|eväste|sleutel)"
    r"(?:\s+(?:called|named|named\s+as|med\s+navn(?:et)?|kalt|kalla|som\s+heter|med\s+namnet|ved\s+navn|namens|mit\s+dem\s+namen|genannt|genaamd|appelé\w*|llamad\w*|nimeltä|with\s+the\s+name|named:|under))?"
    r")(?:\s*[:\"'«“„‘`]+\s*|\s+)(?P<name>[A-Za-z0-9_][\w.*@|\[\]-]{1,60})[\"'»”’`]*(?P<after>\s*(?:,|\.(?=\s|$)|\(|\b(?:which|that|som|der|from|fra|från|von|is|are|er|är|ist|wird|blir|slettes|expires|lagres|stores|used|and|og|och|und|has|har|for|til|för)\b|$))"
)
_NOT_NAMES = listed("""policy banner consent settings setting file files law laws notice is are will are used use that which from for and is the a an to in on with by som
    er brukes fra til og på av den det de is ist wird werden sind die der das und är används från och av is zijn worden van voor en contains contain may can
    will must help helps allow allows let lets also data information statement declaration name names have has do does not or list table types type category
    categories we you they these this those our your such technology technologies based only kan ikke blir når hvis dersom etter gjør lagrer lagres inneholder
    inte kan som när om för att it its into where when who how what used set sets setter bruker benytter gjelder consentement de du est sont pour que qui
    consent-banner identifiers id ids identifier walls wall preferences preference choices choice management manager control controls notices itself""")
_NEGATED = re.compile(
    r"(?i)\b(?:do(?:es)?\s+not|don['’]t|no\s+longer|never|ikke|ikkje|inte|nicht|kein\w*|niet|geen)\s+(?:\w+\s+){0,2}(?:set|use|place|store|sett\w*|bruk\w*|benytt\w*|lagr\w*|använd\w*|sätt\w*|verwend\w*|setz\w*|gebruik\w*)"
)


_JOINING = listed("of the på av for og and und et de du del la le der des van het i til in /")


@dataclass(slots=True)
class _Record:
    """Labelled values that belong to one or several names. `sure`: a label or lifetime has confirmed it."""

    names: list[Named]
    block: Block
    start: int
    end: int
    sure: bool
    values: dict[Role, list[tuple[Span, str]]] = field(default_factory=dict)
    free: list[Span] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Line:
    start: int
    end: int
    block: Block
    first: bool


def cookies_in_prose(document: Document, catalogue: Catalogue, site: Site) -> list[DeclaredCookie]:
    """Every cookie declared outside tables, in the order of the text."""
    records, taken = _records(document, catalogue)
    found = [cookie for record in records for cookie in _of_record(document, record, catalogue, site)]
    for block in document.blocks:
        if not any(start <= block.start < end for start, end in _near(taken, block.start)):
            found.extend(_of_sentences(document, block, catalogue, site))
    found.sort(key=lambda cookie: cookie.position)
    return found


def _near(taken: dict[int, Span], position: int) -> list[Span]:
    span = taken.get(position)
    return [span] if span else []


def _lines(document: Document) -> Iterator[_Line]:
    for block in document.blocks:
        position = block.start
        first = True
        for piece in document.of(block).split("\n"):
            if span := trimmed(document.text, position, position + len(piece)):
                yield _Line(*span, block, first)
                first = False
            position += len(piece) + 1


def _records(document: Document, catalogue: Catalogue) -> tuple[list[_Record], dict[int, Span]]:
    """Every confirmed record, and which blocks they took (by where a block starts)."""
    records: list[_Record] = []
    open_record: _Record | None = None
    waiting: Role | None = None
    used: list[tuple[_Record, Block]] = []
    for line in _lines(document):
        text = document.text[line.start : line.end]
        about = about_cookies(line.block.path, catalogue, *(() if line.block.path else (document.title,)))
        if waiting and role_of(text) is None:
            # the label stood alone on the line before
            if waiting == "name":
                names = names_in_cell(document.text, line.start, line.end, catalogue)
                open_record = _Record(names, line.block, line.start, line.end, False) if names else None
                if open_record:
                    records.append(open_record)
            elif open_record:
                open_record.values.setdefault(waiting, []).append(((line.start, line.end), ""))
                open_record.sure = True
                open_record.end = line.end
            waiting = None
            if open_record:
                used.append((open_record, line.block))
            continue
        waiting = None
        if (alone := _label_alone(text)) and (alone == "name" or open_record):
            waiting = alone
            if alone == "name":
                open_record = None
            if open_record:
                used.append((open_record, line.block))
            continue
        labels = _labels(document.text, line) or _spoken_label(
            document, line, catalogue, inside=open_record is not None
        )
        title = (
            _title(document, line, catalogue, about=about) if not any(role == "name" for role, *_ in labels) else None
        )
        if title and (line.first or line.block.kind != "heading"):
            open_record = _Record(title[0], line.block, line.start, line.end, False)
            records.append(open_record)
            used.append((open_record, line.block))
            if title[1]:
                open_record.free.append(title[1])
            labels = [label for label in labels if label[1][0] >= title[0][-1].end]
        elif line.block.kind == "heading":
            open_record = None
            continue
        for role, value, heading in labels:
            if role == "name":
                names = names_in_cell(document.text, *value, catalogue)
                open_record = _Record(names, line.block, line.start, value[1], True) if names else None
                if open_record:
                    open_record.start = max(line.start, _label_start(document.text, line.start, value[0]))
                    records.append(open_record)
                    used.append((open_record, line.block))
            elif open_record:
                open_record.values.setdefault(role, []).append((value, heading))
                open_record.end = max(open_record.end, value[1])
                open_record.sure = True
                used.append((open_record, line.block))
        if not labels and not title and open_record and len(text) < 1500:
            same = line.block is open_record.block or line.block.kind == "definition"
            follows = (
                open_record.block.kind == "heading"
                and not open_record.values
                and not next(strong_names(document.text, line.start, line.end, catalogue), None)
            )
            if same or follows:
                open_record.free.append((line.start, line.end))
                open_record.end = line.end
                used.append((open_record, line.block))
            else:
                open_record = None
    kept = [record for record in records if record.names and _confirmed(document, record, catalogue)]
    sure = {id(record) for record in kept}
    taken = {block.start: (block.start, block.end) for record, block in used if id(record) in sure}
    return kept, taken


def _label_start(text: str, start: int, value: int) -> int:
    return max(
        (
            match.start("label")
            for match in _LABEL.finditer(text, max(start, value - 60), value)
            if match.end() <= value
        ),
        default=start,
    )


def _label_alone(text: str) -> Role | None:
    """A line that is nothing but a label: "Navn" or "Lifetime:"."""
    bare = text.rstrip(" :：")
    if (
        ":" in bare
        or ("-" in bare and not text.endswith(":"))
        or not all(word in _JOINING or role_of(word) for word in bare.casefold().split())
    ):
        return None
    if len(bare) > 30 or len(bare.split()) > 3 or (bare.casefold() in _NO_LABELS and not text.endswith(":")):
        return None
    role = role_of(bare)
    return role if role not in (None, "other") else None


def _labels(text: str, line: _Line) -> list[tuple[Role, Span, str]]:
    """(role, where the value stands, the label) of every labelled value in a line."""
    matches = []
    for match in _LABEL.finditer(text, line.start, line.end):
        label = match["label"].strip()
        if len(label.split()) > 5:
            continue
        role = role_of(label)
        if role in (None, "other"):
            continue
        if "–" in match[0][match.end("label") - match.start() :] and match.start("label") != line.start:
            continue
        matches.append((role, match, label))
    found: list[tuple[Role, Span, str]] = []
    for number, (role, match, label) in enumerate(matches):
        end = matches[number + 1][1].start("label") if number + 1 < len(matches) else line.end
        if span := trimmed(text, match.end(), end):
            start, stop = span
            while stop > start and text[stop - 1] in " |;,·•–—-":
                stop -= 1
            found.append((role, (start, stop), label))
    if found and not any(role == "name" for role, *_ in found):
        first = line.start + len(text[line.start : line.end].split(":", 1)[0])
        if len(found) == 1 and found[0][1][0] < first:
            return []
    return found


def _spoken_label(
    document: Document, line: _Line, catalogue: Catalogue, *, inside: bool
) -> list[tuple[Role, Span, str]]:
    """A card's "Udløb 1 år": a label and its value side by side, told apart by layout alone."""
    text = document.text[line.start : line.end]
    if len(text) > 200 or text.endswith((".", "?", "!", ":")):
        return []
    for count in (2, 1):
        words = text.split(" ", count)
        if len(words) <= count:
            continue
        label = " ".join(words[:count])
        role = role_of(label)
        if role in (None, "other") or label.casefold() in _NO_LABELS or line.block.kind == "heading":
            continue
        if not all(word.casefold() in _JOINING or role_of(word) for word in words[:count]):
            continue
        value = (line.end - len(words[count]), line.end)
        if role == "name":
            if " " in words[count] or not is_name(words[count], catalogue):
                continue
        elif not inside:
            continue
        return [(role, value, label)]
    return []


def _title(
    document: Document, line: _Line, catalogue: Catalogue, *, about: bool
) -> tuple[list[Named], Span | None] | None:
    """Names that open a line and that the rest of it is about: "_ga", "_ga (2 years): counts", "sid - your login"."""
    text = document.text
    head = re.match(
        r"[\"'«“`]?(?P<name>[^\s:,()\"'»”`]+(?:\s*(?:,|/|\band\b|\bog\b|\boch\b|\bund\b)\s*_[^\s:,()]+)*)[\"'»”`]?",
        text[line.start : line.end],
    )
    if not head:
        return None
    start, end = line.start + head.start("name"), line.start + head.end("name")
    bare = text[start:end].rstrip(".,;:")
    rest = text[line.start + head.end() : line.end]
    marked = any(a <= start < b and b - a < 130 for a, b in line.block.marked)
    whole = not rest.strip(" :.") or bool(re.match(r"\s*(?:[:(–—]|-\s|,)", rest))
    if not whole and not (marked and line.block.kind == "item"):
        return None
    pieces = [piece for piece in re.split(r"\s*(?:,|/|\band\b|\bog\b|\boch\b|\bund\b)\s*", bare) if piece]
    names = []
    at = start
    for piece in pieces:
        at = text.find(piece, at, line.end)
        strong = looks_strong(piece) or (len(piece) > 2 and known(piece, catalogue) and (about or marked))
        if not strong and not (
            about and marked and is_name(piece, catalogue) and (line.block.kind != "heading" or len(pieces) == 1)
        ):
            return None
        names.append(Named(piece, at, at + len(piece), strong))
        at += len(piece)
    if not names:
        return None
    span = trimmed(text, line.start + head.end(), line.end)
    if span and text[span[0]] in ":–—-,":
        span = trimmed(text, span[0] + 1, span[1])
    return names, span


def _confirmed(document: Document, record: _Record, catalogue: Catalogue) -> bool:
    """Has a label, a lifetime, or the name itself shown that this is about cookies?"""
    text = document.text
    if any(known(named.name, catalogue) for named in record.names):
        return True
    near = about_cookies(record.block.path, catalogue, text[record.start : record.end])
    somewhere = bool(COOKIE_WORD.search(" ".join((document.title, *record.block.path))))
    strong = all(named.strong for named in record.names)
    if record.sure:
        return near or strong or (somewhere and "lifetime" in record.values)
    life = any(_life_in(text[start:end]) for start, end in record.free)
    return (near and (life or strong)) or (somewhere and strong and life)


def _life_in(sentence: str) -> SaidLifetime | None:
    """A lifetime in running text: a number with a unit, or words that can only mean the end of a session."""
    said = read_lifetime(sentence)
    if said is None:
        return None
    if said.seconds is not None and (said.seconds > 0 or said.text[:1].isdigit()):
        return said
    if said.session:
        browser = re.search(r"(?i)browser|nettles|webbläs|navigat|navegad|selai", said.text)
        if browser or _SESSION_COOKIE.search(sentence) or (_LIVES.search(sentence) and re.search(
            r"(?i)(?:until|til|end|slutt|varer|expires?|utløper|lasts?|during|under|bis|ende|stored\s+(?:in|for)|kept\s+for|(?:lagre[st]?|lagra|gemmes|sparas|gjelder|gäller|gælder)\s+(?:i|for|under|til|till))\b[^.]{0,30}" + re.escape(said.text), sentence
        )):  # fmt: skip
            return said
        return None
    return (
        said
        if said.seconds is None and _LIVES.search(sentence) and not re.search(r"(?i)storage|lagring", said.text)
        else None
    )


def _own_words(value: str) -> str:
    """A labelled lifetime in the text's own words, without what is bracketed behind it."""
    first = re.split(r"(?<=[^\d\s])\.(?=\s|$)|(?<=\d)\.(?=\s+[A-ZÆØÅÄÖ]|$)|\n", value, maxsplit=1)[0]
    return re.sub(r"\s*\([^()]*(?:\([^()]*\))?[^()]*\)\s*$", "", first).strip(" .,;") or value.strip(" .")


def _of_record(document: Document, record: _Record, catalogue: Catalogue, site: Site) -> list[DeclaredCookie]:
    text = document.text
    values = {role: [(text[a:b], label) for (a, b), label in found] for role, found in record.values.items()}
    free = [text[a:b] for a, b in record.free]
    said: SaidLifetime | None = None
    for value, label in values.get("lifetime", []):
        words = _own_words(value)
        read = read_lifetime(words, unit_named(label)) or read_lifetime(value, unit_named(label))
        said = SaidLifetime(read.seconds, read.session, words) if read else SaidLifetime(None, False, words)
        break
    if said is None:
        said = next(
            (
                life
                for piece in [*free, *(v for role in ("purpose", "category") for v, _ in values.get(role, []))]
                if (life := _life_in(piece))
            ),
            None,
        )
    vendor = next(
        (
            found
            for value, _ in values.get("vendor", [])
            if (found := vendor_written(_first_sentence(value), catalogue, site))
        ),
        None,
    )
    whole = text[record.start : record.end]
    if vendor is None and "vendor" not in values:
        vendor = _vendor_around(whole, record.block, catalogue, site)
    category = [purpose_named(value) for value, _ in values.get("category", [])]
    category += [purpose_named(_first_sentence(value)) for value, _ in values.get("purpose", [])]
    purpose = next((found for found in category if found), None)
    if purpose is None:
        purpose = next((found for heading in reversed(record.block.path) if (found := purpose_named(heading))), None)
    if purpose is None:
        purpose = purpose_described(
            " ".join(
                [*(value for value, _ in values.get("purpose", [])), *free, *(v for v, _ in values.get("lifetime", []))]
            )
        )
    kind = kind_named(
        " ".join([*(value for value, _ in values.get("category", [])), *(v for v, _ in values.get("lifetime", []))])
    ) or ("storage" if kind_named(" ".join(free)) == "storage" else None)
    if kind is None and record.block.path:
        kind = kind_named(record.block.path[-1])
    span = trimmed(text, record.start, record.end) or (record.start, record.end)
    lives = _shared_out(said, len(record.names))
    return [
        DeclaredCookie(
            name=named.name, lifetime=life.seconds if life else None, session=bool(life and life.session),
            lifetime_text=life.text if life else None, vendor=vendor, purpose=purpose, kind=kind or "cookie",
            quote=text[span[0] : span[1]], position=span[0],
        )
        for named, life in zip(record.names, lives, strict=True)
    ]  # fmt: skip


def _shared_out(said: SaidLifetime | None, count: int) -> list[SaidLifetime | None]:
    """ "2 years / 24 hours" for two names is one each; anything else is for all of them."""
    parts = re.split(r"\s*[/;,&]\s*|\s+(?:and|og|och|und|en|et|y|ja)\s+", said.text) if said and count > 1 else []
    each = [read_lifetime(part) for part in parts]
    if len(parts) == count and all(each):
        return [SaidLifetime(one.seconds, one.session, part) for one, part in zip(each, parts, strict=True) if one]
    return [said] * count


def _first_sentence(value: str) -> str:
    return re.split(r"(?<=[^\d])\.(?:\s|$)|\n", value, maxsplit=1)[0]


_FROM = re.compile(r"(?i)\b(?:from|by|fra|frå|från|av|af|von|durch|van|door)\s+$")


def _vendor_around(text: str, block: Block, catalogue: Catalogue, site: Site) -> str | None:
    """The vendor that a sentence names ("from Google" first), else the nearest heading that names one."""
    named = [mention for mention in mentions(text, 0, len(text), catalogue) if not site.owns(mention.name)]
    for mention in named:
        if _FROM.search(text[: mention.start]):
            return mention.name
    for heading in reversed(block.path):
        if found := vendor_of_heading(heading, catalogue, site):
            return found
    return named[0].name if named else None


def _of_sentences(document: Document, block: Block, catalogue: Catalogue, site: Site) -> list[DeclaredCookie]:
    """Names in running text, each with what its sentence, or the next ones of its paragraph, say of it."""
    if block.kind == "heading":
        return []
    text = document.text
    found: list[DeclaredCookie] = []
    last: list[int] = []
    around = " ".join((*block.path[-2:], document.of(block)))
    about = bool(COOKIE_WORD.search(around))
    for start, end in sentences(text, block.start, block.end):
        sentence = text[start:end]
        names = _names_said(document, block, start, end, catalogue, about=about)
        if not names:
            for index in last:
                found[index] = _continued(found[index], sentence)
            continue
        if _NEGATED.search(sentence):
            continue
        lives = _lives_between(text, names, start, end)
        purpose = purpose_described(sentence) or next(
            (p for heading in reversed(block.path) if (p := purpose_named(heading))), None
        )
        vendor = _vendor_around(sentence, block, catalogue, site)
        last = []
        for named, life in zip(names, lives, strict=True):
            last.append(len(found))
            found.append(
                DeclaredCookie(
                    name=named.name, lifetime=life.seconds if life else None, session=bool(life and life.session),
                    lifetime_text=life.text if life else None, vendor=vendor, purpose=purpose,
                    kind=kind_named(sentence) or "cookie", quote=sentence, position=start,
                )
            )  # fmt: skip
    return found


def _continued(cookie: DeclaredCookie, sentence: str) -> DeclaredCookie:
    """What the next sentence of a paragraph adds: "It is deleted after 180 days", "It is needed to log in"."""
    facts: dict[str, object] = {}
    if not cookie.lifetime_text and (life := _life_in(sentence)):
        facts = {"lifetime": life.seconds, "session": life.session, "lifetime_text": life.text}
    if cookie.purpose is None and (purpose := purpose_described(sentence)):
        facts["purpose"] = purpose
    return cookie.model_copy(update=facts) if facts else cookie


def _names_said(
    document: Document, block: Block, start: int, end: int, catalogue: Catalogue, *, about: bool
) -> list[Named]:
    text = document.text
    found: dict[str, Named] = {}
    for named in strong_names(text, start, end, catalogue):
        if about or known(named.name, catalogue):
            found.setdefault(named.name, named)
    for match in _INTRODUCED.finditer(text, start, end):
        name = match["name"].rstrip(".,")
        if name.casefold() in _NOT_NAMES or name in found or not is_name(name, catalogue) or name[:1].isdigit():
            continue
        at = match.start("name")
        marked = any(a <= at < b for a, b in block.marked) or text[at - 1] in "\"'«“„‘`"
        if marked or known(name, catalogue) or match["after"].strip()[:1] in (",", "("):
            found[name] = Named(name, at, at + len(name), False)
    return sorted(found.values(), key=lambda named: named.start)


def _lives_between(text: str, names: list[Named], start: int, end: int) -> list[SaidLifetime | None]:
    """Each name's lifetime: what follows it up to the next name; names joined without one share the next one's."""
    lives: list[SaidLifetime | None] = []
    for number, named in enumerate(names):
        stop = names[number + 1].start if number + 1 < len(names) else end
        lives.append(_life_in(text[named.end : stop]))
    for number in range(len(lives) - 2, -1, -1):
        between = text[names[number].end : names[number + 1].start]
        if lives[number] is None and len(between) < 30:
            lives[number] = lives[number + 1]
    if not any(lives) and names:
        before = _life_in(text[start : names[0].start])
        lives = [before] * len(names)
    return lives
