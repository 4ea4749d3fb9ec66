"""Boolean functions as a liberty file writes them."""

import re

_TOKEN = re.compile(r"\s*([A-Za-z_][\w\[\]]*|[01]|[!'^*&+|()])")


class Boolean:
    """A function of pins.

    Args:
        text: String: names, 0, 1 and parentheses, `!A` or `A'` for not, `^`,
            then `A*B`, `A&B` or `A B`, then `A+B` or `A|B`.

    Raises:
        ValueError: `text` is no such function.

    Example:

    >>> from tflite_export.cost._boolean import Boolean
    >>> majority = Boolean("(A B) + (C & (A | B))")
    >>> majority.names
    ('A', 'B', 'C')
    >>> majority({"A": 0b1100, "B": 0b1010, "C": 0b1111}) & 0b1111
    14
    """

    def __init__(self, text):
        self.text = text
        self._tokens = self._split(text)
        self._at = 0
        self._tree = self._either()
        if self._peek() is not None:
            self._fail()
        self.names = tuple(sorted(set(_names(self._tree))))

    def __call__(self, values):
        """Applies the function to each bit of its pins.

        Args:
            values: Dictionary from names to integers, or to integer arrays of
                one shape.

        Returns:
            Integer or array. What is above the bits of interest is undefined.
        """
        return _evaluate(self._tree, values)

    def table(self, known=None):
        """The function for each value of the names that are not known.

        Args:
            known: Dictionary from names to 0 or 1. Defaults to `None`.

        Returns:
            Tuple of the names that count, and the integer whose bit i is the
            value of the function where name k has the value of bit k of i.
        """
        known = known or {}
        free = [name for name in self.names if name not in known]
        # Bit i of the pattern of name k is bit k of i.
        ones = (1 << (1 << len(free))) - 1
        values = {name: ones * bit for name, bit in known.items()}
        for k, name in enumerate(free):
            period = 1 << (k + 1)
            once = ((1 << period // 2) - 1) << period // 2
            values[name] = ones // ((1 << period) - 1) * once
        whole = self(values or {"": 0}) & ones
        for k in reversed(range(len(free))):
            if _cofactor(whole, k, 0, len(free)) == _cofactor(
                whole, k, 1, len(free)
            ):
                whole = _cofactor(whole, k, 0, len(free))
                del free[k]
        return tuple(free), whole

    def verilog(self):
        """The function as an expression of Verilog."""
        return _verilog(self._tree)

    def _split(self, text):
        found, at = [], 0
        text = text.strip()
        while at < len(text):
            token = _TOKEN.match(text, at)
            if token is None:
                self._fail()
            found.append(token.group(1))
            at = token.end()
        return found

    def _fail(self):
        raise ValueError(
            "Liberty expects a function of names, 0, 1, !, ', ^, *, &, +, | "
            f"and parentheses. Received: {self.text!r}"
        )

    def _peek(self):
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _next(self):
        self._at += 1
        return self._tokens[self._at - 1]

    def _either(self):
        tree = self._both()
        while self._peek() in ("+", "|"):
            self._next()
            tree = ("or", tree, self._both())
        return tree

    def _both(self):
        tree = self._differ()
        while self._peek() not in (None, "+", "|", ")"):
            if self._peek() in ("*", "&"):
                self._next()
            tree = ("and", tree, self._differ())
        return tree

    def _differ(self):
        tree = self._single()
        while self._peek() == "^":
            self._next()
            tree = ("xor", tree, self._single())
        return tree

    def _single(self):
        token = self._peek()
        if token is None or token in "'^*&+|)":
            self._fail()
        self._next()
        if token == "!":
            return ("not", self._single())
        if token == "(":
            tree = self._either()
            if self._peek() != ")":
                self._fail()
            self._next()
        elif token in "01":
            tree = ("constant", int(token))
        else:
            tree = ("name", token)
        while self._peek() == "'":
            self._next()
            tree = ("not", tree)
        return tree


def _names(tree):
    if tree[0] == "name":
        return [tree[1]]
    if tree[0] == "constant":
        return []
    return [name for part in tree[1:] for name in _names(part)]


def _evaluate(tree, values):
    kind = tree[0]
    if kind == "name":
        return values[tree[1]]
    if kind == "constant":
        # In the type and shape of the pins.
        some = next(iter(values.values()))
        zero = some ^ some
        return ~zero if tree[1] else zero
    parts = [_evaluate(part, values) for part in tree[1:]]
    if kind == "not":
        return ~parts[0]
    if kind == "and":
        return parts[0] & parts[1]
    if kind == "or":
        return parts[0] | parts[1]
    return parts[0] ^ parts[1]


def _verilog(tree):
    kind = tree[0]
    if kind == "name":
        return tree[1]
    if kind == "constant":
        return f"1'b{tree[1]}"
    parts = [_verilog(part) for part in tree[1:]]
    if kind == "not":
        return f"(~{parts[0]})"
    mark = {"and": "&", "or": "|", "xor": "^"}[kind]
    return f"({parts[0]} {mark} {parts[1]})"


def _cofactor(table, k, bit, count):
    """The table of `count` names where name k has the value `bit`."""
    found, place = 0, 0
    for i in range(1 << count):
        if i >> k & 1 == bit:
            found |= (table >> i & 1) << place
            place += 1
    return found
