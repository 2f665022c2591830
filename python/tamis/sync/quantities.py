"""Numbers, amounts and dates as they are read out of a sentence, whichever way they are written.

Every reader takes what it understands out of the text and leaves a ``#`` in its place, so that
the next one does not read it again and what is said about a number ("at least #") can be seen.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from fractions import Fraction
from typing import Final, Literal

#: What a fact is noted with: its kind, its normal form, and whether it only explains another.
Note = Callable[[Literal["number", "date", "amount"], str, bool], None]

_NUMBER: Final = r"(?:\d{1,3}(?:[,\u2009\u202f]\d{3}){1,9}(?:\.\d{1,40})?|\d{1,40}(?:\.\d{1,40})?)"

_UNITS_BY_KIND: Final = {
    "second": "1 s sec second, 60 min minute, 3600 h hr hour, 86400 day, 604800 week, "
    "1209600 fortnight, 1/1000 ms msec millisecond, 1/1000000 µs microsecond, "
    "1/1000000000 ns nanosecond",
    "month": "1 month, 12 year yr, 120 decade",
    "working day": "1 working~day business~day",
    "metre": "1 m metre meter, 1/1000 mm millimetre millimeter, 1/100 cm centimetre centimeter, "
    "1000 km kilometre kilometer, 254/10000 inch, 3048/10000 foot feet ft, 9144/10000 yard, "
    "1609344/1000 mile",
    "gram": "1 g gram gramme, 1/1000 mg milligram, 1/1000000 mcg µg ug microgram, "
    "1000 kg kilo kilogram, 1000000 tonne t, 45359237/100000 lb lbs pound, "
    "28349523125/1000000000 oz ounce",
    "litre": "1 l litre liter, 1/1000 ml millilitre milliliter, 1/100 cl centilitre, 1/10 dl, "
    "1/1000000 µl microlitre microliter, 3785411784/1000000000 gallon",
    "byte": "1 byte, 1000 kb kilobyte, 1000000 mb megabyte, 1000000000 gb gigabyte, "
    "1000000000000 tb terabyte, 1024 kib, 1048576 mib, 1073741824 gib, 1/8 bit",
    "degree Celsius": "1 °c celsius degree~celsius degrees~celsius degree~c degrees~c",
    "degree Fahrenheit": "1 °f fahrenheit degree~fahrenheit degrees~fahrenheit degree~f",
    "degree": "1 ° degree",
    "kelvin": "1 kelvin",
    "share": "1/100 % percent per~cent pct, 1/10000 basis~point",
    "percentage point": "1 percentage~point",
    "hertz": "1 hz hertz, 1000 khz kilohertz, 1000000 mhz megahertz, 1000000000 ghz gigahertz",
    "watt": "1 w watt, 1000 kw kilowatt, 1000000 megawatt",
    "watt hour": "1 wh, 1000 kwh kilowatt~hour",
    "volt": "1 v volt, 1/1000 mv millivolt, 1000 kv kilovolt",
    "ampere": "1 amp ampere, 1/1000 ma milliampere",
    "pascal": "1 pa pascal, 1000 kpa kilopascal, 100000 bar, 100 hpa mbar millibar",
    "psi": "1 psi",
    "turn a minute": "1 rpm revolutions~per~minute",
    "km/h": "1 km/h kph kmh",
    "mile an hour": "1 mph",
    "square metre": "1 m² sqm square~metre square~meter, 10000 hectare ha",
    "square foot": "1 sq~ft square~foot square~feet",
    "acre": "1 acre",
    "cubic metre": "1 m³ cubic~metre cubic~meter",
    "calorie": "1 cal calorie, 1000 kcal",
    "joule": "1 joule, 1000 kj kilojoule",
    "pixel": "1 px pixel",
    "USD": "1 usd dollar us~dollar, 1/100 cent",
    "EUR": "1 eur euro",
    "GBP": "1 gbp pound~sterling pounds~sterling",
    "CHF": "1 chf swiss~franc franc",
    "JPY": "1 jpy yen",
    "CAD": "1 cad",
    "AUD": "1 aud",
    "INR": "1 inr rupee",
    "CNY": "1 cny rmb yuan",
    "SEK": "1 sek",
    "NOK": "1 nok",
    "DKK": "1 dkk",
}
_CURRENCIES: Final = {"$": "usd", "us$": "usd", "€": "eur", "£": "gbp", "¥": "jpy", "₹": "inr"}


def _units() -> dict[str, tuple[str, Fraction]]:
    found = {}
    for kind, scales in _UNITS_BY_KIND.items():
        for scale in scales.split(", "):
            factor, *names = scale.split()
            for name in names:
                found[name.replace("~", " ")] = (kind, Fraction(factor))
    return found


_UNITS: Final = _units()
_UNIT: Final = (
    "(?:"
    + "|".join(
        re.escape(name).replace(r"\ ", r"[\s-]") for name in sorted(_UNITS, key=len, reverse=True)
    )
    + r")(?:(?<=\w{3})(?:e?s)?'?|(?<!\w{3}))(?!\w)"
)
#: Words that are units, and no names though they are written with capitals.
UNITS: Final = frozenset(_UNITS)
_CURRENCY: Final = r"(?:us\$|[$€£¥₹]|(?:usd|eur|gbp|chf|jpy|cad|aud|inr|cny|sek|nok|dkk)\b)"

_DIGIT_NAMES: Final = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen"
)
_TEN_NAMES: Final = "twenty thirty forty fifty sixty seventy eighty ninety"
_ORDINAL_NAMES: Final = (
    "third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth "
    "fifteenth sixteenth seventeenth eighteenth nineteenth twentieth"
)
_DIGITS: Final = {name: value for value, name in enumerate(_DIGIT_NAMES.split())}
_TENS: Final = {name: 10 * value for value, name in enumerate(_TEN_NAMES.split(), start=2)}
_ORDINALS: Final = {name: value for value, name in enumerate(_ORDINAL_NAMES.split(), start=3)}
_POWERS: Final = {
    "hundred": 100,
    "thousand": 1000,
    "million": 10**6,
    "dozen": 12,
    "billion": 10**9,
    "bn": 10**9,
    "trillion": 10**12,
}
_BELOW_TEN = "|".join(list(_DIGITS)[1:10])
_SINGLE: Final = "|".join(sorted({**_DIGITS, **_ORDINALS}, key=len, reverse=True))
_SMALL: Final = (
    rf"(?:(?:{'|'.join(_TENS)})(?:[\s-](?:{_BELOW_TEN}|first|second|third|fourth|fifth|sixth"
    rf"|seventh|eighth|ninth))?|{_SINGLE})"
)
_POWER: Final = rf"(?:{'|'.join(_POWERS)})s?"
_WORDED: Final = re.compile(
    rf"\b(?:{_SMALL}|an?(?=\s+{_POWER}))(?:[\s-]+{_POWER}\b(?:\s+(?:and\s+)?{_SMALL})?)*\b"
)
_HALVES: Final = re.compile(rf"({_NUMBER})\s+and\s+a\s+half\b|\bhalf\s+an?\s+(?={_UNIT})")
_SHARES: Final = re.compile(
    r"\b(?:(?P<n>\d+|an?|one)[\s-](?P<d>thirds?|quarters?|fifths?|tenths?)(?=\s+of\b|\s+majority)"
    r"|(?:one[\s-]|a\s+)?(?P<half>half)(?=\s+(?:of|the|its|their|his|her|your|our|all)\b))"
)
_DIVISORS: Final = {"third": 3, "quarter": 4, "fifth": 5, "tenth": 10}

_MORE: Final = (
    "(?:more|extra|additional|further|full|whole|calendar|consecutive|successive|operating)"
)
_MEASURED: Final = re.compile(
    rf"(?P<before>{_CURRENCY})?\s?(?<![\w.])(?P<number>{_NUMBER})(?P<ordinal>st|nd|rd|th)?"
    rf"(?:\s?(?P<power>k(?!\w)|{_POWER}\b))?(?:[\s-]?(?:{_MORE} )?(?P<unit>{_UNIT}))?(?![\d])"
)
_RANGE: Final = re.compile(
    rf"\s*(?:-|to|and|or)\s*{_NUMBER}(?:\s?{_POWER}\b)?[\s-]?(?P<unit>{_UNIT})"
)
_ONE_UNIT: Final = re.compile(rf"\b(?:one|an?|another|single)[\s-](?P<unit>{_UNIT})")
_OR_MORE: Final = re.compile(rf"\b(\d+) ((?:or|and) (?:more|fewer|less)) ({_UNIT})")
_ONE_TO: Final = re.compile(r"\bone(?= (?:to|and|or) \d)")
_WORDS: Final = (
    (re.compile(r"\b((?:the|its|their|his|her|our|your|a)\s)second(?=\s[a-z])"), r"\g<1>2nd"),
    (re.compile(r"\bfortnightly\b"), "per 2 weeks"),
    (re.compile(rf"\ban? ({_UNIT}) and a half\b"), r"1.5 \1"),
    (re.compile(r"\btwice\b"), "2 times"),
    (re.compile(r"\bthrice\b"), "3 times"),
    (re.compile(r"\bq([1-4])\b"), r"quarter \1"),
)

_MONTH_NAMES: Final = (
    "january february march april may june july august september october november december"
)
_MONTHS: Final = _MONTH_NAMES.split()
#: The words, in lower case, of which a text with a month has one.
MONTHS: Final = {"sept", *_MONTHS, *(name[:3] for name in _MONTHS)} - {"may"}
_MONTH: Final = (
    r"(?P<month>(?:Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)\b\.?|"
    + "|".join(name.capitalize() for name in _MONTHS)
    + "|"
    + "|".join(name.upper() for name in _MONTHS if name not in {"may", "march"})
    + r")\b"
)
_DAY: Final = r"(?P<day>[0-3]?\d)(?:st|nd|rd|th)?\b"
_YEAR: Final = r"(?P<year>(?:1[6-9]|20)\d\d)\b"
_ISO: Final = re.compile(r"\b(?P<year>\d{4})-(?P<month>[01]\d)-(?P<day>[0-3]\d)(?!\d)")
_SLASHED: Final = re.compile(r"\b(?P<a>[0-3]?\d)([/.])(?P<b>[0-3]?\d)\2(?P<year>\d{4})\b")
_DAY_MONTH: Final = re.compile(
    rf"\b(?:[Tt]he\s+)?{_DAY}(?:\s+day)?\s+(?:of\s+)?{_MONTH}(?:,?\s+(?:of\s+)?{_YEAR})?"
)
_MONTH_DAY: Final = re.compile(
    rf"\b{_MONTH}\s+(?:the\s+)?(?:{_DAY}(?!\s*[:%])(?:,?\s+{_YEAR})?|(?P<alone>(?:1[6-9]|20)\d\d)\b)"
)
_MONTH_ALONE: Final = re.compile(
    rf"(?<![.!?]\s)(?<!^)\b(?!May\b|March\b){_MONTH}"
    r"|\b(?:[Ii]n|[Oo]f|[Bb]y|[Ss]ince|[Uu]ntil|[Ff]rom|[Aa]fter|[Bb]efore|[Dd]uring|[Ee]arly|[Ll]ate"
    r"|through|every|each|next|last|to|and|mid)[\s-](?P<later>May|March)\b"
)
_YEAR_ALONE: Final = re.compile(rf"(?<![\w.,$€£/-]){_YEAR}(?![\w,]?\d|[\s-]?{_UNIT}|[-/]\d)")
_CLOCK: Final = re.compile(
    r"\b(?P<h>[0-2]?\d)(?::(?P<m>[0-5]\d)(?::[0-5]\d)?)?\s?(?P<half>[ap]\.?m\b\.?|o ?clock)"
    r"|\b(?P<hour>[0-2]?\d):(?P<minute>[0-5]\d)(?::[0-5]\d)?\b"
    r"|\b(?P<name>noon|midday|midnight)\b"
)
_HOURS: Final = re.compile(r"\b([01]?\d)(?= ?(?:-|to|and|until) ?[01]?\d ?([ap]\.?m\b))")
_ROMAN: Final = re.compile(
    r"\b((?:[Cc]hapter|[Aa]rticle|[Ss]ection|[Pp]art|[Aa]nnex|[Aa]ppendix|[Ss]chedule|[Tt]itle"
    r"|[Vv]olume|[Pp]hase|[Cc]lass|[Tt]ype|[Bb]ook|[Ee]xhibit|[Tt]able|[Tt]ier|[Ll]evel)s?\s)"
    r"(?=[IVXLC])(C{0,3}(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3}))\b"
)
_ROMAN_ALONE: Final = re.compile(r" [IVXLC]+\b")
_ROMAN_DIGITS: Final = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100}


def dates(text: str, note: Note) -> str:
    """Read the dates, years and times of day of a text that still has its capitals."""

    def take(match: re.Match[str]) -> str:
        parts = match.groupdict()
        month = parts.get("month") or parts.get("later")
        if month:
            number = int(month) if month.isdigit() else _month(month)
            note(
                "date", f"{number}-{int(parts['day'])}" if parts.get("day") else f"{number}", False
            )
        year = parts.get("year") or parts.get("alone")
        if year:
            note("date", year, False)
        return " # "

    def slashed(match: re.Match[str]) -> str:
        a, b = int(match["a"]), int(match["b"])
        note("date", match["year"], False)
        # Month first, as in the United States, unless that cannot be or stops separate them.
        note("date", f"{b}-{a}" if a > 12 or (b <= 12 and match[2] == ".") else f"{a}-{b}", False)
        return " # "

    text = _SLASHED.sub(slashed, _ISO.sub(take, text))
    for pattern in (_DAY_MONTH, _MONTH_DAY, _MONTH_ALONE, _YEAR_ALONE):
        text = pattern.sub(take, text)
    return text


def _month(name: str) -> int:
    return 1 + next(i for i, month in enumerate(_MONTHS) if month.startswith(name.lower()[:3]))


def romans(text: str) -> str:
    """Write the Roman numerals of chapters and the like with Arabic digits."""

    def arabic(match: re.Match[str]) -> str:
        digits = [_ROMAN_DIGITS[letter] for letter in match[2]]
        pairs = zip(digits, [*digits[1:], 0], strict=True)
        return f"{match[1]}{sum(-one if one < following else one for one, following in pairs)}"

    return _ROMAN.sub(arabic, text) if _ROMAN_ALONE.search(text) else text


def quantities(text: str, note: Note, words: Collection[str]) -> str:
    """Read the times of day, amounts and numbers of a text in lower case, of which `words` are."""
    left = text
    if not _NUMERALS.isdisjoint(words) or _DIGIT.search(text):
        left = _counted(text, note)
    for match in _ONE_UNIT.finditer(left):
        note("amount", _amount(Fraction(1), match["unit"]), True)
    return left


_DIGIT: Final = re.compile(r"\d")
#: The words, one of which a text without digits has that says a number.
_NUMERALS: Final = frozenset(
    [name for name in (*_DIGITS, *_TENS, *_ORDINALS, *_POWERS) if name != "one"]
    + [f"{name}s" for name in (*_POWERS, *_DIVISORS)]
    + ["second", "half", "quarter", "twice", "thrice", "fortnightly", "noon", "midday", "midnight"]
)


def _counted(text: str, note: Note) -> str:
    text = _CLOCK.sub(lambda match: _clock(match, note), _HOURS.sub(r"\1 \2", text))
    for pattern, digits in _WORDS:
        text = pattern.sub(digits, text)
    text = _WORDED.sub(_in_digits, text)
    text = _OR_MORE.sub(r"\1 \3 \2", _ONE_TO.sub("1", text))
    text = _HALVES.sub(lambda match: f"{match[1] or 0}.5{' ' if match[1] is None else ''}", text)
    text = _SHARES.sub(lambda match: _share(match, note), text)

    def amount(match: re.Match[str]) -> str:
        _measure(match, text, note)
        return f"{' ' if match[0][:1].isspace() else ''} # "

    return _MEASURED.sub(amount, text)


def _clock(match: re.Match[str], note: Note) -> str:
    hour, minute = int(match["h"] or match["hour"] or 0), int(match["m"] or match["minute"] or 0)
    half = match["half"] or ""
    if match["name"]:
        hour = 0 if match["name"] == "midnight" else 12
    elif half[:1] in {"a", "p"} and hour <= 12:
        hour = hour % 12 + (12 if half[0] == "p" else 0)
    note("date", f"{hour % 24}:{minute:02}", False)
    return " # "


def _share(match: re.Match[str], note: Note) -> str:
    if match["half"]:
        share = Fraction(1, 2)
    else:
        count = int(match["n"]) if match["n"].isdigit() else 1
        share = Fraction(count, _DIVISORS[match["d"].rstrip("s")])
    note("amount", f"{share} share", False)
    return " # "


def _in_digits(match: re.Match[str]) -> str:
    """Write a number in words with digits; "one" alone stays, being a pronoun too."""
    words = re.split(r"[\s-]+", match[0])
    if words == ["one"]:
        return "one"
    total = current = 0
    for word in words:
        power = _POWERS.get(word) or _POWERS.get(word.rstrip("s"))
        if power is None:
            current += _small(word)
        elif power == 100:
            current = max(current, 1) * 100
        else:
            total, current = total + max(current, 1) * power, 0
    ordinal = words[-1] in _ORDINALS or words[-1] in {"first", "second"}
    return f"{total + current}{'th' if ordinal else ''}"


def _small(word: str) -> int:
    for table in (_DIGITS, _TENS, _ORDINALS):
        if word in table:
            return table[word]
    return {"first": 1, "second": 2, "a": 1, "an": 1}.get(word, 0)


def _measure(match: re.Match[str], text: str, note: Note) -> None:
    value = Fraction(re.sub(r"[^\d.]", "", match["number"]))
    power = match["power"]
    if power:
        value *= 1000 if power == "k" else _POWERS[power.rstrip("s") if power != "bn" else power]
    unit = None if match["ordinal"] else match["unit"]
    if not unit and not match["ordinal"]:
        ahead = _RANGE.match(text, match.end())
        unit = ahead["unit"] if ahead else None
    if match["before"]:
        currency = match["before"].strip()
        value *= 10**6 if unit == "m" else 1
        note("amount", _amount(value, _CURRENCIES.get(currency, currency)), False)
        if currency in {"£", "gbp"}:
            note("amount", _amount(value, "pound"), True)
    elif unit:
        note("amount", _amount(value, unit), False)
        note("number", f"{value}", True)
        if unit.startswith("pound"):  # of weight, or of money
            note("amount", f"{value} GBP", True)
    elif re.fullmatch(r"\d+\.\d+0", match["number"]):
        note("number", match["number"], False)  # a version: 3.10 is not 3.1
    else:
        note("number", f"{value}", False)


def _amount(value: Fraction, unit: str) -> str:
    name = re.sub(r"[\s-]+", " ", unit).rstrip("'")
    if name not in _UNITS:
        name = name.removesuffix("s") if name.removesuffix("s") in _UNITS else name[:-2]
    kind, factor = _UNITS[name]
    return f"{value * factor} {kind}"
