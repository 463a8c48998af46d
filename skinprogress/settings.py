"""The figures that a run can be given. Everything that changes a number in the output stands here."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np

DateOrder = Literal["dmy", "mdy"]
ColorChoice = Literal["auto", "card", "patch", "background", "none"]
CardEdition = Literal["auto", "2014", "classic"]
LightChoice = Literal["compensated", "raw"]
Audience = Literal["clinician", "client"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeatability:
    """Session error of one metric, in its own unit, or in shares of what ``scale`` says.

    Attributes
    ----------
    session : float
        Standard error of one session; what the colour correction leaves comes on top, see :func:`color_error`.
    per_light, per_light_color, per_exposure, per_expression, per_blur, per_misfit : float
        Standard error of a difference per unit of the difference in light, in its colour over the face, in log
        exposure, in expression, and in log sharpness, and per percent of the IOD that the two faces miss each other.
    scale : {'unit', 'value', 'root'}
        What the errors grow with: nothing, the value, or its square root, as counts do; a count of one at least.
    """

    session: float
    per_light: float = 0.0
    per_light_color: float = 0.0
    per_exposure: float = 0.0
    per_expression: float = 0.0
    per_blur: float = 0.0
    per_misfit: float = 0.0
    scale: Literal["unit", "value", "root"] = "unit"

    def size(self, value: float) -> float:
        """What the errors of a value of this size are multiplied by."""
        if self.scale == "root":
            return float(np.sqrt(max(abs(value), 1.0)))
        return abs(value) if self.scale == "value" else 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """How far two sessions differ when nothing changed, measured on photos of one's own.

    Attributes
    ----------
    name : str
        Who made it, for the report.
    made_from : str
        Of how many pairs of photos of how many people.
    raw, compensated : dict of str to Repeatability
        By metric: as photographed, and once the difference of light was taken out.
    """

    name: str
    made_from: str
    raw: dict[str, Repeatability]
    compensated: dict[str, Repeatability]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Settings of one run; :attr:`hash` is part of every cache key.

    Attributes
    ----------
    canonical_px : int
        Side of the canonical frame, px.
    canonical_px_max : int
        Side used where all photos of a view carry that much detail, px.
    min_iod_px : float
        Photos whose irises lie closer together than this are rejected, px.
    max_yaw_deg : float
        Photos of a frontal set turned further than this are rejected, degrees.
    visit_gap_minutes : float
        A longer gap between two photos of one day starts a new session.
    block_mm : float
        Side of the blocks of skin that errors are estimated from, mm: larger than the patches that skin varies in.
    confidence_level : float
        Level of the published intervals, jointly over the regions of one metric, view and pair of sessions.
    min_region_mm2 : float
        A region with less usable skin than this is not measured, mm².
    min_mark_mm2 : float
        A mark of the course file with less usable skin than this is not measured, mm².
    seed : int
        Seed of every random draw.
    date_order : {'dmy', 'mdy'} or None
        How to read ``03.04.2026`` in a name; None asks where it matters.
    color_reference : {'auto', 'card', 'patch', 'background', 'none'}
        The one colour reference to use; ``auto``: the best that the photos offer.
    card_edition : {'auto', '2014', 'classic'}
        Pigments of the 24-patch card: made since November 2014, or before; ``auto``: the one that fits better.
    light : {'compensated', 'raw'}
        Whether the difference of light between two sessions is estimated and taken out of what is compared.
    calibration : Calibration or None
        A clinic's own; None: the one that comes with the program.
    """

    canonical_px: int = 1024
    canonical_px_max: int = 1536
    min_iod_px: float = 60.0
    max_yaw_deg: float = 35.0
    visit_gap_minutes: float = 30.0
    block_mm: float = 8.0
    confidence_level: float = 0.95
    min_region_mm2: float = 60.0
    min_mark_mm2: float = 12.0
    seed: int = 20260314
    date_order: DateOrder | None = None
    color_reference: ColorChoice = "auto"
    card_edition: CardEdition = "auto"
    light: LightChoice = "compensated"
    calibration: Calibration | None = None

    @property
    def hash(self) -> str:
        """First 16 hexadecimal digits of the SHA-256 of all settings."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputOptions:
    """How results are shown; nothing in it changes a number.

    Attributes
    ----------
    audience : {'clinician', 'client'}
        Whom the report speaks to; the client's has fewer figures and plainer words.
    assets : bool
        Keep the report's pictures in a folder beside it, instead of inside.
    pdf : bool
        Print the report to ``report.pdf`` too, with a Chromium that is installed.
    need_consent : bool
        Make pictures to publish only where consent is recorded; otherwise they are made unless it was refused.
    kinds : tuple of str
        Names of the outputs to write, as in :data:`skinprogress.outputs.table.OUTPUTS`; empty: all.
    home : Path or None
        Where the folder of results will stand, if it is moved after it was written: recipes lead from there to the
        photos.
    """

    audience: Audience = "clinician"
    assets: bool = False
    pdf: bool = False
    need_consent: bool = False
    kinds: tuple[str, ...] = ()
    home: Path | None = None
