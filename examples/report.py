"""Writes a page with figures and tables, in one HTML file."""

import base64
import io
import pathlib

_TEMPLATE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{{ title }}</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem;
       margin: 2rem auto; padding: 0 1rem; color: #222 }
table { border-collapse: collapse; margin: 1rem 0 }
th, td { border-bottom: 1px solid #ddd; padding: .3rem .8rem; text-align: left }
td:nth-child(n+3) { font-variant-numeric: tabular-nums }
img { max-width: 100% } code { background: #f4f4f4; padding: .1rem .3rem }
</style></head><body>
<h1>{{ title }}</h1>
<p>{{ intro }}</p>
<table><tr>{% for name in header %}<th>{{ name }}</th>{% endfor %}</tr>
{% for line in lines %}<tr>{% for cell in line %}<td>{{ cell }}</td>
{% endfor %}</tr>{% endfor %}</table>
{% for section in sections %}<h2>{{ section.title }}</h2>
<p>{{ section.text }}</p>
<img alt="{{ section.title }}" src="data:image/png;base64,{{ section.image }}">
{% endfor %}
<p><code>{{ command }}</code>, seed {{ seed }}, on {{ data }}. {{ machine }};
{% for name, version in versions.items() %}{{ name }} {{ version }}
{% endfor %}</p>
</body></html>
"""


def png(figure, dpi=110):
    """The bytes of a Matplotlib figure as PNG."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi, bbox_inches="tight")
    return buffer.getvalue()


def section(title, text, figure):
    """A part of a page: a title, a paragraph, and a figure below it."""
    image = base64.b64encode(png(figure)).decode()
    return {"title": title, "text": text, "image": image}


def write(path, **parts):
    """Fills the page with `parts` and writes it to `path`."""
    import jinja2

    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined
    )
    page = environment.from_string(_TEMPLATE).render(**parts)
    pathlib.Path(path).write_text(page, encoding="utf-8")
