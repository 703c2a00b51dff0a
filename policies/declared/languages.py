"""Which language a text is in, from its small words and letters. No I/O.

Words that several languages share weigh less than a language's own; Bokmål, Nynorsk and Danish are told apart by
words that only one of them writes.
"""

from __future__ import annotations

import re
from collections import Counter

_WORDS: dict[str, str] = {
    "en": """the and of to is are this that with for your you we our by from not be which when use used have has can
        will or on as it about if any may""",
    "nb": """og i er på som til av det en ikke med for vi du kan å har fra om dette den din ditt dine eller ved være
        blir når hvilke hvilken hvor noe noen bare også etter gjennom opplysninger nettstedet brukes deg vår våre oss
        hva hvordan mens personvern nettsiden informasjonskapsler informasjonskapselen kapselen behandler benytter
        husker nettleseren""",
    "nn": """og i er på som til av det ein ikkje med for vi du kan å har frå om dette den din ditt dine eller ved vere
        blir når kva kven kor noko nokon berre også etter gjennom opplysningar nettstaden blir brukt deg vår våre oss
        korleis eit dei vert medan me skal eigne gjer nettstad informasjonskapslar nettlesaren ho hjå dykk""",
    "da": """og i er på som til af det en ikke med for vi du kan at har fra om dette den din dit dine eller ved være
        bliver når hvilke hvilken hvor noget nogle kun også efter gennem oplysninger hjemmesiden bruges dig vores os
        hvad hvordan mens af blive hvis må får webstedet behandler anvender benytter udløber""",
    "sv": """och i är på som till av det en inte med för vi du kan att har från om detta den din ditt dina eller vid
        vara blir när vilka vilken hur något några bara också efter genom uppgifter webbplatsen används dig vår våra
        oss vad ett sätter jag om webbläsare de""",
    "de": """und der die das ist sind in zu den von mit für auf nicht ein eine einer eines wir sie ihre ihrer unsere
        werden wird durch oder bei nach auch als um dass diese dieser dieses zur zum über im dem des""",
    "nl": """en de het een van is zijn in op te dat die met voor niet wij we u uw deze dit worden wordt door of bij
        naar ook als om ons onze je jouw over kunnen kan aan er""",
    "fr": """et le la les des de un une est sont dans en du que qui pour sur pas nous vous votre vos notre nos par ou
        avec ce cette ces au aux ne se plus être afin lors""",
    "es": """y el la los las de un una es son en del que para por no se con su sus nuestro nuestra usted al lo como más
        este esta estos estas o sin sobre puede ser""",
    "fi": """ja on ei se että ovat tai voi kun joka myös sekä mutta jos niiden käytämme sivuston evästeet evästeitä
        tämä tämän voit kanssa kuin ole siitä käyttää sivustomme käytetään tietoja niitä""",
    "it": """e il la i gli le di un una è sono in del della che per con non si da al nel questo questa ai alla dei
        delle come più essere nostro""",
    "pl": """i w na z do nie się jest są przez o dla że oraz lub tych które ich nasze strony może""",
    "pt": """e o a os as de um uma é são em do da que para por não se com seu sua no na ao como mais este esta ou""",
    "is": """og í er að á sem til við um ekki með það þú við eru fyrir af þessi eða""",
}
_LETTERS = {"ø": ("nb", "nn", "da"), "æ": ("nb", "nn", "da"), "å": ("nb", "nn", "da", "sv"), "ß": ("de",),
            "ä": ("sv", "de", "fi"), "ö": ("sv", "de", "fi"), "ü": ("de",), "ñ": ("es",), "ç": ("fr",),
            "þ": ("is",), "ð": ("is",), "ł": ("pl",), "ã": ("pt",)}  # fmt: skip
_TELLING: dict[str, tuple[str, ...]] = {
    "nb": ("ikke", "hva", "hvordan", "fra", "opplysninger", "brukes", "noe", "gjennom", "etter", "av", "være", "bare",
           "lagres", "slettes", "informasjonskapsler", "informasjonskapsel", "nettleseren", "personvernerklæring",
           "formål", "levetid", "varighet", "utløper", "måneder", "økt", "nødvendige", "nødvendig", "leverandør"),
    "sv": ("namn", "leverantör", "syfte", "beskrivning", "giltighetstid", "månader", "uppgifter", "webbplatsen", "inte",
           "används", "från", "sparas", "kakor", "samtycke", "statistik", "personuppgifter", "utgång"),
    "nn": ("ikkje", "kva", "korleis", "frå", "opplysningar", "eit", "ein", "noko", "berre", "vere", "nettstaden",
           "informasjonskapslar", "dei", "vert", "me", "kor", "føremål", "månader", "sletta", "lagra", "naudsynte",
           "nokre", "kapslar", "dagar", "personvernerklæringa", "nettlesaren", "eigne", "vår", "nettlesar"),
    "da": ("ikke", "hvad", "hvordan", "fra", "oplysninger", "bruges", "noget", "gennem", "efter", "af", "være", "kun",
           "gemmes", "hjemmeside", "hjemmesiden", "vores", "webstedet", "udløber", "måneder", "nødvendige", "formål",
           "statistik", "privatlivspolitik", "cookiepolitik", "levetid", "udbyder", "dage", "slettes"),
}  # fmt: skip
_SAMPLE = 60_000


def language_of(text: str, hint: str = "") -> str:
    """The two-letter code of the language, `hint` (what the markup says) where the text is too short to tell, or ""."""
    # addresses say nothing: "com" is no Portuguese word there
    spoken = " ".join(word for word in text[:_SAMPLE].casefold().split() if "." not in word.strip(".,;:()"))
    words = Counter(re.findall(r"[^\W\d_]+", spoken))
    if not words:
        return hint if hint in _WORDS else ""
    scores: dict[str, float] = dict.fromkeys(_WORDS, 0.0)
    for language, small in _SMALL.items():
        for word in small:
            if count := words.get(word):
                scores[language] += count / _SHARED[word]
    for language, telling in _TELLING.items():
        own = set(telling) - {word for other, more in _TELLING.items() if other != language for word in more}
        scores[language] += sum(2.0 * words[word] for word in own if word in words)
    letters = Counter(char for char in text[:_SAMPLE].casefold() if char in _LETTERS)
    for char, languages in _LETTERS.items():
        for language in languages:
            scores[language] += (0.1 if char == "å" else 0.4) * letters[char]
    best = max(scores, key=lambda language: scores[language])
    if scores[best] < 2:
        return hint if hint in _WORDS else (best if scores[best] > 0 else "")
    if hint in scores and scores[hint] >= 0.97 * scores[best]:
        return hint
    return best


_SMALL = {language: frozenset(small.split()) for language, small in _WORDS.items()}
_SHARED = Counter(word for small in _SMALL.values() for word in small)
