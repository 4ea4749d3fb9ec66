"""Reads the text of a liberty file: groups, attributes and values."""

import dataclasses
import re

_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
# What may hide a brace, and the braces.
_BRACES = re.compile(r'"[^"]*"|[{}]')
_CELL = re.compile(r'\bcell\s*\(\s*"?([^")\s]+)"?\s*\)\s*$')
_TOKEN = re.compile(r'"([^"]*)"|([^\s(){}:;,"\\]+)|([(){}:;,])')


@dataclasses.dataclass
class Group:
    """One group `kind (arguments) { ... }` of a liberty file.

    Args:
        kind: String, such as `"pin"`.
        arguments: List of strings.
        attributes: Dictionary from a name to the value of `name : value;`, a
            string, or of `name (values);`, a list of strings; the last one
            where there are several.
        groups: List of `Group`, those inside.
        repeated: Dictionary from a name to the list of all its values of
            `name (values);`.
    """

    kind: str
    arguments: list
    attributes: dict = dataclasses.field(default_factory=dict)
    groups: list = dataclasses.field(default_factory=list)
    repeated: dict = dataclasses.field(default_factory=dict)

    def all(self, kind):
        """List of the groups of that kind inside."""
        return [group for group in self.groups if group.kind == kind]

    def number(self, name, default=0.0):
        """The value of an attribute, a float."""
        return float(self.attributes.get(name, default))


def split_cells(text):
    """Takes the cells out of a library, to be parsed one by one.

    Args:
        text: String, a liberty file.

    Returns:
        String, the library without cells, and a dictionary from the name of
        a cell to its text.

    Raises:
        ValueError: Braces do not match, or there is no cell.
    """
    text = _COMMENT.sub(" ", text)
    cells, rest = {}, []
    depth, begin, last = 0, 0, 0
    for found in _BRACES.finditer(text):
        brace = found.group()
        if brace == "{":
            depth += 1
            if depth == 2:
                head = _CELL.search(text, last, found.start())
                if head:
                    rest.append(text[begin : head.start()])
                    begin, name = head.start(), head.group(1)
        elif brace == "}":
            depth -= 1
            if depth == 1 and _CELL.match(text, begin, text.find("{", begin)):
                begin, cells[name] = found.end(), text[begin : found.end()]
        if brace in "{}":
            last = found.end()
    if depth or not cells:
        raise ValueError(
            "Liberty expects a library of cells whose braces match. Received: "
            f"{len(cells)} cells, {depth} open braces at the end"
        )
    return "".join([*rest, text[begin:]]), cells


def parse(text):
    """Parses one group.

    Args:
        text: String without comments.

    Returns:
        `Group`.

    Raises:
        ValueError: It is no group.
    """
    tokens = [found.groups() for found in _TOKEN.finditer(text)]
    try:
        group, end = _statement(tokens, 0)
    except IndexError:
        group, end = None, -1
    if not isinstance(group, Group) or end != len(tokens):
        raise ValueError(
            "Liberty expects `name (arguments) { ... }`. Received: "
            f"{text[:60]!r}"
        )
    return group


def numbers(values):
    """List of floats from strings of them, parted by commas."""
    return [float(each) for each in ",".join(values).replace(",", " ").split()]


def _word(token):
    quoted, word, mark = token
    return quoted if quoted is not None else word or mark


def _statement(tokens, at):
    """A group, or a pair of an attribute's name and value; and its end."""
    name, at = _word(tokens[at]), at + 1
    if tokens[at][2] == ":":
        at, begin = at + 1, at + 1
        while tokens[at][2] != ";":
            at += 1
        value = " ".join(_word(token) for token in tokens[begin:at])
        return (name, value), at + 1
    if tokens[at][2] != "(":
        raise ValueError(
            f"Liberty expects ':' or '(' after {name!r}. Received: "
            f"{_word(tokens[at])!r}"
        )
    at, values = at + 1, []
    while tokens[at][2] != ")":
        if tokens[at][2] != ",":
            values.append(_word(tokens[at]))
        at += 1
    at += 1
    if at < len(tokens) and tokens[at][2] == "{":
        return _body(tokens, at + 1, Group(name, values))
    if at < len(tokens) and tokens[at][2] == ";":
        at += 1
    return (name, values), at


def _body(tokens, at, group):
    while tokens[at][2] != "}":
        if tokens[at][2] == ";":
            at += 1
            continue
        found, at = _statement(tokens, at)
        if isinstance(found, Group):
            group.groups.append(found)
        else:
            name, value = found
            group.attributes[name] = value
            if isinstance(value, list):
                group.repeated.setdefault(name, []).append(value)
    return group, at + 1
