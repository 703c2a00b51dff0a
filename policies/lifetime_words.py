"""Read a lifetime from the words of a policy: en, nb, nn, da, sv, de, nl, fr, es, fi. No I/O, no clock.

A lifetime is a number and a unit ("180 dager", "two years", "13 Monate", "1 år og 1 måned"), a word for the session
("økt", "slettes når nettleseren lukkes"), or a word for no end ("persistent", "aldri"). The tables below are all
the language there is; a new language is new words in them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from policies.lifetime import DAY, HOUR, MINUTE, YEAR, months

Unit = str

UNITS: dict[Unit, str] = {
    "year": """year years yr yrs y år års årig årige aar jahr jahre jahren jahres jährig jährige jaar jaren an ans
        année années año años vuosi vuotta vuoden vuotinen vuodeksi""",
    "month": """month months mth mths mo mos mnd mnder måned måneder månedar måneders mån månad månader
        månaders månedlig mdr md monat monate monaten monats monatig maand maanden mois mes meses kuukausi kuukautta
        kuukauden kuukaudeksi kk""",
    "week": """week weeks wk wks uke uker ukers uge uger ugers veke veker vecka veckor veckors woche wochen weken
        semaine semaines semana semanas viikko viikkoa viikon viikoksi""",
    "day": """day days d dag dager dagers dagar dagars dage dages dagen døgn dygn døgns tag tage tagen jour jours
        día días dia dias päivä päivää päivän päiväksi vrk vuorokausi vuorokautta vuorokauden""",
    "hour": """hour hours hr hrs h t time timer timers timar timars timme timmar timmars tim stunde stunden std uur uren
        heure heures hora horas tunti tuntia tunnin tunniksi""",
    "minute": """minute minutes min mins minutt minutter minutters minuttar minut minuter minuters minutten
        minutten minuten minuut minuto minutos minuutti minuuttia minuutin""",
    "second": """second seconds sec secs s sek sekund sekunder sekunders sekundar sekunde sekunden seconde secondes
        seconden segundo segundos sekunti sekuntia sekunnin""",
}
SECONDS = {"week": 7 * DAY, "day": DAY, "hour": HOUR, "minute": MINUTE, "second": 1}
_ORDER = list(UNITS)

NUMBERS: dict[float, str] = {
    0.25: "¼ 1/4",
    0.5: "½ 1/2 half halvt halv halve halbes halbe demi demie medio media puoli",
    0.75: "¾ 3/4",
    1: """one a an single en ei ein et ett én éin eitt eine einen einem einer eins een één un une uno una yksi yhden""",
    1.5: "halvannen halvannet halvanden halvandet halvtanna anderthalb eineinhalb anderhalf puolitoista",
    2: "two to två zwei twee deux dos kaksi kahden",
    3: "three tre drei drie trois tres kolme kolmen",
    4: "four fire fyra vier quatre cuatro neljä neljän",
    5: "five fem fünf vijf cinq cinco viisi viiden",
    6: "six seks sex sechs zes six seis kuusi kuuden",
    7: "seven sju syv sieben zeven sept siete seitsemän",
    8: "eight åtte otte åtta acht huit ocho kahdeksan",
    9: "nine ni nio neun negen neuf nueve yhdeksän",
    10: "ten ti tio zehn tien dix diez kymmenen",
    11: "eleven elleve elva elf onze once",
    12: "twelve tolv tolf zwölf twaalf douze doce kaksitoista kahdentoista",
    13: "thirteen tretten tretton dreizehn dertien treize trece kolmetoista",
    14: "fourteen fjorten fjorton vierzehn veertien quatorze catorce neljätoista",
    15: "fifteen femten femton fünfzehn vijftien quinze quince",
    18: "eighteen atten arton achtzehn achttien dieciocho",
    20: "twenty tjue tyve tjugo zwanzig twintig vingt veinte",
    24: "twenty-four tjuefire tjugofyra vierundzwanzig vierentwintig vingt-quatre veinticuatro",
    25: "tjuefem tjugofem fünfundzwanzig vijfentwintig",
    26: "twenty-six",
    30: "thirty tretti tredive trettio dreißig dreissig dertig trente treinta kolmekymmentä",
    36: "thirty-six trettiseks trettiosex",
    45: "forty-five førtifem",
    48: "forty-eight førtiåtte",
    60: "sixty seksti tres sextio sechzig zestig soixante sesenta",
    72: "seventy-two syttito",
    90: "ninety nitti halvfems nittio neunzig negentig noventa",
    100: "hundred one-hundred hundre hundra hundrede hundert honderd cent cien sata",
}  # fmt: skip

SESSION = re.compile(
    r"""\b(?:session|sessions|sessionen|sessionens|sesjon|sesjonen|sesjons|økt|økta|økten|øktas|øktens|sitzung|sitzungs\w*
    |sitzungsende|sessie|sessie\w*|sesión|sesion|istunto|istunnon|istuntoev\w*|sesjons\w*|session\w*|øktinformasjonskaps\w*
    |øktbasert\w*|økts?cookie\w*|temporär\w*|midlertidig\w*|mellombels)\b
    |(?:clos|quit|exit|leav|end)\w*\s+(?:of\s+)?(?:the|your|their|his)?\s*(?:web\s*)?browser
    |browser\w*\s+(?:\w+\s+){0,3}(?:clos|shut|quit|exit|end|lukk|luk|stäng|schließ|schliess|geschlossen|beendet|afslut|sluit|gesloten|afgesloten)\w*
    |(?:lukke[rt]?|lukkar|lukk|lukkes|avslutte[rs]?|avsluttar|stenge[rs]?|stenger\s+ned|lukkes\s+ned)\s+(?:\w+\s+){0,2}nettles\w*
    |l[èe]t\s+att\s+(?:\w+\s+){0,2}nettles\w*
    |nettles\w*\s+(?:\w+\s+){0,4}(?:lukk|steng|avslutt|lukkast|lat\s+att)\w*
    |(?:lukker|lukkes|afslutter)\s+(?:\w+\s+){0,2}browser\w*
    |(?:stänger|stängs|avslutar)\s+(?:\w+\s+){0,2}webbläsar\w*
    |webbläsar\w*\s+(?:\w+\s+){0,3}(?:stäng|avslut)\w*
    |(?:schlie(?:ß|ss)\w*|beend\w*|ende)\s+(?:\w+\s+){0,2}(?:browser|sitzung)\w*
    |(?:sluit\w*|afsluit\w*)\s+(?:van\s+)?(?:\w+\s+){0,2}browser
    |ferme\w*\s+(?:\w+\s+){0,2}navigateur|fermeture\s+du\s+navigateur|navigateur\s+est\s+fermé
    |cerrar\w*\s+(?:\w+\s+){0,2}navegador|cierr\w*\s+(?:\w+\s+){0,2}navegador|navegador\s+se\s+cierr\w*
    |\b(?:while|as\s+long\s+as|så\s+lenge|så\s+længe|så\s+länge|solange|zolang)\s+(?:\w+\s+){0,2}(?:browser\w*|nettles\w*|webbläs\w*|navigat\w*)
        \s+(?:\w+\s+){0,2}(?:open|åpen|åpent|oppe|åben|öppen|öppet|geöffnet|geopend)
    |\b(?:end|slutt\w*|slut\w*|ende|duration|einde|fin|under|during|varighet\w*)\s+(?:of\s+|på\s+|av\s+|af\s+|von\s+|van\s+|de\s+)?
        (?:(?:the|your|this|each|ditt|dit|hele|des|ihres|uw|la|votre|su)\s+)*(?:visit|besøket|besøkets|besøk|besøget|besöket|besuch\w*|bezoek|visite|visita)\b
    |\bso?å?\s*(?:long|lenge|længe|länge)\s+(?:as\s+)?(?:the\s+|your\s+)?(?:visit|besøket|besøget|besöket)
    |selai\w*\s+(?:\w+\s+){0,2}(?:sulje|sulkem)\w*|(?:sulje|sulkem)\w*\s+(?:\w+\s+){0,2}selai\w*
    """,
    re.IGNORECASE | re.VERBOSE,
)
ENDLESS = re.compile(
    r"""\b(?:persistent|permanent\w*|persistant\w*|persistente|vedvarende|varig|varige|varaktig\w*|beständig\w*|dauerhaft
    |never(?:\s+expires?)?|forever|unlimited|indefinite\w*|no\s+expir\w*|aldri|aldrig|ubegrenset|ubegrænset|uavgrensa
    |obegränsa\w*|unbegrenzt|unbefristet|onbeperkt|illimitée?|ilimitad[oa]|pysyv\w*|rajoittamaton|local\s*storage
    |lokal\w*\s+lagr\w*|(?:(?:does|do|is|are|will)\s+not|doesn['’]t|don['’]t)\s+(?:expire\w*|deleted)
    |(?:utløper|utgår|udløber|slettes|raderas|fjernes|forfaller)\s+(?:ikke|ikkje|inte)|(?:läuft|laufen)\s+nicht\s+ab
    |(?:ingen|inga|no|keine?|geen|sans|sin)\s+(?:utløp\w*|udløb\w*|utgång\w*|ablauf\w*|vervaldatum|expiration|end\s+date|time\s+limit)
    |(?:until|til|inntil|till|tills|indtil|bis)\s+(?:(?:you|it|they|du|den|det|de|dei|sie|ni|is|are|blir|vert|bliver|manually|manuelt|selv)\s+){0,4}
        (?:delete[ds]?|clear(?:ed|s)?|remove[ds]?|slette[rst]?|slettar|fjerne[rst]?|radera[rs]?|raderas|tømme[rs]?|rensas?|rensar|lösch\w*|gelöscht))\b""",
    re.IGNORECASE | re.VERBOSE,
)
_ONCE = re.compile(
    r"\b(?:immediate\w*|straks|umiddelbart|omgående|sofort|onmiddellijk|inmediat\w*|immédiat\w*)\b", re.I
)

_UNIT_OF = {word: unit for unit, words in UNITS.items() for word in words.split()}
_NUMBER_OF = {word: number for number, words in reversed(NUMBERS.items()) for word in words.split()}
_DIGITS = r"\d{1,3}(?:[ \u00a0\u202f.,']\d{3})+(?!\d)|\d+(?:[.,]\d+)?"
_FORMS = {word: re.escape(word).replace("\\-", r"[\s-]") for word in sorted(_NUMBER_OF, key=len, reverse=True)}
_WORDS = "|".join(_FORMS.values())
_JOINED_WORDS = "|".join(form for word, form in _FORMS.items() if "-" in word or "/" in word)
_NUMBER = rf"(?:(?:{_WORDS})(?!\w)|{_DIGITS})"
_SPAN = re.compile(
    rf"(?<![\w.,/])(?:(?!{_JOINED_WORDS})(?P<low>{_NUMBER})\s*(?:-|–|—|/|to|til|till|bis|tot|à|a|or|eller|oder|of|ou|o|tai)\s*)?"
    rf"(?P<number>{_NUMBER})(?P<half>\s+(?:and|og|och|und|en|et)\s+(?:(?:an?|ett?|ein|eine?n?|een)\s+)?"
    r"(?:half|halvt?|halbe?s?|halve|demie?))?[\s\u2010\u2011-]*"
    rf"(?:\((?:s|er|r|n|{_NUMBER})\)\s*)?(?P<article>(?:a|an|et|ett|ein|een)\s+)?"
    rf"(?P<unit>{'|'.join(sorted(map(re.escape, _UNIT_OF), key=len, reverse=True))})(?![^\W\d_])",
    re.IGNORECASE,
)
_JOINED = re.compile(r"\s*,?\s*(?:and|og|och|und|et|y|ja|en|&|\+)?\s*", re.IGNORECASE)
_UP_TO = re.compile(r"\s*(?:-|–|—|to|til|till|bis|tot|à|a|up\s+to)\s*", re.IGNORECASE)
_COUNTED = "|".join(form for word, form in _FORMS.items() if _NUMBER_OF[word] >= 2)
_NUMBER_ENDS = re.compile(rf"(?<!\w)(?:{_COUNTED})(?:[\s-]|\s(?:and|og|och|und)\s)$", re.IGNORECASE)
_BARE = re.compile(rf"\s*({_DIGITS})\s*")


@dataclass(frozen=True, slots=True)
class SaidLifetime:
    """What a text says: seconds, a session, or (both empty) something that has no end or names none."""

    seconds: int | None
    session: bool
    text: str


def read_lifetime(text: str, unit: Unit | None = None) -> SaidLifetime | None:
    """The lifetime that a cell or sentence states; None where it states none.

    `unit` gives a bare number its meaning, where a table's heading names it ("Lifetime (days)").
    A number with a unit beats the word session: "session cookie, 30 minutes" is 30 minutes.
    """
    text = text.replace("\u00a0", " ").replace("\u202f", " ").strip()
    if found := _number_and_unit(text):
        return found
    if unit and (bare := _BARE.fullmatch(text)):
        return SaidLifetime(_seconds(_value(bare[1]), unit), False, text)
    if match := SESSION.search(text):
        return SaidLifetime(None, True, match[0])
    if match := ENDLESS.search(text):
        return SaidLifetime(None, False, match[0])
    if match := _ONCE.search(text):
        return SaidLifetime(0, False, match[0])
    return None


def unit_named(heading: str) -> Unit | None:
    """The unit that a table's heading names: "Levetid (dager)" -> "day"."""
    for word in re.findall(r"[^\W\d_]+", heading.casefold()):
        if len(word) > 2 and (unit := _UNIT_OF.get(word)) and word not in ("time",):
            return unit
    return None


def _number_and_unit(text: str) -> SaidLifetime | None:
    total = 0
    first = last = None
    size = -1
    for match in _SPAN.finditer(text):
        unit = _UNIT_OF[match["unit"].casefold()]
        if last is not None and first is not None:
            if _UP_TO.fullmatch(text, last.end(), match.start()):
                total = 0  # "30 seconds to 1 year": the longest that may be
                size = -1
            joined = _JOINED.fullmatch(text, last.end(), match.start())
            if total and (not joined or _ORDER.index(unit) <= size):
                break
        elif _means_something_else(text, match):
            continue
        total += _seconds(_value(match["number"]) + (0.5 if match["half"] else 0), unit)
        first, last, size = first or match, match, _ORDER.index(unit)
    if first is None or last is None:
        return None
    return SaidLifetime(total, False, text[first.start() : last.end()])


def _means_something_else(text: str, match: re.Match[str]) -> bool:
    """ "a second", "a time", "to dag": a number word before a short unit word is speech, not a lifetime.

    Neither is the end of a number that the table does not hold: "three hundred and five days".
    """
    number, unit = match["number"].casefold(), match["unit"].casefold()
    if not number[0].isdigit() and _NUMBER_ENDS.search(text, 0, match.start()):
        return True
    if number[0].isdigit():
        return len(unit) == 1 and unit != "h" and match.end() < len(text) and text[match.end()] == "."
    return len(unit) == 1 or (
        (number in ("a", "an", "en", "to", "the") and unit in ("second", "an", "dia", "min"))
        or (number in ("a", "the", "to") and unit == "time")
    )


def _value(number: str) -> float:
    word = re.sub(r"\s", "-", number.casefold()) if number[0].isalpha() else number
    if word in _NUMBER_OF:
        return _NUMBER_OF[word]
    if re.fullmatch(r"\d{1,3}(?:[ \u00a0\u202f.,']\d{3})+", number):
        return float(re.sub(r"\D", "", number))
    return float(number.replace(",", "."))


def _seconds(count: float, unit: Unit) -> int:
    count = min(count, 1e9)
    if unit == "year":
        return round(count * YEAR)
    if unit == "month":
        return months(count)
    return round(count * SECONDS[unit])
