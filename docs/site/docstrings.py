"""Docstrings as Markdown: what Keras and Sphinx write otherwise, for griffe."""

import re
import textwrap

import griffe

# What follows `Example:` is not indented in Keras, and ends at `Reference:`.
_EXAMPLE = re.compile(
    r"^Example:\n(.*?)(?=^Reference:\n|\Z)", re.DOTALL | re.MULTILINE
)
# A formula on a line of its own: what is indented below the directive, too.
_DISPLAYED = re.compile(
    r"^(?P<indent> *)\.\. math::"
    r"(?P<tex>.*(?:\n(?:\1 +\S.*| *(?=\n\1 +\S)))*)\n?",
    re.MULTILINE,
)
# A section of prose, indented.
_PROSE = re.compile(
    r"^(Input shape|Output shape|Reference):\n((?: .*\n?|\n)*)", re.MULTILINE
)


def _example(found):
    return f"Examples:\n{textwrap.indent(found[1].strip(), '    ')}\n\n"


def _prose(found):
    return f"**{found[1]}**\n\n{textwrap.dedent(found[2]).strip()}\n\n"


def _block(found):
    tex = " ".join(found["tex"].split())
    return f"{found['indent']}$${tex}$$\n"


def to_markdown(text):
    """Formulas between dollars, and sections as griffe knows them."""
    text = _DISPLAYED.sub(_block, text)
    text = re.sub(
        r":math:`([^`]+)`", lambda m: f"${' '.join(m[1].split())}$", text
    )
    text = _PROSE.sub(_prose, _EXAMPLE.sub(_example, text))
    return text.replace("Call arguments:\n", "Other Args: Call arguments\n")


class Docstrings(griffe.Extension):
    """Rewrites each docstring before it is parsed."""

    def on_instance(self, *, obj, **kwargs):
        """Called by griffe for each object it has read."""
        if obj.docstring:
            obj.docstring.value = to_markdown(obj.docstring.value)
