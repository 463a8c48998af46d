"""The report: one self-contained HTML file that needs no network."""

import base64
import hashlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skinprogress.comparison.calibration import REPEATABILITY
from skinprogress.comparison.findings import session_text
from skinprogress.comparison.photolight import MIXED_COLORS
from skinprogress.errors import PhotoError
from skinprogress.face.regions import REGIONS
from skinprogress.metrics.table import METRICS
from skinprogress.outputs.color_page import ROOM_SHOWN, colors_for_report, explain_colors
from skinprogress.outputs.composites import TOO_SOON, aligned_names
from skinprogress.outputs.files import write_whole
from skinprogress.outputs.fit import describe_photo_fit, list_hidden, scale_text
from skinprogress.outputs.groups import by_group
from skinprogress.outputs.light_page import MAPS_TEXT, lights_for_report, list_light_pairs, list_lights
from skinprogress.outputs.mark_pictures import marks_for_report
from skinprogress.outputs.misfitmap import NOT_FOR_PUBLICATION, alignments_for_report
from skinprogress.outputs.pairs import photo_name, render_pair, sessions_to_show, used_views
from skinprogress.outputs.pictures import embed_array, embed_file, size_of
from skinprogress.outputs.rows import MetricGroup, shared_flags
from skinprogress.outputs.skin_page import SKIN_TEXT, skin_for_report
from skinprogress.outputs.style import PAGE_SCALE, number_text
from skinprogress.outputs.summary import Summary, summarize
from skinprogress.outputs.wording import VIEW_TITLES, flag_texts, is_early, phase_text, sentence, taking_text
from skinprogress.records import ClientResult, Consent

if TYPE_CHECKING:
    from jinja2 import Environment

CHARTS = {
    "trend": "over the sessions",
    "face_map": "change drawn on the face",
    "change_map": "change since the baseline, by region and session",
}
"""Kind of chart, as it stands first in the file name, to what it shows."""
_SLIDER_PX, _COMPOSITE_PX, _CHART_PX, _THUMB_PX = 900, 1200, 1600, 150


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartPicture:
    """One chart of one metric for the report."""

    uri: str
    caption: str
    alt: str
    width: int
    height: int


def write_report(result: ClientResult, out: Path) -> list[Path]:
    """Write ``report.html`` with the charts and pictures that stand in `out`.

    Parameters
    ----------
    result : ClientResult
    out : Path
        Output folder.

    Returns
    -------
    list of Path

    Raises
    ------
    OutputError
        The file cannot be written.
    """
    return [write_whole(out / "report.html", render_report(result, out))]


def render_report(result: ClientResult, out: Path) -> str:
    """The report as HTML: styles, script and pictures inside, and a policy that forbids every connection.

    Parameters
    ----------
    result : ClientResult
    out : Path
        Folder with ``charts``, ``composites`` and ``aligned``; what is missing is left out.

    Returns
    -------
    str
    """
    style, script = _asset("report.css"), _asset("report.js")
    summary = summarize(result)
    return _environment().get_template("report.html.jinja").render(
        style=style,
        script=script,
        style_hash=_csp_hash(style),
        script_hash=_csp_hash(script),
        result=result,
        plan=result.plan,
        title=result.plan.course.label or result.client,
        period=_period(result),
        summary=summary,
        sessions=list(_sessions(result, summary, out)),
        rejected=[p for p in result.photos if p.status == "rejected"],
        used=[p for p in result.photos if p.status == "used"],
        names=_session_names(result),
        shared_flags=shared_flags([p for p in result.photos if p.status == "used"]),
        too_soon=TOO_SOON,
        sliders=list(_sliders(result)),
        composites=list(_composites(result, summary, out)),
        alignments=list(alignments_for_report(result)),
        not_for_publication=NOT_FOR_PUBLICATION,
        hidden=list_hidden(result),
        scale=scale_text(result.plan),
        consent=_consent_text(result.plan.course.consent),
        charts=_charts(summary, out),
        colors=list(colors_for_report(result)),
        color_lead=explain_colors(result),
        room_shown=ROOM_SHOWN,
        lights=list(lights_for_report(result)),
        maps_text=MAPS_TEXT,
        photo_lights=list_lights(result),
        light_pairs=list_light_pairs(result),
        mixed=number_text(MIXED_COLORS, 2),
        marks=list(marks_for_report(result)),
        skins=list(skin_for_report(result)),
        skin_text=SKIN_TEXT,
        metrics={title: [(m, _repeatability(m.name)) for m in found] for title, found in by_group(METRICS).items()},
        regions=list(REGIONS.values()),
        settings=asdict(result.settings),
        outputs=_output_titles(),
        level=f"{100 * result.settings.confidence_level:g} %",
    )  # fmt: skip


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
    environment.filters.update(
        session=session_text,
        flags=flag_texts,
        view=lambda view: VIEW_TITLES.get(view, view),
        slug=lambda word: word.replace(" ", "-"),
        number=lambda value, decimals: number_text(value, decimals) if value == value else "–",
        phase=phase_text,
        sentence=sentence,
        by_theme=_by_theme,
    )
    return environment


def _by_theme(groups: Iterable[MetricGroup]) -> list[tuple[str, tuple[MetricGroup, ...]]]:
    """Metrics under the titles of their groups, in the order of these."""
    found = list(groups)
    themes = by_group(g.metric.name for g in found)
    return [(theme, tuple(g for g in found if g.theme == theme)) for theme in themes]


def _asset(name: str) -> Any:
    from markupsafe import Markup

    # Our own text, and the only text that goes into the page unescaped.
    return Markup(resources.files("skinprogress.outputs").joinpath("templates", name).read_text("utf-8"))


def _csp_hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _period(result: ClientResult) -> str:
    if not result.sessions:
        return ""
    first, last = session_text(result.sessions[0]), session_text(result.sessions[-1])
    return first if first == last else f"{first} to {last}"


def _sessions(result: ClientResult, summary: Summary, out: Path) -> Iterable[dict[str, Any]]:
    """Every session with its place in the course, its role and its photos."""
    names = aligned_names(result)
    shared = shared_flags([p for p in result.photos if p.status == "used"])
    for session in result.sessions:
        role = ""
        if session == result.plan.baseline:
            role = "baseline"
        elif session in result.plan.covered_sessions:
            role = "cream on the skin: not compared"
        elif summary.pair is not None and session == summary.pair[1]:
            role = "latest" if summary.early else "outcome"
        photos = [
            {
                "row": p,
                "thumb": embed_file(out / "aligned" / names[p.file], max_side=_THUMB_PX, quality=80),
                "taken": taking_text(p),
                "remarks": [*flag_texts(p.flags & ~shared, with_remedy=True), *filter(None, [describe_photo_fit(p)])],
            }
            for p in result.photos
            if p.session == session and p.status == "used" and p.file in names
        ]
        phase = result.plan.phases.get(session)
        yield {"label": session, "when": phase_text(phase), "early": is_early(phase), "role": role, "photos": photos}


def _session_names(result: ClientResult) -> dict[str, str]:
    names = {i.ref.session: photo_name(i) for i in result.inspections.values()}
    return {session: names.get(session, session_text(session)) for session in {*result.sessions, *names}}


def _sliders(result: ClientResult) -> Iterable[dict[str, Any]]:
    for view in used_views(result):
        if sessions_to_show(result, view) is None:
            continue
        try:
            pair = render_pair(result, view=view)
        except PhotoError:
            continue  # the photos are gone; the page says what it knows without them
        phases = [result.plan.phases.get(s) for s in (pair.from_session, pair.to_session)]
        yield {
            "view": view,
            "pair": pair,
            "before": embed_array(pair.before, max_side=_SLIDER_PX),
            "after": embed_array(pair.after, max_side=_SLIDER_PX),
            "height": pair.before.shape[0],
            "width": pair.before.shape[1],
            "when": [phase_text(p) for p in phases],
            "early": is_early(phases[1]),
        }


def _composites(result: ClientResult, summary: Summary, out: Path) -> Iterable[dict[str, str]]:
    for view in used_views(result):
        uri = embed_file(out / "composites" / f"before_after_{view}.jpg", max_side=_COMPOSITE_PX)
        pair = sessions_to_show(result, view)
        if uri and pair:
            dates = f"Before ({session_text(pair[0])}) and after ({session_text(pair[1])})"
            yield {"uri": uri, "alt": f"{dates}, {VIEW_TITLES.get(view, view)} view. {summary.headline}"}


def _charts(summary: Summary, out: Path) -> list[dict[str, Any]]:
    """Charts by metric, in the order of the groups; the first that shows a change lies open."""
    found: dict[str, list[ChartPicture]] = {}
    folder = out / "charts"
    order = list(CHARTS)
    named = [(*_parse_chart_name(path.stem), path) for path in sorted(folder.glob("*.png"))]
    named.sort(key=lambda row: order.index(row[0]) if row[0] in order else len(order))
    for kind, metric, view, path in named:
        size = size_of(path)
        if metric and size and (uri := embed_file(path, max_side=_CHART_PX, quality=90)):
            caption = f"{METRICS[metric].title} {CHARTS.get(kind, kind.replace('_', ' '))}, {VIEW_TITLES[view]} view"
            says = [p.text for p in summary.points if p.metric == metric]
            alt = f"{caption}. {' '.join(says) or 'No change could be shown.'}"
            width, height = (round(px * PAGE_SCALE) for px in size)
            picture = ChartPicture(uri=uri, caption=caption, alt=alt, width=width, height=height)
            found.setdefault(metric, []).append(picture)
    real = {g.metric.name for g in summary.groups if g.shown}
    theme_of = {m.name: title for title, metrics in by_group(found).items() for m in metrics}
    ordered = list(theme_of)
    first = next((name for name in ordered if name in real), ordered[0] if ordered else "")
    return [
        {"metric": METRICS[name], "theme": theme_of[name], "pictures": found[name], "open": name == first}
        for name in ordered
    ]


def _parse_chart_name(stem: str) -> tuple[str, str, str]:
    """``trend_relative_redness_front`` to kind, metric and view; the longest metric name that fits is meant."""
    view = next((v for v in VIEW_TITLES if stem.endswith(f"_{v}")), "")
    rest = stem.removesuffix(f"_{view}")
    metric = max((m for m in METRICS if view and rest.endswith(f"_{m}")), key=len, default="")
    return rest.removesuffix(f"_{metric}"), metric, view


def _consent_text(consent: Consent) -> str:
    if consent.publish is None:
        return "Consent to publish: not recorded. Ask before you show these pictures to anybody."
    if not consent.publish:
        return "Consent to publish: refused."
    scope = f" for {', '.join(consent.scope)}" if consent.scope else ""
    until = f", until {session_text(consent.until.isoformat())}" if consent.until else ""
    return f"Consent to publish: given{scope}{until}."


def _repeatability(metric: str) -> str:
    row, decimals = REPEATABILITY.get(metric), METRICS[metric].decimals
    if row is None:
        return "not calibrated"
    if row.scale == "root":
        return f"{number_text(row.session, 1)} × √value {METRICS[metric].unit}"
    if row.scale == "value":
        return f"{100 * row.session:.0f} % of the value"
    return f"{number_text(row.session, decimals)} {METRICS[metric].unit}"


def _output_titles() -> list[tuple[str, str]]:
    # Here and not above: the table of outputs holds this report.
    from skinprogress.outputs.table import OUTPUTS

    return [(output.name, output.title) for output in OUTPUTS.values()]
