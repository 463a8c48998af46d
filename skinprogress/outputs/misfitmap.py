"""The alignment picture: both photos as a checkerboard, and how far details are expected to lie off, by region."""

import contextlib
import io
import math
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from skinprogress.errors import PhotoError
from skinprogress.face.regions import WHOLE_FACE
from skinprogress.outputs import style
from skinprogress.outputs.alignment import Rgb
from skinprogress.outputs.catalogue import text
from skinprogress.outputs.composites import encode_jpeg
from skinprogress.outputs.facelabels import draw_labels
from skinprogress.outputs.files import write_whole
from skinprogress.outputs.fit import describe_fit
from skinprogress.outputs.once import once
from skinprogress.outputs.pairs import photo_name, used_views
from skinprogress.outputs.pictures import Embed
from skinprogress.outputs.registration_view import LaidOver, eye_distance_mm, lay_over, photo_to_check
from skinprogress.records import ClientResult

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FULL_COLOR_PERCENT = 0.5
"""Misfit at which the colours are full; what was found again lies within it."""
# Even steps for every kind of colour vision, and never the grey of what was not found again.
_PALETTE = "viridis_r"
_MARGIN_IN, _BAR_IN, _TOP_IN = 1.25, 0.95, 0.62
_JPEG_QUALITY, _WEBP_QUALITY = 75, 80


def plot_alignment(laid: LaidOver) -> "Figure":
    """Draw the checkerboard of both photos beside the misfit of each region, with what must be said of them.

    Parameters
    ----------
    laid : LaidOver

    Returns
    -------
    Figure
    """
    with style.chart_style():
        face_w, face_h = _face_in(laid)
        width = 2 * face_w + 2 * _MARGIN_IN + 0.3
        foot = [line for told in explain(laid) for line in textwrap.wrap(told, int(15.5 * width))]
        bottom = _BAR_IN + 0.16 * len(foot) + 0.2
        height = bottom + face_h + _TOP_IN
        figure = style.new_figure(width, height)
        board = figure.add_axes((0.16 / width, bottom / height, face_w / width, face_h / height))
        board.imshow(laid.checkerboard, aspect="auto", interpolation="none")
        board.set_axis_off()
        _draw_misfit(figure, laid, left_in=0.3 + face_w + _MARGIN_IN, bottom_in=bottom)
        names = " and ".join(style.printable(name) for name in laid.names)
        style.draw_heading(figure, f"How {names} lie over each other", "")
        figure.text(
            0.16 / width,
            1 - 0.36 / height,
            text("alignment.not_for_publication"),
            fontsize=8.5,
            weight="bold",
            va="top",
        )
        below = 0.16 / width, (bottom - 0.1) / height
        figure.text(*below, "squares of both photos in turn", fontsize=7, color=style.MUTED, va="top")
        for i, line in enumerate(reversed(foot)):
            figure.text(0.16 / width, (0.14 + 0.16 * i) / height, line, fontsize=7.5, va="bottom")
    return figure


def explain(laid: LaidOver) -> list[str]:
    """What is said below an alignment picture: fit, colour and brightness, one text each."""
    told = [describe_fit(laid.registration, laid.iod_mm), laid.color_text]
    if laid.brightness != 1.0:
        told.append(
            f"The photo on top was made {style.number_text(laid.brightness, 2)} times as bright, to look like the "
            "reference photo; nothing was measured from this picture."
        )
    return told


def figure_rgb(figure: "Figure") -> Rgb:
    """A figure as pixels, (h, w, 3) uint8."""
    from PIL import Image

    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=style.CHART_DPI)
    return np.asarray(Image.open(buffer).convert("RGB"), np.uint8)


def write_alignments(result: ClientResult, out: Path) -> list[Path]:
    """Write ``composites/alignment_{view}.jpg`` for every view whose last session was registered on another photo.

    Parameters
    ----------
    result : ClientResult
    out : Path
        Output folder.

    Returns
    -------
    list of Path
        A view whose photos can no longer be read is left out.

    Raises
    ------
    OutputError
        A file cannot be written.
    """
    written = []
    for view in used_views(result):
        if (photo := photo_to_check(result, view)) is None:
            continue
        try:
            laid = lay_over_once(result, photo)
        except PhotoError:
            continue  # photos moved away since they were measured: the numbers stay true
        data = encode_jpeg(_draw_sheet(laid), quality=_JPEG_QUALITY)
        written.append(write_whole(out / "composites" / f"alignment_{view}.jpg", data))
    return written


lay_over_once = once(lay_over)


@once
def _draw_sheet(laid: LaidOver) -> Rgb:
    return figure_rgb(plot_alignment(laid))


def _misfit_of(sheet: Rgb, laid: LaidOver) -> Rgb:
    """The part of an alignment picture that shows the misfit: drawn once, for the file and for the page."""
    face_w, face_h = _face_in(laid)
    top, left = (round(inches * style.CHART_DPI) for inches in (_TOP_IN, 0.3 + face_w))
    return sheet[top : top + round((face_h + _BAR_IN) * style.CHART_DPI), left:]


def alignments_for_report(result: ClientResult, embed: Embed) -> Iterator[dict[str, Any]]:
    """What the report shows of each view: how well its last session lies over the reference photo, with pictures.

    Yields
    ------
    dict
        ``view``, ``names`` of both photos, ``fit`` (sentences), and ``looks``: name, description and picture of each
        way to look at the pair, empty where a photo can no longer be read.
    """
    for view in used_views(result):
        if (photo := photo_to_check(result, view)) is None:
            continue
        reference = result.inspections[result.plan.reference_of[view]]
        found: dict[str, Any] = {
            "view": view,
            "names": (photo_name(reference), photo_name(photo)),
            "fit": describe_fit(result.registrations[photo.ref.file], eye_distance_mm(result, reference)),
            "looks": (),
        }
        with contextlib.suppress(PhotoError):  # the photos are gone; the page says what it knows without them
            found |= _looks(lay_over_once(result, photo), embed)
        yield found


def _looks(laid: LaidOver, embed: Embed) -> dict[str, Any]:
    before, after = laid.names
    looks = (
        ("squares", {"before": before, "after": after}, laid.checkerboard),
        ("reference", {"before": before}, laid.reference),
        ("aligned", {"after": after}, laid.aligned),
    )
    misfit = _misfit_of(_draw_sheet(laid), laid)
    labels = [f"{style.region_title(r)} {_label(laid, r)}" for r in _shown(laid)]
    return {
        "looks": [
            (text(f"alignment.{name}"), text(f"alignment.{name}_alt", **names), embed(rgb, quality=_WEBP_QUALITY))
            for name, names, rgb in looks
        ],
        "height": laid.face.shape[0],
        "width": laid.face.shape[1],
        "misfit": {
            "uri": embed(misfit, quality=_WEBP_QUALITY),
            "caption": text("alignment.misfit"),
            "alt": text("alignment.misfit_alt", regions="; ".join(labels)),
            "height": round(misfit.shape[0] * style.PAGE_SCALE),
            "width": round(misfit.shape[1] * style.PAGE_SCALE),
        },
        "notes": explain(laid)[1:],
    }


def _face_in(laid: LaidOver) -> tuple[float, float]:
    height, width = laid.face.shape
    return width / style.CHART_DPI, height / style.CHART_DPI


def _draw_misfit(figure: "Figure", laid: LaidOver, *, left_in: float, bottom_in: float) -> None:
    """Draw the face with its regions, their names in the margins, and the scale below it."""
    from matplotlib import colormaps
    from matplotlib.patches import Polygon

    width, height = figure.get_figwidth(), figure.get_figheight()
    face_w, face_h = _face_in(laid)
    ax = figure.add_axes((left_in / width, bottom_in / height, face_w / width, face_h / height))
    grey = cv2.cvtColor(laid.reference, cv2.COLOR_RGB2GRAY).astype(np.float32)
    h, w = grey.shape
    ax.imshow(130 + 0.45 * grey, cmap="gray", vmin=0, vmax=255, extent=(0, w, h, 0), aspect="auto")
    ax.set(xlim=(0, w), ylim=(h, 0))
    ax.set_axis_off()
    misfit, shown = laid.registration.misfit_percent_iod, _shown(laid)
    for region in shown:
        found = region in laid.registration.accepted
        color = colormaps[_PALETTE](min(misfit[region] / FULL_COLOR_PERCENT, 1.0)) if found else style.NOT_COMPARABLE
        look = {"alpha": 0.85} if found else {"hatch": "////", "alpha": 0.8}
        for polygon in laid.outlines_xy[region]:
            ax.add_patch(Polygon(polygon, fc=color, ec=style.PAPER if found else "#8d959b", lw=0.9, zorder=3, **look))
    lines = {r: (style.region_title(r), _label(laid, r)) for r in shown}
    draw_labels(ax, lines, laid.outlines_xy, frozenset(), _MARGIN_IN * style.CHART_DPI)
    _draw_scale(figure, laid, left_in=left_in + 0.1 * face_w, width_in=0.8 * face_w, bottom_in=bottom_in - 0.45)


def _shown(laid: LaidOver) -> list[str]:
    known = laid.registration.misfit_percent_iod
    return [r for r in style.ordered_regions(laid.outlines_xy) if r in known and r != WHOLE_FACE]


def _label(laid: LaidOver, region: str) -> str:
    value = laid.registration.misfit_percent_iod[region]
    if region in laid.registration.accepted:
        return f"{style.number_text(value, 2)} %"
    return "not seen" if math.isnan(value) else "landmarks only"


def _draw_scale(figure: "Figure", laid: LaidOver, *, left_in: float, width_in: float, bottom_in: float) -> None:
    """Draw the key of the colours: % of the distance between the eyes above, millimetres below."""
    width, height = figure.get_figwidth(), figure.get_figheight()
    ax = figure.add_axes((left_in / width, bottom_in / height, width_in / width, 0.09 / height))
    ax.imshow(
        np.linspace(0, 1, 256)[None], cmap=_PALETTE, extent=(0, FULL_COLOR_PERCENT, 0, 1), aspect="auto", alpha=0.85
    )
    ax.set(yticks=[], xticks=np.linspace(0, FULL_COLOR_PERCENT, 6))
    ax.xaxis.set_major_formatter(lambda value, _: f"{'≥ ' if value >= FULL_COLOR_PERCENT else ''}{value:.1f} %")
    ax.xaxis.tick_top()
    ax.tick_params(length=2, labelsize=6.5, width=0.5)
    for spine in ax.spines.values():
        spine.set_visible(False)
    for mm in np.arange(0, FULL_COLOR_PERCENT / 100 * laid.iod_mm + 1e-6, 0.1):
        ax.text(100 * mm / laid.iod_mm, -0.5, f"{mm:.1f} mm", ha="center", va="top", fontsize=6.5, color=style.MUTED)
    x = (left_in + width_in / 2) / width
    words = "how far details are expected to lie off: % of the distance between the eyes, and mm"
    figure.text(x, (bottom_in - 0.34) / height, words, ha="center", va="center", fontsize=6.5, color=style.MUTED)
