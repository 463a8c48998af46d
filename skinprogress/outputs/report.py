"""The report: one self-contained HTML file that needs no network, or one with its pictures in a folder beside it."""

import base64
import hashlib
import warnings
from collections.abc import Iterable, Sequence
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skinprogress.comparison.photolight import MIXED_COLORS
from skinprogress.comparison.quoted import QUOTES, quote_text
from skinprogress.comparison.sentences import session_text
from skinprogress.face.regions import REGIONS
from skinprogress.metrics.table import METRICS
from skinprogress.outputs.care import list_care, list_quotes
from skinprogress.outputs.catalogue import text
from skinprogress.outputs.chart_pictures import (
    ChartFile,
    client_charts,
    list_charts,
    measure_charts,
    name_others,
    overview_charts,
    recovery_charts,
)
from skinprogress.outputs.chosen import better_of
from skinprogress.outputs.client_words import describe_for_client
from skinprogress.outputs.color_page import colors_for_report, explain_colors
from skinprogress.outputs.composing.consent import rule_for_outputs
from skinprogress.outputs.files import write_whole
from skinprogress.outputs.fit import list_hidden, scale_text
from skinprogress.outputs.groups import by_group
from skinprogress.outputs.light_page import lights_for_report, list_light_pairs, list_lights
from skinprogress.outputs.mark_pictures import marks_for_report
from skinprogress.outputs.method import describe_calibration, list_facts, list_repeatability
from skinprogress.outputs.misfitmap import alignments_for_report
from skinprogress.outputs.pairs import photo_name, used_views
from skinprogress.outputs.pdf import print_pdf
from skinprogress.outputs.photo_page import list_rejected, list_sessions, shared_remarks, used_photos
from skinprogress.outputs.pictures import Pictures, size_of
from skinprogress.outputs.rows import MetricGroup
from skinprogress.outputs.skin_page import skin_for_report
from skinprogress.outputs.style import number_text
from skinprogress.outputs.summary import Summary, summarize
from skinprogress.outputs.trends import list_trends
from skinprogress.outputs.viewer import viewer_for_report
from skinprogress.outputs.wording import VIEW_TITLES, flag_texts, phase_text, sentence
from skinprogress.records import ClientResult
from skinprogress.settings import OutputOptions

if TYPE_CHECKING:
    from jinja2 import Environment

_COMPOSITES = ("before_after", "regions")
_COMPOSITE_PX = 1500


def write_report(result: ClientResult, out: Path, *, options: OutputOptions | None = None) -> list[Path]:
    """Write ``report.html`` with the charts and pictures that stand in `out`.

    Parameters
    ----------
    result : ClientResult
    out : Path
        Output folder.
    options : OutputOptions, optional
        With ``assets`` the pictures go to ``report_files/``; with ``pdf`` the page is printed to ``report.pdf`` too.

    Returns
    -------
    list of Path
        The report first.

    Warns
    -----
    UserWarning
        A PDF was asked for and could not be made: why, and how to get one.

    Raises
    ------
    OutputError
        A file cannot be written.
    """
    chosen = options or OutputOptions()
    with Pictures(out, assets=chosen.assets) as pictures:
        html = pictures.fill(_render(result, out, chosen, pictures))
        # The page last: while it is there, so are its pictures.
        written = [write_whole(out / "report.html", html), *pictures.files]
    if chosen.pdf:
        pdf = out / "report.pdf"
        if why_not := print_pdf(written[0], pdf):
            warnings.warn(why_not, stacklevel=2)
        else:
            written.append(pdf)
    return written


def render_report(result: ClientResult, out: Path, *, options: OutputOptions | None = None) -> str:
    """The report as HTML: styles, script and pictures inside, and a policy that forbids every connection.

    Parameters
    ----------
    result : ClientResult
    out : Path
        Folder with ``charts``, ``composites`` and ``aligned``; what is missing is left out.
    options : OutputOptions, optional
        With ``assets`` the pictures are written to ``report_files/`` in `out`.

    Returns
    -------
    str
    """
    chosen = options or OutputOptions()
    with Pictures(out, assets=chosen.assets) as pictures:
        return pictures.fill(_render(result, out, chosen, pictures))


def _render(result: ClientResult, out: Path, options: OutputOptions, pictures: Pictures) -> str:
    """The page with place holders for its pictures."""
    style, script = _assets("report.css", "viewer.css"), _assets("report.js", "viewer.js")
    summary = summarize(result)
    charts, names = list_charts(out), _session_names(result)
    shared = {
        "style": style,
        "script": script,
        "style_hash": _csp_hash(style),
        "script_hash": _csp_hash(script),
        "image_sources": "'self'" if options.assets else "data:",
        "options": options,
        "contents": [],
        "result": result,
        "plan": result.plan,
        "title": result.plan.course.label or result.client,
        "about": _about(result),
        "period": _period(result),
        "summary": summary,
        "names": names,
        "better": {name: better_of(result, name) for name in METRICS},
        "viewers": viewer_for_report(result, pictures.embed, plain=options.audience == "client"),
        "composites": _composites(result, summary, names, out, pictures),
        "consent": rule_for_outputs(result.plan.course.consent, options),
        "sessions": list(list_sessions(result, summary, out, pictures.embed)),
        "rejected": list(list_rejected(result, pictures.embed)),
        "level": f"{100 * result.settings.confidence_level:g} %",
    }
    if options.audience == "client":
        shared["words"] = describe_for_client(result, summary, names)
        shared["overviews"] = client_charts(result, summary, charts, shared["words"].headline, pictures.embed)
    else:
        shared |= _for_clinician(result, summary, charts, out, pictures)
    return _environment().get_template("report.html.jinja").render(shared)


def _for_clinician(
    result: ClientResult, summary: Summary, charts: Sequence[ChartFile], out: Path, pictures: Pictures
) -> dict[str, Any]:
    """What the clinician's version shows besides."""
    embed = pictures.embed
    shown = measure_charts(summary, charts, embed)
    return {
        "answers": _answers(summary),
        "views": used_views(result),
        "care": list_care(result),
        "overviews": overview_charts(summary, charts, embed),
        "charts": shown,
        "more_charts": name_others(charts, [c["metric"].name for c in shown]),
        "trend_rows": list_trends(result),
        "recovery_charts": list(recovery_charts(result, out, embed)),
        "quoted_redness": quote_text(QUOTES["redness"]),
        "quoted_bony": quote_text(QUOTES["redness_bony"]),
        "quotes": list(list_quotes()),
        "marks": list(marks_for_report(result, embed)),
        "skins": list(skin_for_report(result, embed)),
        "shared_remarks": shared_remarks(result),
        "hidden": list_hidden(result),
        "colors": list(colors_for_report(result, embed)),
        "color_lead": explain_colors(result),
        "lights": list(lights_for_report(result, embed)),
        "photo_lights": list_lights(result),
        "light_pairs": list_light_pairs(result),
        "mixed": number_text(MIXED_COLORS, 2),
        "alignments": list(alignments_for_report(result, embed)),
        "not_for_publication": text("alignment.not_for_publication"),
        "scale": scale_text(result.plan),
        "calibration": describe_calibration(result.settings.calibration),
        "metrics": list_repeatability(result.settings.calibration),
        "regions": list(REGIONS.values()),
        "facts": list(list_facts(result)),
        "outputs": _output_titles(),
    }


@lru_cache(maxsize=1)
def _environment() -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined

    # autoescape=True and not select_autoescape(): that one looks at the suffix and leaves *.jinja unescaped.
    environment = Environment(
        loader=PackageLoader("skinprogress.outputs"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["t"] = text
    environment.filters.update(
        session=session_text,
        flags=flag_texts,
        view=lambda view: VIEW_TITLES.get(view, view),
        slug=lambda word: word.replace(" ", "-"),
        number=lambda value, decimals: number_text(value, decimals) if value == value else "–",
        phase=phase_text,
        sentence=sentence,
        capital=lambda words: words[:1].upper() + words[1:],
        by_theme=_by_theme,
    )
    return environment


def _by_theme(groups: Iterable[MetricGroup]) -> list[tuple[str, tuple[MetricGroup, ...]]]:
    """Metrics under the titles of their groups, in the order of these."""
    found = list(groups)
    themes = by_group(g.metric.name for g in found)
    return [(theme, tuple(g for g in found if g.theme == theme)) for theme in themes]


def _assets(*names: str) -> Any:
    """Our own styles or scripts, one after the other: the only text that goes into the page unescaped."""
    from markupsafe import Markup

    templates = resources.files("skinprogress.outputs").joinpath("templates")
    return Markup("\n".join(templates.joinpath(name).read_text("utf-8") for name in names))


def _csp_hash(code: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()


def _about(result: ClientResult) -> list[str]:
    """Period, sessions and photos in a few words each."""
    n_rejected = sum(p.status == "rejected" for p in result.photos)
    counts = [text("top.sessions", n=len(result.sessions)), text("top.photos", n=len(used_photos(result)))]
    rejected = [text("top.rejected", n=n_rejected)] if n_rejected else []
    return [*filter(None, [_period(result)]), *counts, *rejected]


def _period(result: ClientResult) -> str:
    if not result.sessions:
        return ""
    first, last = session_text(result.sessions[0]), session_text(result.sessions[-1])
    return first if first == last else text("top.period", first=first, last=last)


def _session_names(result: ClientResult) -> dict[str, str]:
    names = {i.ref.session: photo_name(i) for i in result.inspections.values()}
    return {session: names.get(session, session_text(session)) for session in {*result.sessions, *names}}


def _answers(summary: Summary) -> list[tuple[str, list[str]]]:
    """What a reader asks first, each with its answers; questions without any are left out."""
    changed = [p.text for p in summary.points if not p.again]
    told = {
        "lead.so_far" if summary.early else "lead.changed": (*changed, *summary.bounds),
        "lead.unchanged": summary.steady,
        "lead.unsaid": summary.unsaid,
        "lead.sure": summary.sure,
        "lead.maintenance": summary.maintenance,
        "lead.course": summary.course,
        "lead.remedies": summary.remedies,
    }
    return [(text(key), [words[:1].upper() + words[1:] for words in texts]) for key, texts in told.items() if texts]


def _composites(
    result: ClientResult, summary: Summary, names: dict[str, str], out: Path, pictures: Pictures
) -> list[tuple[str, list[dict[str, Any]]]]:
    """The composites that stand in the folder, by kind."""
    found: list[tuple[str, list[dict[str, Any]]]] = []
    for kind in _COMPOSITES:
        rows = []
        for view in used_views(result):
            path = out / "composites" / f"{kind}_{view}.jpg"
            if (size := size_of(path)) is None or summary.pair is None:
                continue
            title = text(f"pictures.kind.{kind}")
            before, after = (names[s] for s in summary.pair)
            alt = text(
                "pictures.alt", kind=title, before=before, after=after, view=VIEW_TITLES[view], finding=summary.headline
            )
            uri = pictures.embed(path, max_side=_COMPOSITE_PX)
            rows.append({"uri": uri, "alt": alt, "width": size[0], "height": size[1]})
        if rows:
            found.append((kind, rows))
    return found


def _output_titles() -> list[tuple[str, str]]:
    # Here and not above: the table of outputs holds this report.
    from skinprogress.outputs.table import OUTPUTS

    return [(output.name, output.title) for output in OUTPUTS.values()]
