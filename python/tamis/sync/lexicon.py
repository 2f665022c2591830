"""The words that change what a sentence says: general English, for `tamis.sync.meaning`."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

ChangeKind: TypeAlias = Literal[
    "number",
    "date",
    "amount",
    "negation",
    "modal",
    "quantifier",
    "entity",
    "term",
    "condition",
    "content",
]

#: What is looked for, in this order: the name of the fact, its kind, and a pattern. ``~`` makes a
#: fact soft; what is in groups is left for the patterns that follow. ``#`` stands for a number.
PHRASES: Final[tuple[tuple[str, ChangeKind, str], ...]] = (
    # phrases that would mislead, and those that mean "only"
    (
        "",
        "content",
        (
            r"may or may not|whether or not|not only|if any|as the case may be|no\. ?(?=#)"
            "|as (?:soon|well|far) as|with or without|more or less|at all times|once again"
        ),
    ),
    (
        "",
        "content",
        (
            "without (?:undue |any )?delay|at once|at no time(?= limit)|free of charge"
            "|at no (?:extra |additional )?(?:cost|charge)|without (?:charge|cost)|for free"
            "|costs? nothing"
        ),
    ),
    ("only", "quantifier", "(?:nobody|no one|none) (?:but|except|other than)"),
    (
        "only",
        "quantifier",
        (
            r"(?:neither|no|nobody|nothing)((?: \w+){0,3} (?:may|can|must|shall)(?:"
            r" [^\s.;]+){1,14}) (?:without|unless|except|other than)"
        ),
    ),
    (
        "only",
        "quantifier",
        r"(may|can|could|must|shall) not((?: [^\s.;]+){1,14}) (?:without|other than|except)",
    ),
    ("only", "quantifier", r"not((?: [^\s.;]+){1,14}) (?:unless|until|except)"),
    ("~only", "quantifier", r"(not(?: [^\s.;]+){1,14} without)"),
    # comparisons
    (
        "at least",
        "quantifier",
        (
            "at least|(?:not|no) (?:less|fewer|earlier|sooner|lower|younger|shorter|smaller) than"
            r"|not below|at a minimum|a minimum of|(?<=# )\+"
            r"|(?<=# )(?:\w+ ){0,3}(?:or|and) (?:more|older|over|above|higher|later|greater"
            r"|longer|larger|up|newer|upwards?)\b"
            "|≥|>=|from # (?:up|on)wards?"
        ),
    ),
    (
        "at most",
        "quantifier",
        (
            r"at (?:the )?most|as (?:many|much) as(?= #)|up to(?= \w*\s?#)"
            r"|(?:not|no|never) (?:(?:be|have|last|take) )?(?:more|greater|larger|higher|older"
            "|heavier) than"
            r"|not exceed\w*|(?:not|never) (\w+) more than"
            r"|(?<=# )(?:\w+ ){0,3}or (?:less|fewer|under|below|younger|lower|shorter|smaller)"
            "|a maximum of|≤|<="
        ),
    ),
    (
        "~at most",
        "quantifier",
        (
            "limited to|maximum|max|(?:no|not) (?:(?:be|last|take) )?(?:later|longer) than"
            "|at the latest"
            "|within|first(?= #)|or earlier|(?:by|until)(?= #)"
        ),
    ),
    ("~at least", "quantifier", "minimum|min|from the age of"),
    (
        "more than",
        "quantifier",
        (
            "(?:more|greater|larger|longer|older|heavier|higher|bigger) than"
            r"|(?:over|above|beyond)(?: the age of)?(?= #)|exceed\w*|in excess of"
        ),
    ),
    (
        "less than",
        "quantifier",
        (
            "(?:less|fewer|smaller|shorter|younger|lighter|lower) than"
            "|(?:under|below)(?: the age of)?(?= #)"
        ),
    ),
    # duties and rights
    (
        "free",
        "modal",
        (
            "(?:need|do|does|did) not (?:have|need|be required) to|need not"
            "|no longer (?:has|have) to"
            r"|not(?:\s(?:also|always|only|then|still|strictly|hereby|thus|therefore|either"
            r"|\w+ly))? (?:obliged|obligated|required|necessary|needed|mandatory|compulsory|bound)"
            r"|no (?:\w+ )?(?:obligation|need|requirement|duty)|unnecessary|not necessary"
            "|optional(?:ly)?|voluntar(?:y|ily)"
            r"|no((?: \w+){1,8}) (?:is|are) (?:needed|required|necessary)"
            "|without (?:having|needing) to"
        ),
    ),
    (
        "forbid",
        "modal",
        (
            r"(?:must|shall|may|can|could)(?:\s(?:also|always|only|then|still|strictly|hereby"
            r"|thus|therefore|either|\w+ly))? (?:not|never|under no circumstances)"
            r"|(?:not|never)(?:\s(?:also|always|only|then|still|strictly|hereby|thus|therefore"
            r"|either|\w+ly))? (?:be )?(?:permitted|allowed|authori[sz]ed|possible|entitled|able)"
            r"|(?:can|may|must|shall) in no (?:event|case)|prohibit\w*|forbid\w*|forbidden|banned"
            "|barred|unable to|impossible|refrain from|not to be|no-? ?one (?:may|can)"
            r"|disallow\w*|unauthori[sz]ed|neither((?: \w+){1,3}) (?:may|can|shall|must)"
            "|no right to"
            r"|no((?: \w+){1,4}) (?:may|can|shall|must|(?:is|are) (?:allowed|permitted"
            "|authori[sz]ed|entitled))(?! not)"
            "|(?:nothing|nobody) (?:may|can|shall|must|is (?:allowed|permitted|entitled))(?! not)"
        ),
    ),
    (
        "",
        "condition",
        (
            "(?:(?<=^ )|(?<=[,;] ))should(?= (?:the|an?|any|you|we|this|that|it|he|she|they|your"
            r"|our)\b)"
        ),
    ),
    (
        "advise",
        "modal",
        (
            r"should|ought to|(?:is|are) supposed to|(?:highly |strongly )?recommend\w*|advisable"
            r"|advised?|encourag\w*|suggest(?:ed|s)?\b|preferabl[ey]"
        ),
    ),
    ("~advise", "modal", r"(please)|consider|prefer\w*|best|expect\w*|good idea"),
    (
        "~free",
        "modal",
        (
            "((?:may|can) be (?:omitted|skipped|left out))|if you (?:like|wish|want)|(discretion)"
            "|(at (?:its|your|their) option)"
        ),
    ),
    ("~only", "quantifier", "(in order to)|(against)|((?:limited|restricted|confined) to)"),
    (
        "oblige",
        "modal",
        (
            "must|shall|has to|have to|had to"
            r"|(?:is|are|was|were|be)(?: \w+ly)? (?:required|obliged|obligated|bound)|require[sd]?"
            r"|obligat\w*|mandatory|compulsory|necessary|undertakes? to|duty to|an? obligation"
            "|under obligation"
        ),
    ),
    (
        "~oblige",
        "modal",
        (
            r"needs? to|needs?|(?:is|are|was|were) to(?= be\b| \w+)|please|in order to"
            r"|responsib\w*"
            "|ensure"
        ),
    ),
    (
        "permit",
        "modal",
        (
            r"may|might|permit\w*|allow\w*|entitle\w*|authori[sz]ed?"
            "|(?:has|have|reserves?) the right|(?:is|are) free to|at liberty|feel free to"
            "|welcome to|empowered"
        ),
    ),
    (
        "~permit",
        "modal",
        (
            "can|could|(?:is|are|be) able to|able to|possible|possibly|option|choose|choice"
            "|whenever|eligible|whether|right to|subject to change|perhaps|potentially|likely"
            "|capable|lets?|enables?"
            "|permission|discretion|up to (?:the|you|him|her|them)"
        ),
    ),
    ("~oblige", "modal", "will"),
    # how many
    ("only", "quantifier", "only|solely|exclusively|alone|nothing but|no other than"),
    ("~only", "quantifier", "just|merely|sole|single"),
    ("~either", "quantifier", "(neither)"),
    (
        "either",
        "quantifier",
        (
            "either of|one of the (?:#|two)"
            r"|either(?! \w+ or\b)(?= [a-z]+s?\b)(?=[^.;]*$)(?![^.;]*\bor\b)"
        ),
    ),
    ("one of", "quantifier", "one of"),
    ("~=2", "number", "both|pair|couple|double|either"),
    (
        "~all",
        "quantifier",
        (
            "all|every|each|any|everyone|everybody|anyone|everything|always|whoever|both|entire"
            "|whole"
        ),
    ),
    ("some", "quantifier", "some|certain|several|various|partly|partially|a number of"),
    (
        "most",
        "quantifier",
        r"most(?: of(?: the)?)?(?= \w+s\b)|the majority of|mostly|in most cases",
    ),
    ("few", "quantifier", "a few|few|hardly any|rarely|seldom"),
    ("exactly", "quantifier", "exactly|precisely"),
    ("many", "quantifier", "many|numerous|a large number of"),
    (
        "except",
        "condition",
        r"except\w*|other than|apart from|save for|with the exception of|all but",
    ),
)

#: Words that say about the same, in groups; a word counts in the first that has it.
SYNONYMS: Final = """
begin began begun start commence initiate launch, end finish complete terminate termination
conclude, buy bought purchase acquire, show display present, get got receive obtain fetch retrieve,
give gave given provide supply offer furnish, send sent transmit dispatch ship forward, help assist
aid, ask request demand inquire enquire, tell told inform notify notification advise alert, try
retry attempt endeavour, fix repair mend patch contribution solution correct resolve, change modify
alter amend adjust revise, remove delete erase discard eliminate strip, keep kept retain preserve
maintain store save, contain include comprise hold held comprise hold consist, check tick verify
examine inspect validate consider, test trial, select choose chose chosen choice pick, create
generate produce, perform conduct execute run implement, describe explain outline cover, specify
define state, stop halt cease, avoid prevent, raise lift increase grow grew grown rise rose, reduce
decrease lower lessen shorten, improve enhance optimize, quick fast rapid, big large great, small
little tiny, main principal primary chief, whole entire, additional extra further supplementary,
important significant essential crucial, simple easy straightforward, immediate immediately prompt
promptly instantly, contract agreement, seller vendor, landlord lessor, tenant lessee renter, lease
rental rent, employee staff worker personnel colleague, pupil student, teacher instructor, manager
supervisor superior boss, doctor physician, medicine drug medication, illness disease sickness,
injury wound, therapy treatment treat, dose dosage, elderly old, car vehicle, luggage baggage, trip
journey travel, holiday vacation, error mistake bug, defect fault flaw, folder directory,
application app program, function method routine, library package, parameter argument, fee charge,
price cost expense, goal aim objective target, place location, locate situate, individual human,
secret confidential, arrive come came, leave left exit depart departure, submit file lodge, answer
respond response reply, meet met satisfy fulfill fulfil, ensure guarantee warrant, decide determine
decision ascertain, damage harm, hazard danger, close shut, turn switch, collect gather, divide
split separate, different distinct, same identical equal equivalent, previous former, next
subsequent, last final, right proper accurate, wrong incorrect, frequent often, assess evaluate,
watch monitor observe, detect discover find found, convert transform, throw thrown threw dispose,
click press, machine device appliance, phone telephone, website site webpage, holder owner
proprietor, revoke withdraw withdrawn withdrew, postpone delay defer, extend prolong lengthen, rule
regulation provision, law legislation statute, attend participate, amount sum, area zone, bill
invoice, refund reimburse repay, discount rebate, compensate remunerate, benefit advantage, breach
violate violation infringe, wide broad, lead led result cause, register sign enrol, intend mean
meant, join link connect, view see seen saw look, consent approval agree, transport carry, repeat
retake retaken, pay paid payable wage salary remit, lose lost loss, bring brought, build built, draw
drew drawn, drive drove driven, feel felt, forget forgot forgotten, hear heard, know knew known, say
said, sell sold sale, speak spoke spoken, spend spent, take took taken, teach taught, think thought,
understand understood, wear wore worn, eat ate eaten, break broke broken, remain stay, before
beforehand, afterwards thereafter, property item, repository repo, closest nearest near, wish want
desire like, announce publish, problem issue, arrange organize, deem regard, live reside dwell, hurt
injure, supervise oversee, instruct direct, mention name list indicate, proof evidence, prove
demonstrate, disclose reveal divulge, rectify remedy, handle process deal, manage administer, comply
follow adhere obey, impose levy, exceed surpass, flat apartment, pause suspend, interrupt disrupt,
clean wash, mix stir blend, put insert, tighten fasten, install mount fit setup, guide manual
handbook, image picture pic, photo photograph, refuse reject decline deny, unite combine merge, omit
skip, empty blank, current existing, surgery operation, severe serious, mild slight, advice
guidance, skilled qualified, expert specialist, suitable appropriate, hidden concealed, part
portion, rest remainder remaining, simultaneous concurrent, careful diligent care, sick ill, dismiss
sack, resign quit, hire recruit engage, vacancy position job post, ability capability, educate
coach, exam examination, mark grade score, woman female, man male, customer client consumer, guest
visitor, passenger traveler, petrol gasoline fuel, rubbish waste trash garbage, truck lorry, call
invoke, upgrade update, latest recent, config configuration, docs documentation, info information,
auth authentication, admin administrator, lab laboratory, spec specification, expire lapse, appoint
nominate, award confer, instalment installment, personal private, invite invitation, fully
completely, affect impair, disk disc, day daily, night nightly, week weekly, month monthly, year
yearly annual, enclose attach, overhaul rework redesign, company firm business, family relative,
regret apologise sorry, sufficient enough adequate, erect construct, premises building, penalty
fine, quota threshold limit, privilege permission, residence home, beverage drink, aircraft plane,
expensive costly, cheap inexpensive, quiet silent, loud noisy, sample specimen, outcome finding,
technique approach, step stage, topic subject, hint tip, reason ground, freeze hang, identify
recognize, warn caution, damp moist
"""

#: Expressions of several words that stand for one, as "word: pattern".
_EXPRESSIONS: Final = r"""
return: g[ai]ves? back|given back
conduct: carr(?:y|ies|ied|ying) out
remove: (?:tak(?:es?|en|ing)|took) (?:off|out|away)
submit: hand(?:s|ed|ing)? in|turn(?:s|ed|ing)? in
immediately: at once|(?:straight|right) away|without (?:undue |any )?delay|as soon as possible
without: in the absence of|in default of
before: prior to|ahead of
if: in (?:the event|case) (?:of|that)|provided that|on condition that
for: for the purposes? of
occur: (?:tak(?:es?|en|ing)|took) place|(?:is|are|was|were|be) held
participate: (?:tak(?:es?|ing)|took) part
because: due to|owing to|because of|on account of
: in (?:addition|general|particular|fact|other words)|as a rule|of course|that is to say
: for (?:example|instance)|e\.g\.|i\.e\.
about: with (?:regard|respect) to|as to|as regards
ensure: (?:make|makes|made|making) (?:sure|certain)
in personally: in person
employee: members? of staff|staff members?
"""
EXPRESSIONS: Final = tuple(line.split(": ") for line in _EXPRESSIONS.strip().splitlines())

#: Words of their own that deny.
_NEGATIONS: Final = """
not no never none nothing nobody nowhere neither nor without unless lack lacks lacked lacking cease
ceases ceased absence
"""
NEGATIONS: Final = frozenset(_NEGATIONS.split())
#: Words that may say what a negation says elsewhere: "is missing", "does not exist".
IMPLICIT: Final = (
    r"missing|absent|absence|exempt\w*|void\w*|invalid|refus\w+|reject\w*|declin\w+|ignor\w+"
    r"|omit\w*|skip\w*|fail\w*|avoid\w*|prevent\w*|stop\w*|ceas\w+|den(?:y|ie[sd])|exclu\w+"
    r"|empty|closed|waive\w*|only|otherwise|instead|rather|hardly|barely|gratis|free|until"
    r"|remain\w*|beyond|alone"
    "|(?:un(?!der|it|ti|iv|io)|non|dis(?!c|t|p)|in(?=accur|activ|adeq|appl|compat|compl"
    r"|consist|corr|depend|direct|eff|elig|secur|suff|valid|visib))\w{4,}"
    r"|\w{3,}less|drop\w*|discard\w*|off|independent\w*|regardless|ir(?=r)\w{4,}"
    r"|im(?=[pm])\w{4,}|il(?=l)\w{4,}|irrespective|apart|other|except|cancel\w*|loss?|lose"
)
#: What a clause that something depends on begins with.
CONDITIONS: Final = (
    "if|unless|provided that|as long as|on condition|in the event|in case|subject to|where"
    "|when|whenever|until|except"
)

#: Words that say the opposite of each other, or exclude one another: the classes of a group are
#: separated by "/". Where a group has two classes, a negation turns the one into the other.
OPPOSITES: Final = """
include comprise / exclude omit, buy buyer purchase purchaser / sell seller vendor, employer /
employee staff worker, increase raise rise grow / decrease reduce lower fall drop, advance /
arrears, enable activate on / disable deactivate off, accept approve / reject refuse decline deny,
open / close closed shut, start begin beginning commence / end ending stop finish, first initial /
last final, before prior ahead / after following afterwards thereafter, above / below beneath,
maximum max highest / minimum min lowest, lessor landlord / lessee tenant, lender / borrower,
licensor / licensee, creditor / debtor, credit / debit, assignor transferor / assignee transferee,
claimant plaintiff / defendant, internal / external, public / private, manual manually / automatic
automatically, true / false, keep retain preserve / delete remove discard erase destroy, add /
remove, grant / revoke, confirm / deny, same identical / different, early earlier earliest / late
later latest, push / pull, import / export, input / output, upload / download, read / write, encrypt
/ decrypt, show display / hide, upper / lower, top / bottom, clockwise / anticlockwise
counterclockwise, long longer / short shorter, high higher / low lower, up upwards / down downwards,
hot warm / cold cool, wet / dry, full / empty partial, permanent permanently / temporary
temporarily, fixed / variable, absolute / relative, ascending / descending, old older oldest
existing / new newer newest, success succeed successful successfully / failure fail failed, pass /
fail, profit gain / loss, domestic national / foreign international, inbound incoming / outbound
outgoing, inside indoor indoors / outside outdoor outdoors, inner / outer, local / remote, parent /
child, gross / net, fast faster / slow slower, safe / dangerous, positive / negative, even / odd,
synchronous synchronously / asynchronous asynchronously, resign quit / dismiss dismissed, appoint /
dismiss, join enter / leave exit, attach / detach, expand / collapse, major majority / minor
minority, primary / secondary, senior / junior, adult / child, plus / minus, ceiling / floor, front
/ back rear, left / right, free gratis / chargeable, immediately promptly / later eventually, north
northern / south southern / east eastern / west western, spring / summer / autumn fall / winter,
morning / afternoon / evening / night, red / green / blue / yellow / white / black / orange, always
/ usually generally normally often frequently / sometimes occasionally / rarely seldom / never, both
/ one / neither, oral orally verbal / written / electronic, email / telephone phone / post letter /
fax, cash / cheque check / card / transfer / voucher, weekday / weekend, string / integer / float /
boolean / list array / tuple / dictionary dict mapping / iterator, user member customer client /
administrator admin / moderator / owner / guest visitor / auditor / employee staff worker personnel
/ manager supervisor / director / shareholder / trustee / contractor / teacher / student pupil /
parent guardian / patient / doctor physician / nurse / court / police / government, entire whole
complete full all / part partial partially, euro / dollar / pound / franc / yen, startup / shutdown,
today / tomorrow / yesterday
"""
#: Beginnings and ends of words that point the other way, in pairs.
WAYS: Final = (
    ("in", "out"),
    ("up", "down"),
    ("on", "off"),
    ("over", "under"),
    ("pre", "post"),
    ("inter", "intra"),
    ("hyper", "hypo"),
    ("micro", "macro"),
    ("ful", "less"),
)
#: Beginnings of words that deny the rest.
PREFIXES: Final = ("un", "in", "im", "ir", "il", "dis", "non", "mis", "de")

#: Words that carry no meaning of their own, or only add weight; and what sentences begin with that
#: is no name.
_EMPTY: Final = """
a about above accordingly actually additionally after again ahead all along already also although am
among an and another any appropriate approximate approximately are as associated at away basically
basis be because been before being below between both but by case cases certain certainly circa
clearly completely concerning continue continues corresponding currently d did do does done down
during e each easily eg either else entirely essentially etc even every exist existing exists fact
finally first firstly following for from full fully furthermore g generally get gets given go goes
got had happen happens has have having he hence her here hereby herein hereof him his how however i
ie if in indeed instance instances instead into is it its itself just kind kindly latest let lets ll
located longer m made make makes manner many me merely more moreover most much my necessarily newly
no nor normally not note now number object objects obviously occur occurs of off on once one ones
onto or order other others otherwise our out over overall own particular people per person please
properly purpose purposes quite rather re really recently regard regarding related relevant respect
respective respectively roughly s same second secondly self she simply since situated so some sort
specific specified stated still successfully such t take takes than that the their them themselves
then there thereby therefore therein thereof these they thing things this those though through thus
time times to together too typically under until up upon us use used uses using usually utilise
utilised utilises utilize utilized utilizes various ve very via was way ways we were what when
whenever where whether which while whilst who whom whose will with within would x yet you your
"""
#: Nouns that come or go beside another without much difference: "a case", "a case class".
_HEADS: Final = """
class classes entry entries item items element elements value values attribute attributes type types
setting settings feature features facility facilities process level
"""
HEADS: Final = frozenset(_HEADS.split())
EMPTY: Final = frozenset(_EMPTY.split())
_OPENING: Final = """
send call visit contact see ask tell give pay add all no only unless both upon dear must may should
can shall most few several without under except
"""
OPENING: Final = EMPTY | frozenset(_OPENING.split())
