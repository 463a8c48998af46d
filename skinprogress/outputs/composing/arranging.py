"""Where everything in a composite lies: photos and words have places of their own, so that nothing overlaps."""

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from skinprogress.outputs.composing.captions import footer_lines
from skinprogress.outputs.composing.plates import ONE_PANEL, Line, Plate, Spot, Strip, canvas_size, face_of
from skinprogress.outputs.composing.recipe import Recipe
from skinprogress.outputs.lettering import line_px, wrap
from skinprogress.outputs.style import INK, MUTED

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

# Side of a square as large as all photos together, in letters of the usual size; narrower pictures get a margin.
_LETTERS_A_SIDE, _LETTERS_WIDE = 32, 24
_SMALLEST_PX = 13
_MOST_LINES = 2
# Columns stand so many letters apart at most for the sake of a long word; warnings take so many lines at a photo.
_WIDEST_WORD, _MOST_WARNING_LINES = 9, 3


def arrange(recipe: Recipe) -> Plate:
    """Find the place of everything in a composite.

    Parameters
    ----------
    recipe : Recipe
        Its frames are all of one size.

    Returns
    -------
    Plate
    """
    return _Arrangement(recipe).plate()


class _Arrangement:
    """One composite, from top to bottom."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe, self.options = recipe, recipe.options
        self.width, self.height = recipe.frames[0].width_px, recipe.frames[0].height_px
        self.single = self.options.layout in ONE_PANEL
        self.columns = 1 if self.single else recipe.columns
        self.rows = 1 if self.single else -(-len(recipe.frames) // self.columns)
        side = math.sqrt(self.columns * self.width * self.rows * self.height)
        self.letter = max(_SMALLEST_PX, round(self.options.label_scale * side / _LETTERS_A_SIDE))
        self.gap = max(4, round(0.45 * self.letter))
        self.margin = round(0.9 * self.letter)
        # Sessions of one region stand close together, those of the next one in the row further off.
        self.block = len(dict.fromkeys(f.session for f in recipe.frames))
        self.apart = self.letter if self.options.layout == "regions" else 0
        self.column = max(self.width, self._longest_word())
        self.photos_width = self._offset(self.columns - 1) + self.column
        self.inner = max(self.photos_width, round(_LETTERS_WIDE * self.letter / max(1.0, self.options.label_scale)))
        self.pad = round(0.35 * self.letter)
        self.labels = [self._label(k) for k in range(len(recipe.frames))]
        self.gathered = self._are_gathered()
        self.lines: list[Line] = []
        self.strips: list[Strip] = []
        self.panels: list[Spot] = []
        self.bar: Spot | None = None

    def plate(self) -> Plate:
        y = self.margin
        if self.options.footer_place == "top":
            y = self._add_footer(y) + round(0.5 * self.letter)
        regions = self.options.layout == "regions"
        if regions and self.options.label_place == "top":
            y = self._add_column_heads(y)
        for row in range(self.rows):
            y = (self._add_region_row if regions else self._add_row)(row, y)
            y += self._pitch() if row < self.rows - 1 else 0
        if regions and self.options.label_place == "bottom":
            y = self._add_column_heads(y + round(0.3 * self.letter))
        if self.gathered:
            y = self._add_gathered(y + round(0.55 * self.letter))
        if self.options.footer_place == "bottom":
            y = self._add_footer(y + round(0.55 * self.letter))
        content = self.inner + 2 * self.margin, y + round(0.8 * self.margin)
        if self.options.shape == "original":
            return self._moved(content, content)
        width, height = canvas_size(self.options)
        # Nothing is cut off, whatever the recipe says.
        return self._moved((max(width, content[0]), max(height, content[1])), content)

    def _pitch(self) -> int:
        """Space between two rows of photos."""
        has_words = any(f.label or f.title for f in self.recipe.frames)
        return round(0.7 * self.letter) if has_words else self.gap

    def _moved(self, size: tuple[int, int], content: tuple[int, int]) -> Plate:
        dx, dy = (max(0, (whole - part) // 2) for whole, part in zip(size, content, strict=True))
        return Plate(
            size=size,
            content=content,
            panels=tuple((x + dx, y + dy) for x, y in self.panels),
            letter_px=self.letter,
            lines=tuple(replace(line, xy=(line.xy[0] + dx, line.xy[1] + dy)) for line in self.lines),
            strips=tuple(
                replace(b, box=(b.box[0] + dx, b.box[1] + dy, b.box[2] + dx, b.box[3] + dy)) for b in self.strips
            ),
            bar=None if self.bar is None else (self.bar[0] + dx, self.bar[1] + dy),
        )

    def _add_row(self, row: int, y: int) -> int:
        """A row of photos, warnings right below them, labels above or below; gives where it ends."""
        every = range(len(self.recipe.frames))
        shown = every if self.single else every[row * self.columns : (row + 1) * self.columns]
        words = max(self._height(self.labels[k]) for k in shown)
        space = round(0.35 * self.letter) if words else 0
        on_top = self.options.label_place == "top"
        photo_y = y + words + space if on_top else y
        warned = self._strip_height(shown)
        end = photo_y + self.height + warned
        self.panels += [(self._column_x(place), photo_y) for place in range(1 if self.single else len(shown))]
        for place, k in enumerate(shown):
            second_half = self.options.layout == "split" and k == 1
            x = self._column_x(0 if self.single else place)
            strip_x = x + self.width - self._strip_width() if second_half else x
            self._add_warnings(k, strip_x, photo_y + self.height, warned)
            if self.single:
                x = self.margin + self.inner if second_half else self.margin
            # What stands above a photo ends just over it.
            words_y = y + words - self._height(self.labels[k]) if on_top else end + space
            self._add_lines(self.labels[k], x, words_y, k, second_half)
        return end if on_top else end + space + words

    def _add_column_heads(self, y: int) -> int:
        """Labels and warnings of the sessions over, or under, a grid of regions."""
        words = max(self._height(lines) for lines in self.labels)
        warned = self._strip_height(range(self.columns))
        for k in range(self.columns):
            self._add_lines(self.labels[k], self._column_x(k), y, k, False)
            self._add_warnings(k, self._column_x(k), y + words, warned)
        return y + words + warned + (round(0.3 * self.letter) if words or warned else 0)

    def _offset(self, column: int) -> int:
        return column * (self.column + self.gap) + column // self.block * self.apart

    def _column_x(self, column: int) -> int:
        return self.margin + (self.inner - self.photos_width) // 2 + self._offset(column)

    def _add_region_row(self, row: int, y: int) -> int:
        """A row of the grid: the name of each region over its first session."""
        frames = self.recipe.frames[row * self.columns : (row + 1) * self.columns]
        room = 0
        for place, frame in enumerate(frames):
            if frame.title and (place == 0 or frames[place - 1].title != frame.title):
                lines = self._wrapped(frame.title[:1].upper() + frame.title[1:], "text", MUTED)
                self._add_lines(lines, self._column_x(place), y, None, False)
                room = max(room, self._height(lines) + round(0.15 * self.letter))
        self.panels += [(self._column_x(place), y + room) for place in range(len(frames))]
        if row == 0:
            self.bar = (self._column_x(len(frames) - 1) + self.width, y + room)
        return y + room + self.height

    def _label(self, k: int) -> list[Line]:
        first, *more = self.recipe.frames[k].label or ("",)
        lines = self._wrapped(first[:1].upper() + first[1:], "title", INK, bold=True)
        for text in more:
            lines += self._wrapped(text, "text", MUTED)
        return lines

    def _wrapped(self, text: str, kind: str, color: str, *, bold: bool = False) -> list[Line]:
        """Lines that fit beside a photo, not yet in their place."""
        # Words of neighbours keep more than a space between them.
        width = self.inner if self.single else self.column - (round(0.15 * self.letter) if self.columns > 1 else 0)
        if self.options.layout == "split":
            width = (self.inner - 2 * self.letter) // 2
        face = face_of(self.options, self.letter, kind, bold=bold)
        fitting = wrap(text, face, width, max_lines=_MOST_LINES)
        head, comma, tail = text.rpartition(", ")
        if len(fitting) > 1 and comma and face.getlength(tail) <= width:
            # "After 3 treatments, / 6 weeks" rather than "After 3 treatments, 6 / weeks".
            fitting = [*wrap(f"{head},", face, width, max_lines=_MOST_LINES), tail]
        return [Line((0, 0), line, kind, color, bold) for line in fitting]

    def _height(self, lines: list[Line]) -> int:
        return sum(line_px(face_of(self.options, self.letter, line.kind, bold=line.bold)) for line in lines)

    def _add_lines(self, lines: list[Line], x: int, y: int, frame: int | None, from_right: bool) -> None:
        for line in lines:
            self.lines.append(replace(line, xy=(x, y), frame=frame, from_right=from_right))
            y += self._height([line])

    def _strip_width(self) -> int:
        return (self.width - self.gap) // 2 if self.options.layout == "split" else self.width

    def _longest_word(self) -> int:
        """Width that no word over or under a photo goes beyond, within reason."""
        if self.single:
            return 0
        face = face_of(self.options, self.letter, "title", bold=True)
        words = (word for frame in self.recipe.frames for text in (*frame.label, frame.title) for word in text.split())
        longest = max(map(face.getlength, words), default=0.0)
        return math.ceil(min(longest + 0.15 * self.letter, _WIDEST_WORD * self.letter))

    def _are_gathered(self) -> bool:
        """Whether a photo is too narrow for its warnings, so that all of them are listed over the whole width."""
        face = face_of(self.options, self.letter, "warning", bold=True)
        room = self._strip_width() - 2 * self.pad
        warnings = [frame.warnings for frame in self.recipe.frames]
        is_broken = any(face.getlength(word) > room for told in warnings for text in told for word in text.split())
        return is_broken or any(len(_listed(told, face, room)) > _MOST_WARNING_LINES for told in warnings)

    def _add_gathered(self, y: int) -> int:
        """The warnings of all photos, one below the other; those of an animation each in its turn."""
        face = face_of(self.options, self.letter, "warning", bold=True)
        in_turn = self.options.layout in ("flicker", "timelapse")
        end = y
        for k, frame in enumerate(self.recipe.frames[: self.block]):
            name = frame.label[0] if frame.label else f"Photo {k + 1}"
            text = " · ".join(frame.warnings)
            told = (text if in_turn else f"{name} – {text}",) if text else ()
            if lines := _listed(told, face, self.inner - 2 * self.pad):
                top = y if in_turn else end
                bottom = top + len(lines) * line_px(face) + self.pad
                self.strips.append(Strip((self.margin, top, self.margin + self.inner, bottom), tuple(lines), k))
                end = max(end, bottom)
        return end

    def _warning_lines(self, k: int) -> list[str]:
        if self.gathered:
            return []
        face = face_of(self.options, self.letter, "warning", bold=True)
        return _listed(self.recipe.frames[k].warnings, face, self._strip_width() - 2 * self.pad)

    def _strip_height(self, shown: Iterable[int]) -> int:
        """Of the warnings of photos beside each other."""
        lines = max(len(self._warning_lines(k)) for k in shown)
        line = line_px(face_of(self.options, self.letter, "warning", bold=True))
        return lines * line + self.pad if lines else 0

    def _add_warnings(self, k: int, x: int, y: int, height: int) -> None:
        """A dark strip with the warnings of a photo, right at the photo: over it, it would hide skin."""
        if lines := self._warning_lines(k):
            self.strips.append(Strip((x, y, x + self._strip_width(), y + height), tuple(lines), k))

    def _add_footer(self, y: int) -> int:
        face = face_of(self.options, self.letter, "footer")
        for text in wrap(" ".join(footer_lines(self.recipe)), face, self.inner):
            self.lines.append(Line((self.margin, y), text, "footer", MUTED))
            y += line_px(face)
        return y


def _listed(words: tuple[str, ...], face: "FreeTypeFont", width_px: float) -> list[str]:
    """Several warnings in lines that fit, with dots between those in one line."""
    lines: list[str] = []
    for text in words:
        if lines and face.getlength(f"{lines[-1]} · {text}") <= width_px:
            lines[-1] += f" · {text}"
        else:
            lines += wrap(text[:1].upper() + text[1:], face, width_px)
    return lines
