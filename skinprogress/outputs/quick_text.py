"""Text that is drawn as outlines where it becomes px, and stays text in vector files.

matplotlib sets and renders each text anew, letter by letter; a map of changes has five hundred, most of them alike.
"""

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from skinprogress.outputs import style

if TYPE_CHECKING:
    from matplotlib.path import Path
    from matplotlib.text import Text


@lru_cache(maxsize=4096)
def _outline(text: str, bold: bool) -> "tuple[Path, float]":
    """Outlines of one line of text of size 1, its baseline at the origin, and its width."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.path import Path
    from matplotlib.textpath import text_to_path

    font = FontProperties(family=list(style.font_families()), weight="bold" if bold else "normal")
    # The size that outlines are kept at: scaling them loses nothing.
    size = text_to_path.FONT_SCALE
    vertices, codes = text_to_path.get_text_path(font, text)
    width = text_to_path.get_text_width_height_descent(text, font.copy(), False)[0] / font.get_size_in_points()
    return Path(np.asarray(vertices, np.float64).reshape(-1, 2) / size, codes), width


@lru_cache(maxsize=2)
def _heights(bold: bool) -> tuple[float, float]:
    """Height of a line above and below its baseline, of size 1: those of the letters l and p."""
    font = style.chart_font(bold=bold)
    font.set_size(100.0, 72.0)
    font.set_text("lp")
    return (font.get_width_height()[1] - font.get_descent()) / 6400.0, font.get_descent() / 6400.0


@lru_cache(maxsize=1)
def quick_text_class() -> "type[Text]":
    """The class of such texts: lines without breaks, level or upright, set as :class:`matplotlib.text.Text` sets them.

    Made on first use, so that importing the charts loads no matplotlib.
    """
    from matplotlib.backend_bases import RendererBase
    from matplotlib.colors import to_rgba
    from matplotlib.text import Text
    from matplotlib.transforms import Affine2D

    class QuickText(Text):
        def draw(self, renderer: RendererBase) -> None:
            if not (self.get_visible() and self.get_text()):
                return
            bold, turned = self.get_fontweight() == "bold", self.get_rotation() == 90.0
            path, width = _outline(self.get_text(), bold)
            above, below = _heights(bold)
            along = {"left": 0.0, "center": -width / 2, "right": -width}
            across = {"baseline": 0.0, "bottom": below, "top": -above, "center_baseline": -above / 2}
            ha, va = self.get_horizontalalignment(), self.get_verticalalignment()
            upright = (above - below) / 2, {"top": -width, "bottom": 0.0}.get(va, -width / 2)
            shift = np.array(upright if turned else (along[ha], across[va]))
            scale = float(np.asarray(renderer.points_to_pixels(self.get_fontsize())))
            x, y = self.get_transform().transform(self.get_position()) + scale * shift
            angle = 90.0 if turned else 0.0
            gc = renderer.new_gc()
            if renderer.option_scale_image():  # a vector file
                gc.set_foreground(self.get_color())
                y = renderer.get_canvas_width_height()[1] - y if renderer.flipy() else y
                renderer.draw_text(gc, x, y, self.get_text(), self.get_fontproperties(), angle, mtext=self)
            else:
                gc.set_linewidth(0.0)
                place = Affine2D().rotate_deg(angle).scale(scale).translate(x, y)
                renderer.draw_path(gc, path, place, to_rgba(self.get_color()))
            gc.restore()

    return QuickText
