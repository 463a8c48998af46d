"""The report: one self-contained HTML file that needs no network."""

import base64
import hashlib
from collections.abc import Iterable
from datetime import date
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skinprogress.comparison.photolight import MIXED_COLORS
from skinprogress.comparison.quoted import QUOTES, quote_text
from skinprogress.comparison.sentences import session_text
from skinprogress.errors import PhotoError
from skinprogress.face.regions import REGIONS
from skinprogress.outputs.care import list_care, list_quotes
from skinprogress.outputs.chart_pictures import charts_for_report, recovery_charts
from skinprogress.outputs.color_page import ROOM_SHOWN, colors_for_report, explain_colors
from skinprogress.outputs.composites import aligned_names
from skinprogress.outputs.files import write_whole
from skinprogress.outputs.fit import describe_photo_fit, list_hidden, scale_text
from skinprogress.outputs.groups import by_group
from skinprogress.outputs.light_page import MAPS_TEXT, lights_for_report, list_light_pairs, list_lights
from skinprogress.outputs.mark_pictures import marks_for_report
from skinprogress.outputs.method import describe_calibration, list_repeatability, list_settings
from skinprogress.outputs.misfitmap import NOT_FOR_PUBLICATION, alignments_for_report
from skinprogress.outputs.pairs import photo_name, render_pair, sessions_to_show, used_views
from skinprogress.outputs.pictures import embed_array, embed_file
from skinprogress.outputs.rows import MetricGroup, shared_flags
from skinprogress.outputs.skin_page import SKIN_TEXT, skin_for_report
from skinprogress.outputs.style import number_text
from skinprogress.outputs.summary import Summary, summarize
from skinprogress.outputs.trends import list_trends
from skinprogress.outputs.wording import (
    VIEW_TITLES,
    caution_text,
    flag_texts,
    is_early,
    phase_text,
    sentence,
    taking_text,
)
from skinprogress.records import ClientResult, Consent
from skinprogress.settings import OutputOptions

if TYPE_CHECKING:
    from jinja2 import Environment

_ROLES: dict[str | None, str] = {"early": "early result", "most settled": "most settled"}
_SLIDER_PX, _COMPOSITE_PX, _THUMB_PX = 900, 1200, 150


def write_report(result: ClientResult, out: Path, *, options: OutputOptions | None = None) -> list[Path]:
    """Write ``report.html`` with the charts and pictures that stand in `out`.

    Parameters
    ----------
    result : ClientResult
    out : Path
        Output folder.
    options : OutputOptions, optional

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
        sliders=list(_sliders(result)),
        composites=list(_composites(result, summary, out)),
        alignments=list(alignments_for_report(result)),
        not_for_publication=NOT_FOR_PUBLICATION,
        hidden=list_hidden(result),
        scale=scale_text(result.plan),
        consent=_consent_text(result.plan.course.consent, latest=_last_day(result)),
        charts=charts_for_report(summary, out),
        recovery_charts=list(recovery_charts(result, out)),
        quoted_redness=quote_text(QUOTES["redness"]),
        quoted_bony=quote_text(QUOTES["redness_bony"]),
        quotes=list(list_quotes()),
        care=list_care(result),
        trend_rows=list_trends(result),
        calibration=describe_calibration(result.settings.calibration),
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
        metrics=list_repeatability(result.settings.calibration),
        regions=list(REGIONS.values()),
        settings=list_settings(result.settings),
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
            role = "latest" if summary.early else _ROLES.get(summary.kind, "outcome")
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
            "caution": caution_text(phases[1]),
        }


def _composites(result: ClientResult, summary: Summary, out: Path) -> Iterable[dict[str, str]]:
    for view in used_views(result):
        uri = embed_file(out / "composites" / f"before_after_{view}.jpg", max_side=_COMPOSITE_PX)
        pair = sessions_to_show(result, view)
        if uri and pair:
            dates = f"Before ({session_text(pair[0])}) and after ({session_text(pair[1])})"
            yield {"uri": uri, "alt": f"{dates}, {VIEW_TITLES.get(view, view)} view. {summary.headline}"}


def _last_day(result: ClientResult) -> date | None:
    return max((p.taken_at.date() for p in result.photos if p.taken_at is not None), default=None)


def _consent_text(consent: Consent, *, latest: date | None = None) -> str:
    if consent.publish is None:
        return "Consent to publish: not recorded. Ask before you show these pictures to anybody."
    if not consent.publish:
        return "Consent to publish: refused."
    scope = f" for {', '.join(consent.scope)}" if consent.scope else ""
    until = f", until {session_text(consent.until.isoformat())}" if consent.until else ""
    late = consent.until is not None and latest is not None and latest > consent.until
    return f"Consent to publish: given{scope}{until}.{' It ended before the last photo: ask again.' if late else ''}"


def _output_titles() -> list[tuple[str, str]]:
    # Here and not above: the table of outputs holds this report.
    from skinprogress.outputs.table import OUTPUTS

    return [(output.name, output.title) for output in OUTPUTS.values()]
