"""The report of all claims as one HTML file."""

import base64
import pathlib

from examples.reproduce_parts.claims import HOLDS, NOT, PART, UNKNOWN

_TEMPLATE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{{ title }}</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 70rem;
       margin: 2rem auto; padding: 0 1rem; color: #222 }
table { border-collapse: collapse; margin: 1rem 0; width: 100% }
th, td { border-bottom: 1px solid #ddd; padding: .3rem .8rem;
         text-align: left; vertical-align: top }
img { max-width: 100% } code { background: #f4f4f4; padding: .1rem .3rem }
.yes { background: #d8f0dc } .part { background: #fbf0cd }
.no { background: #f8dcdc } .none { color: #777 }
</style></head><body>
<h1>{{ title }}</h1>
<p>{{ intro }}</p>
<table><tr><th>Paper</th>{% for name in verdicts %}<th>{{ name }}</th>
{% endfor %}</tr>
{% for part in parts %}<tr><td><a href="#p{{ loop.index }}">{{ part.title }}
</a></td>{% for name in verdicts %}<td>{{ part.counts[name] }}</td>
{% endfor %}</tr>{% endfor %}</table>
{% for part in parts %}<h2 id="p{{ loop.index }}">{{ part.title }}</h2>
<p>{{ part.authors }}</p>
<table><tr><th>Claim</th><th>Measure</th><th>Value</th><th>Verdict</th></tr>
{% for item in part.decided %}<tr><td>{{ item.claim }}</td>
<td>{{ item.measure }}</td><td>{{ item.value }}</td>
<td class="{{ verdicts[item.verdict] }}">{{ item.verdict }}</td></tr>
{% endfor %}</table>
<p>{% for run in part.runs %}<code>{{ run.command }}</code>, {{ run.machine }}.
{% endfor %}</p>
{% for image in part.images %}<img alt="{{ part.title }}"
 src="data:image/png;base64,{{ image }}">{% endfor %}
{% endfor %}
</body></html>
"""
_VERDICTS = {HOLDS: "yes", PART: "part", NOT: "no", UNKNOWN: "none"}
_INTROS = {
    "paper": "From recorded runs of full size. A claim holds where all "
    "comparisons do with their whole ranges, in part where some do. The "
    "figures are of the same runs.",
    "small": "From small runs on data that come with the packages. A claim "
    "holds where all comparisons do with their whole ranges, in part where "
    "some do. The figures are of the recorded runs of full size.",
}


def _part(paper, decided, found, images):
    verdicts = [item["verdict"] for item in decided]
    pictures = [
        images / run.picture for run in paper.runs.values() if run.picture
    ]
    return {
        "title": paper.title,
        "authors": paper.authors,
        "decided": decided,
        "counts": {name: verdicts.count(name) for name in _VERDICTS},
        "runs": list(found.values()),
        "images": [
            base64.b64encode(path.read_bytes()).decode()
            for path in pictures
            if path.exists()
        ],
    }


def write(path, report, preset, images):
    """Writes the report.

    Args:
        path: Path, of the file.
        report: List of tuples of a `Paper`, its decided claims, and a
            dictionary from sources to `results.Result`.
        preset: String, `"paper"` or `"small"`.
        images: `pathlib.Path`, the folder of pictures.
    """
    import jinja2

    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined
    )
    text = environment.from_string(_TEMPLATE).render(
        title="What the papers claim, and what is found here",
        intro=_INTROS[preset],
        verdicts=_VERDICTS,
        parts=[_part(*item, images) for item in report],
    )
    pathlib.Path(path).write_text(text, encoding="utf-8")
