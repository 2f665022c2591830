"""Parses reStructuredText into docutils' document tree, whatever directives and roles it uses.

docutils keeps directives and roles in registries that the whole process shares, and knows none
of those that Sphinx and its extensions add. So no registry is asked: subclasses of docutils'
parser states hand every directive to `_directive` and every role to `role_text`, and nothing
outside of one parse changes. Files are never included and raw output formats are dropped.

docutils is imported with this module, so import it where a file is read.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from copy import deepcopy
from typing import Any, TypeAlias, TypeVar

from docutils import nodes
from docutils.frontend import get_default_settings
from docutils.parsers.rst import Directive, Parser, states
from docutils.parsers.rst.directives.misc import Replace, Unicode
from docutils.parsers.rst.directives.tables import CSVTable, ListTable, RSTTable
from docutils.statemachine import StringList, string2lines
from docutils.utils import new_document, unescape

from tamis.documents.base import words

_SETTINGS = get_default_settings(Parser)
for _name, _value in {
    "file_insertion_enabled": False,
    "raw_enabled": False,
    "report_level": 5,  # above the gravest: nothing is printed
    "halt_level": 5,  # nor raised
    "warning_stream": False,
}.items():
    setattr(_SETTINGS, _name, _value)

#: Directives of docutils' own that shape their body, by the classes that it registers for them.
_SHAPING: dict[str, type[Directive]] = {
    "table": RSTTable,
    "csv-table": CSVTable,
    "list-table": ListTable,
    "replace": Replace,
    "unicode": Unicode,
}
#: Directives that speak to the publishing program and show nothing of their own.
_SILENT = words(
    "contents default-domain default-role highlight highlightlang include index meta raw role "
    "sectnum section-numbering tabularcolumns target-notes toctree"
)
#: Directives whose body is shown letter by letter.
_LITERAL = words(
    "code code-block console doctest graphviz ipython math mermaid parsed-literal "
    "productionlist prompt sourcecode testcode testcleanup testoutput testsetup"
)
#: Those of them whose argument is no language but the first line of the body.
_UNNAMED = frozenset({"math", "parsed-literal", "productionlist"})
#: Directives whose argument names a file that readers do not see.
_PICTURES = frozenset({"figure", "image"})
#: Directives whose argument, if any, is the beginning of their text.
_ADMONITIONS = words("attention caution danger error hint important note seealso tip todo warning")
#: What readers see in place of a directive's name.
_LABELS = {
    "admonition": "",
    "container": "",
    "deprecated": "Deprecated since version",
    "rubric": "",
    "seealso": "See also",
    "sidebar": "",
    "topic": "",
    "versionadded": "New in version",
    "versionchanged": "Changed in version",
}
#: Options that readers see.
_SHOWN_OPTIONS = ("alt", "caption", "synopsis")

#: Roles whose text is shown as it is.
_LITERAL_ROLES = words("code command file kbd literal math program samp")
#: Roles that name an object of a program, where ``~`` and a leading dot are instructions.
_OBJECT_ROLES = words("any attr class const data deco exc func meth method mod obj property type")
#: Roles of Sphinx and docutils that complete a number.
_NUMBER_ROLES = {
    "cve": "CVE-",
    "cwe": "CWE-",
    "pep": "PEP ",
    "pep-reference": "PEP ",
    "rfc": "RFC ",
    "rfc-reference": "RFC ",
}

#: Inline markup is parsed in parts of a long paragraph, up to white space: docutils takes
#: quadratic time over some texts.
_INLINE_PART = re.compile(r".{1,2000}(?:(?<=\s)|\Z)|.{1,2000}", re.DOTALL)
_DIRECTIVE = re.compile(rf"\.\. +({states.Inliner.simplename}) ?::( +|$)")
_OPTION = re.compile(r":(?P<name>[A-Za-z][\w-]*):(?:\s+(?P<value>.*))?$")
_TITLED = re.compile(r"(?P<title>.+?)\s*<[^<>]*>", re.DOTALL)
_SHORTENED = re.compile(r"^~\.?(?:[a-z_]\w*\.)*(?=\w)")


class argument(nodes.paragraph):  # noqa: N801 - docutils names its nodes so
    """The argument of a directive that docutils does not know: a signature, a title, a name.

    Its attribute ``announces`` holds the bare argument where the directive has no body, so that
    it may speak of the section that follows; otherwise it is empty.
    """


_Inline: TypeAlias = tuple[list[nodes.Node], list[nodes.system_message]]
_Kind = TypeVar("_Kind", bound=nodes.paragraph)


def parse(text: str, source: str) -> nodes.document:
    """Return the tree of a reStructuredText source, before any transform.

    Parameters
    ----------
    text : str
        The source.
    source : str
        Where it came from.

    Raises
    ------
    RecursionError
        If it is nested too deeply for docutils.
    """
    document = new_document(source, deepcopy(_SETTINGS))
    machine = states.RSTStateMachine(state_classes=_STATES, initial_state="Body")
    machine.run(string2lines(text, 8, convert_whitespace=True), document, inliner=_Inliner())
    return document


def role_text(role: str, text: str) -> str:
    """Return what is shown for interpreted text, such as ``:meth:`~app.models.Book.save```.

    An explicit title wins, the instructions of Sphinx (``!``, ``~``, a leading dot) are obeyed,
    except that ``~`` keeps the class of a method (``Book.save``), since that is how it is
    searched for. Unknown roles show their text.
    """
    name = role.lower().rpartition(":")[2]
    if name in _LITERAL_ROLES:
        return text
    titled = _TITLED.fullmatch(text)
    if titled:
        return titled["title"]
    text = text.removeprefix("!")
    if name in _OBJECT_ROLES:
        text = _SHORTENED.sub("", text, count=1).removeprefix(".")
    return _NUMBER_ROLES.get(name, "") + text if text[:1].isdigit() else text


class _Inliner(states.Inliner):
    """Shows the text of every role without asking for its definition."""

    def __init__(self) -> None:
        super().__init__()
        self.machines: list[states.NestedStateMachine] = []

    def parse(self, text: str, lineno: int, memo: Any, parent: nodes.Element) -> _Inline:
        found: list[nodes.Node] = []
        complaints: list[nodes.system_message] = []
        for part in _INLINE_PART.findall(text):
            parsed = super().parse(part, lineno, memo, parent)
            found += parsed[0]
            complaints += parsed[1]
        return found, complaints

    def interpreted(self, rawsource: str, text: str, role: str, lineno: int) -> _Inline:
        shown = role_text(role, unescape(text))
        return [nodes.inline(rawsource, shown)], []


# docutils fills its patterns from the attributes of an inliner's own class, not inherited ones.
for _name, _value in vars(states.Inliner).items():
    if isinstance(_value, str) and not hasattr(object, _name):
        setattr(_Inliner, _name, _value)


class _NestedMachine(states.NestedStateMachine):
    """Keeps nested parts in these states, where docutils would return to its own."""

    def __init__(self, state_classes: Any, *args: Any, **options: Any) -> None:
        ours = _STATES if state_classes is states.state_classes else state_classes
        super().__init__(ours, *args, **options)


# docutils' type stubs leave most of the state machine untyped, so `state` is Any below.


def _explicit_construct(state: Any, match: re.Match[str]) -> Any:
    named = _DIRECTIVE.match(match.string)
    if named:
        return _directive(state, named)
    return states.Body.explicit_construct(state, match)  # type: ignore[no-untyped-call]


def _directive(
    state: Any, match: re.Match[str], **presets: Any
) -> tuple[Sequence[nodes.Node], bool]:
    """Return the nodes of any directive, and whether a blank line ends it."""
    name = match[1].lower()
    if name in _SHAPING:
        nodelist, blank_finish = state.run_directive(_SHAPING[name], match, name, presets)
        return nodelist, blank_finish
    block, _, offset, blank_finish = state.state_machine.get_first_known_indented(
        match.end(), strip_top=False
    )
    lines, detail, body = _parts(block)
    title = " ".join(" ".join(lines).split())
    if name in _SILENT:
        return [], blank_finish
    if isinstance(state, states.SubstitutionDef):
        return [nodes.Text(detail or title)], blank_finish
    if name in _LITERAL:
        code = "\n".join([*(lines if name in _UNNAMED else lines[1:]), *body])
        caption = _paragraph(state, nodes.paragraph, detail)
        return [*caption, nodes.literal_block(code, code)], blank_finish
    parsed = nodes.container()
    state.nested_parse(body, offset, parsed)
    return _shown(state, name, title, detail, parsed.children), blank_finish


def _shown(
    state: Any, name: str, title: str, detail: str, body: Sequence[nodes.Node]
) -> list[nodes.Node]:
    """Return the nodes of a directive whose body is reStructuredText itself."""
    label = _LABELS.get(name, name.rpartition(":")[2])
    if name in _ADMONITIONS:
        return _led([*_paragraph(state, nodes.paragraph, title), *body], label)
    if name in _PICTURES:
        return [*_paragraph(state, nodes.paragraph, detail or title), *body]
    named = _argument(state, label, ": ".join(filter(None, (title, detail))))
    for node in named:
        node["announces"] = "" if body or name in _LABELS else title
    return [*named, *body]


def _led(shown: list[nodes.Node], label: str) -> list[nodes.Node]:
    """Return the nodes of an admonition with its kind as the first word."""
    lead = f"{label[:1].upper()}{label[1:]}: "
    if shown and isinstance(shown[0], nodes.paragraph):
        shown[0].insert(0, nodes.Text(lead))
        return shown
    return [nodes.paragraph("", lead), *shown] if shown else []


def _argument(state: Any, label: str, text: str) -> list[argument]:
    """Return the paragraph that shows the argument of a directive, if it has one.

    It ends as what leads to something else does: in a colon.
    """
    if not text:
        return []
    ended = text.endswith((".", ":", "?", "!", ";", ","))
    return _paragraph(state, argument, f"{label} {text}".lstrip() + ("" if ended else ":"))


def _parts(block: StringList) -> tuple[list[str], str, StringList]:
    """Return the argument of a directive, line by line, the option readers see, and its body.

    What stands on the directive's own line begins an argument; without that, all but the options
    is body.
    """
    block.disconnect()
    titled = bool(block and block[0].strip())
    if block and not titled:
        block.trim_start()
    while block and not block[-1].strip():
        block.trim_end()
    head = next((i for i, line in enumerate(block) if not line.strip()), len(block))
    options = [_OPTION.match(line) for line in block[:head]]
    first = next((i for i, option in enumerate(options) if option), head)
    values = {option["name"]: option["value"] or "" for option in options if option}
    detail = next((values[name] for name in _SHOWN_OPTIONS if values.get(name)), "")
    del block[first:head]  # type: ignore[arg-type]  # a slice is fine
    if not titled:
        return [], detail, block
    return list(block[:first]), detail, block[first:]


def _paragraph(state: Any, kind: type[_Kind], text: str) -> list[_Kind]:
    """Return a paragraph of inline markup; of the text itself where that is no valid markup."""
    if not text:
        return []
    children, complaints = state.inline_text(text, state.state_machine.abs_line_number())
    return [kind(text, "", *([nodes.Text(text)] if complaints else children))]


#: docutils' parser states with directives going to `_directive`, also in nested parts.
_STATES = tuple(
    type(
        state.__name__,
        (state,),
        {
            "directive": _directive,
            "explicit_construct": _explicit_construct,
            "nested_sm": _NestedMachine,
            # Machines for reuse: those of one document, since docutils' list is everyone's.
            "nested_sm_cache": property(lambda self: self.inliner.machines),
        },
    )
    for state in states.state_classes
)
