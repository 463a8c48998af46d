"""The frozen records that flow through the pipeline. One flat record is one row of an output table."""

import enum
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from skinprogress.settings import CardEdition, ColorChoice

FloatArray = npt.NDArray[np.floating[Any]]
BoolArray = npt.NDArray[np.bool_]

View = Literal["front", "left_oblique", "right_oblique", "left_profile", "right_profile"]
Stage = Literal["", "pre", "numbing", "directly after", "after cream"]
Rung = Literal["card", "patch", "background", "none"]
Method = Literal["raw", "compensated"]
SpotKind = Literal["red", "brown"]
SpotStatus = Literal["new", "gone", "persistent"]
Verdict = Literal["improved", "worsened", "changed", "unchanged", "no detectable change", "not comparable"]
PhaseName = Literal["unknown", "before", "acute", "peeling", "settling", "settled"]
CourseStatus = Literal["", "within quoted range", "longer than quoted", "cannot say"]
Against = Literal["baseline", "previous", "maintenance"]
Segment = Literal["course", "maintenance"]
OutcomeKind = Literal["settled", "most settled", "early", "too soon", "unknown"]

RUNGS: tuple[Rung, ...] = ("card", "patch", "background", "none")
"""Colour references, best first."""

WHITE_REFLECTANCE = 0.9
"""Of white paper, cloth and tiles, where nothing else is said."""

A_STAR_GRADIENT = (33.4, -35.4, 7.3)
LIGHTNESS_GRADIENT = (9.0, 15.8, 1.2)
"""What a* and L* of light skin (L* 62, a* 16, b* 16) move by per unit of ln R, ln G and ln B in linear light."""


class Flag(enum.Flag):
    """Go on with caution. Every flag has a sentence in :data:`FLAG_TEXT`."""

    NONE = 0
    DATE_UNKNOWN = enum.auto()
    DATE_FROM_NAME = enum.auto()
    TIME_UNKNOWN = enum.auto()
    SAME_PICTURE_TWICE = enum.auto()
    MIRRORED = enum.auto()
    WRONG_EXTENSION = enum.auto()
    PROFILE_MISSING = enum.auto()
    PROFILE_UNREADABLE = enum.auto()
    OTHER_FACES = enum.auto()
    EYES_CLOSED = enum.auto()
    SCALE_FROM_LANDMARKS = enum.auto()
    VIEW_ASSUMED = enum.auto()
    POSE_DIFFERS = enum.auto()
    EXPRESSION_DIFFERS = enum.auto()
    PERSPECTIVE_DIFFERS = enum.auto()
    LIGHT_DIFFERS = enum.auto()
    EXPOSURE_DIFFERS = enum.auto()
    SHARPNESS_DIFFERS = enum.auto()
    LOW_RESOLUTION = enum.auto()
    POOR_REGISTRATION = enum.auto()
    COLOR_NOT_MATCHED = enum.auto()
    BACKGROUND_PLAIN = enum.auto()
    CLIPPED_SKIN = enum.auto()
    LOW_COVERAGE = enum.auto()
    TOO_FEW_PIXELS = enum.auto()
    BAND_NOT_RESOLVED = enum.auto()
    NOT_CALIBRATED = enum.auto()
    INDICES_DISAGREE = enum.auto()
    REFERENCE_MAY_BE_TREATED = enum.auto()
    RECENT_TREATMENT = enum.auto()
    MAKEUP_DECLARED = enum.auto()
    CREAM_DECLARED = enum.auto()
    FILTER_DECLARED = enum.auto()
    NOT_A_BASELINE = enum.auto()
    MIRRORED_FOUND = enum.auto()
    CAMERA_TOO_NEAR = enum.auto()
    LANDMARKS_UNSTEADY = enum.auto()
    NO_COLOR = enum.auto()
    FILTER_SUSPECTED = enum.auto()
    CARD_UNUSABLE = enum.auto()
    PATCH_UNUSABLE = enum.auto()
    CARD_DISAGREES = enum.auto()
    SHINE = enum.auto()
    BLOOD = enum.auto()
    NOTHING_FOUND = enum.auto()
    NECK_NOT_SEEN = enum.auto()
    MAKEUP_SUSPECTED = enum.auto()
    SMOOTHING_SUSPECTED = enum.auto()
    SHARPNESS_NOT_MATCHED = enum.auto()
    SHINE_BROAD = enum.auto()
    MAY_BE_ANOTHER_PERSON = enum.auto()

    def __str__(self) -> str:
        """Flags as they stand in tables: lower case, joined by ``;``."""
        return ";".join(str(f.name).lower() for f in self)


FLAG_TEXT: dict[Flag, str] = {
    Flag.DATE_UNKNOWN: "the date is not known; the order is that of the names",
    Flag.DATE_FROM_NAME: "the date was read from the name, not from the camera",
    Flag.TIME_UNKNOWN: "the time of day is not known",
    Flag.SAME_PICTURE_TWICE: "the same picture stands in two sessions",
    Flag.MIRRORED: "the photo was declared mirrored and was flipped back",
    Flag.WRONG_EXTENSION: "the file is of another kind than its name says",
    Flag.PROFILE_MISSING: "no colour profile in the file; sRGB was assumed",
    Flag.PROFILE_UNREADABLE: "the colour profile could not be read; sRGB was assumed",
    Flag.OTHER_FACES: "other faces are in the photo; the largest was used",
    Flag.EYES_CLOSED: "the eyes are closed or nearly so",
    Flag.SCALE_FROM_LANDMARKS: "the scale comes from the face's proportions, not the irises: mm are less certain",
    Flag.VIEW_ASSUMED: "no other session has this view; it was taken as frontal",
    Flag.POSE_DIFFERS: "the head is turned differently",
    Flag.EXPRESSION_DIFFERS: "the expression differs",
    Flag.PERSPECTIVE_DIFFERS: "the camera was much closer or further away",
    Flag.LIGHT_DIFFERS: "the light comes from elsewhere",
    Flag.EXPOSURE_DIFFERS: "the face is darker or brighter",
    Flag.SHARPNESS_DIFFERS: "one photo is sharper than the other",
    Flag.LOW_RESOLUTION: "the face is small in the photo",
    Flag.POOR_REGISTRATION: "pores and spots were not found again; landmarks alone say where the skin lies",
    Flag.COLOR_NOT_MATCHED: "nothing in the photos could be used to match their colour",
    Flag.BACKGROUND_PLAIN: "colour was matched on one plain background that is assumed to be the same",
    Flag.CLIPPED_SKIN: "parts of the skin are over- or underexposed and were left out",
    Flag.LOW_COVERAGE: "less than half of the region's skin could be used",
    Flag.TOO_FEW_PIXELS: "too little usable skin in the region",
    Flag.BAND_NOT_RESOLVED: "the photo is not fine enough for this measure",
    Flag.NOT_CALIBRATED: "nobody has measured how well this repeats, so it has no interval",
    Flag.INDICES_DISAGREE: "two redness measures disagree: light or shine may play a part",
    Flag.REFERENCE_MAY_BE_TREATED: "relative to the rest of the face, which may have been treated too",
    Flag.RECENT_TREATMENT: "taken within days of a treatment",
    Flag.MAKEUP_DECLARED: "make-up was declared",
    Flag.CREAM_DECLARED: "cream was declared",
    Flag.FILTER_DECLARED: "a camera filter was declared",
    Flag.NOT_A_BASELINE: "numbing or cream on the skin: never a baseline",
    Flag.MIRRORED_FOUND: "the photo is a mirror image of the reference photo and was flipped to match it",
    Flag.LANDMARKS_UNSTEADY: "the face is partly hidden, dark or blurred: where its parts lie is not sure",
    Flag.NO_COLOR: "the photo is black and white: nothing that needs colour can be told from it",
    Flag.FILTER_SUSPECTED: "the file was written by a program or a camera mode that may smooth or recolour skin",
    Flag.PATCH_UNUSABLE: "the grey or white patch named in course.toml could not be used",
    Flag.CARD_DISAGREES: "card and background disagree: the card may not have been in the light of the face",
    Flag.CARD_UNUSABLE: "a colour card is in the photo and could not be used",
    Flag.SHINE: "part of the face shines (oil, sweat, cream or a flash) and was left out",
    Flag.BLOOD: "blood lies on the skin and was left out of all other numbers",
    Flag.NOTHING_FOUND: "nothing of the kind was found, so there is nothing to measure on it",
    Flag.NECK_NOT_SEEN: "too little of the bare neck can be seen to compare with",
    Flag.MAKEUP_SUSPECTED: "the face seems to wear make-up, which hides redness; photograph without it",
    Flag.SHINE_BROAD: "part of the face shines softly (oil, sweat or cream), which makes it look paler and less red "
    "there; blot the skin and photograph again",
    Flag.MAY_BE_ANOTHER_PERSON: "neither skin detail nor brow hairs of the reference photo are found again though both "
    "photos are sharp: one of them may show another person; check both",
    Flag.SMOOTHING_SUSPECTED: "the skin looks smoothed by a filter or the camera: fine texture cannot be trusted",
    Flag.SHARPNESS_NOT_MATCHED: "the photos differ too much in sharpness or compression for this measure",
    Flag.CAMERA_TOO_NEAR: "the camera was so near that it enlarges the nose and narrows the cheeks",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Treatment:
    """One treatment of the course; ``depth_mm`` by region or under ``face`` for all of it (empty: not recorded)."""

    at: datetime
    kind: str = "microneedling"
    setting: Literal["clinic", "home", "maintenance"] = "clinic"
    number: int | None = None
    device: str = ""
    depth_mm: dict[str, float] = field(default_factory=dict)
    areas: tuple[str, ...] = ()
    products: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """Consent to publish, as recorded. ``publish`` None is "not recorded", never yes."""

    publish: bool | None = None
    scope: tuple[str, ...] = ()
    given: date | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A place on the skin that the user outlined in one photo; polygon in photo px, x then y."""

    name: str
    photo: str
    polygon_xy: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What the user recorded about the client's course of treatments; everything optional."""

    label: str = ""
    planned: int | None = None
    aim: tuple[str, ...] = ()
    reference_region: str | None = None
    color_reference: ColorChoice = "auto"
    card_edition: CardEdition = "auto"
    treatments: tuple[Treatment, ...] = ()
    consent: Consent = field(default_factory=Consent)
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoRef:
    """One photo of one client, before it is decoded.

    Attributes
    ----------
    path : Path
    file : str
        Path relative to the client folder, with ``/``: the name used in tables, reports and ``course.toml``.
    session : str
        Label of the visit, ``2026-03-14`` or ``2026-03-14T16:30``, or a name where dates are unknown.
    taken_at : datetime or None
        Naive local time; at midnight with :attr:`Flag.TIME_UNKNOWN` where only the day is known.
    hours_after : float or None
        Hours since the last treatment before the photo.
    day : float or None
        Days since the client's first dated photo, or from names like "day 7".
    view : View or None
        View declared by the user; None leaves it to the pose.
    patch : (x, y, w, h) or None
        A grey or white object of known reflectance, photo px.
    patch_reflectance : float
        Its reflectance, 0..1; white paper and white tiles send back about 0.9, a photographer's grey card 0.18.
    face_index : int or None
        Which face to use, counted from the largest; None: the clearly dominant one.
    points_xy : tuple of (x, y)
        Places set by hand, photo px, the same ones in the same order in every photo that has them.
    """

    path: Path
    file: str
    client: str
    session: str
    taken_at: datetime | None = None
    stage: Stage = ""
    hours_after: float | None = None
    day: float | None = None
    view: View | None = None
    sha256: str = ""
    mirrored: bool = False
    patch: tuple[int, int, int, int] | None = None
    patch_reflectance: float = WHITE_REFLECTANCE
    face_index: int | None = None
    points_xy: tuple[tuple[float, float], ...] = ()
    flags: Flag = Flag.NONE


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Photo:
    """A decoded photo, upright, with the way from its numbers to linear light.

    Attributes
    ----------
    pixels : (H, W, 3) uint8 or uint16
        RGB as stored in the file (its own colour space), upright, mirrored back where declared.
    curve : (3, 256) or (3, 65536) float32
        Linear light 0..1 for every stored value of each channel.
    matrix : (3, 3) float32
        Linear RGB of the file's colour space to linear sRGB (D65); values outside 0..1 are kept.
    metadata : dict
        Camera, exposure and software for the report; never a location.
    """

    ref: PhotoRef
    pixels: npt.NDArray[np.uint8] | npt.NDArray[np.uint16]
    curve: npt.NDArray[np.float32]
    matrix: npt.NDArray[np.float32]
    metadata: dict[str, str]
    flags: Flag = Flag.NONE


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Landmarks:
    """One face as the landmark model sees it.

    Attributes
    ----------
    points_xy : (478, 2) float64
        Photo px; pixel edges at integers.
    depth : (478,) float64
        Relative depth in photo px, smaller is nearer.
    pose_deg : (float, float, float)
        Yaw (positive: the client turns to their own left), pitch (positive: chin up), roll (positive: clockwise in
        the photo), degrees.
    blendshapes : dict of str to float
        52 expression scores, 0..1.
    """

    points_xy: npt.NDArray[np.float64]
    depth: npt.NDArray[np.float64]
    pose_deg: tuple[float, float, float]
    blendshapes: dict[str, float]
    view: View

    @property
    def iod_px(self) -> float:
        """Distance between the iris centres, photo px."""
        return float(np.hypot(*(self.points_xy[468] - self.points_xy[473])))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CardReading:
    """A 24-patch colour card as one photo shows it.

    Attributes
    ----------
    corners_xy : (4, 2) float64
        Of the field of patches, photo px: beside dark skin, bluish green, black and white, in this order.
    patches_xy : (24, 2) float64
        Centres of the patches, photo px, row by row from dark skin to black.
    linear_rgb : (24, 3) float32
        Median of each patch in the photo's own rendering, linear sRGB.
    scatter : (24,) float32
        Robust relative standard deviation within each patch, noise included.
    usable : (24,) bool
        Patches that are not clipped, mirrored in, shaded by an edge or covered.
    width_px : float
        Mean length of the two long sides.
    problem : str
        Why the card cannot be used, empty where it can; what was read is then for showing only.
    remedy : str
    """

    corners_xy: npt.NDArray[np.float64]
    patches_xy: npt.NDArray[np.float64]
    linear_rgb: npt.NDArray[np.float32]
    scatter: npt.NDArray[np.float32]
    usable: BoolArray
    width_px: float
    problem: str = ""
    remedy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PatchReading:
    """A grey or white object of known reflectance, where the user says that it is.

    Attributes
    ----------
    linear_rgb : (3,) float32
        Median in the photo's own rendering, linear sRGB.
    scatter : float
        Robust relative standard deviation over the object.
    reflectance : float
        As declared, 0..1.
    problem : str
        Why it cannot be used, empty where it can.
    """

    linear_rgb: npt.NDArray[np.float32]
    scatter: float
    reflectance: float
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BackgroundSample:
    """What surrounds the person, small: the raw material of the colour rung ``background``.

    Attributes
    ----------
    linear_rgb : (h, w, 3) float16
        Linear sRGB of a thumbnail.
    usable : (h, w) bool
        True outside face, hair, neck and other skin, where no channel is clipped.
    skin_rgb : (3,) float32
        Median of the middle of the face, linear sRGB: the colour for which the match must hold.
    px_per_thumb : float
        Photo px per thumbnail px.
    """

    linear_rgb: npt.NDArray[np.float16]
    usable: BoolArray
    skin_rgb: npt.NDArray[np.float32]
    px_per_thumb: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Inspection:
    """One look at one photo; small, no photo pixels but a background thumbnail."""

    ref: PhotoRef
    landmarks: Landmarks
    height_px: int
    width_px: int
    iris_px: float
    eyes_open: bool
    sharpness: float
    camera_distance_cm: float
    background: BackgroundSample
    metadata: dict[str, str]
    card: CardReading | None = None
    patch: PatchReading | None = None
    flags: Flag = Flag.NONE
    picture_print: str = ""

    @property
    def quality(self) -> float:
        """Rank of the photo as a reference: sharp, straight, large and neutral is high."""
        yaw, pitch, roll = self.landmarks.pose_deg
        smile = sum(self.landmarks.blendshapes.get(k, 0.0) for k in ("mouthSmileLeft", "mouthSmileRight", "jawOpen"))
        return float(
            np.log(self.landmarks.iod_px) + self.sharpness - 0.02 * (abs(yaw) + abs(pitch) + 0.5 * abs(roll)) - smile
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """A photo that could not be used, why, and what to do."""

    file: str
    session: str
    code: str
    reason: str
    remedy: str
    sha256: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ColorCorrection:
    """A fixed map of linear RGB, fitted on something that is not the treated skin.

    Applied in linear light, in this order: gains, tone curve, matrix.

    Attributes
    ----------
    anchor : str
        What colours are expressed in after it: ``card`` (true reflectances under D65), ``patch`` (white-balanced on an
        object of known reflectance), or the file whose rendering they are carried to. Colours of photos with the same
        anchor can be compared.
    gains : (3,) float32
        Factors on R, G and B: exposure and white balance.
    tone : (n, 2) float32 or None
        Knots of a rising curve, linear light before and after, the same for all channels; None: a straight line.
    matrix : (3, 3) or (3, 6) float32
        Six columns: R, G, B, √(GR), √(BG), √(RB) (root-polynomial of degree 2).
    residual_delta_e : float
        What is left on the reference after correction: median CIEDE2000 over the patches of a card, mean CIE76 over
        the px of a background; NaN without a reference.
    leave_one_out_delta_e : float
        Of a card: median CIEDE2000 of patches that the fit had not seen; else NaN.
    log_gain_covariance : (3, 3) float64
        Covariance of the error that is left in the natural log of R, G and B of a whole face.
    relative_redness_se : float
        Standard uncertainty that is left in EI relative to the rest of the face, log units.
    used : (h, w) bool or None
        Px of the background thumbnail that the match rests on.
    """

    rung: Rung
    anchor: str = ""
    matrix: npt.NDArray[np.float32]
    gains: npt.NDArray[np.float32] = field(default_factory=lambda: np.ones(3, np.float32))
    tone: npt.NDArray[np.float32] | None = None
    residual_delta_e: float = float("nan")
    leave_one_out_delta_e: float = float("nan")
    log_gain_covariance: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros((3, 3)))
    relative_redness_se: float = 0.0
    reason: str = ""
    used: BoolArray | None = None
    flags: Flag = Flag.NONE

    def standard_error(self, gradient: tuple[float, float, float]) -> float:
        """Standard uncertainty of a figure that moves by ``gradient`` per unit of ln R, ln G and ln B."""
        g = np.asarray(gradient)
        return float(np.sqrt(g @ self.log_gain_covariance @ g))

    @property
    def a_star_se(self) -> float:
        """Standard uncertainty of the absolute a* of skin."""
        return self.standard_error(A_STAR_GRADIENT)

    @property
    def lightness_se(self) -> float:
        """Standard uncertainty of the absolute L* of skin."""
        return self.standard_error(LIGHTNESS_GRADIENT)

    @property
    def redness_index_se(self) -> float:
        """Standard uncertainty of the absolute EI, ln R − ln G."""
        return self.standard_error((1.0, -1.0, 0.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """Where in the course a session stands.

    Attributes
    ----------
    days_after : float or None
        Since the last treatment.
    treatment_number : int or None
        Of the last treatment, counted in order of time.
    redness_days, bony_days : float
        Longest time that clinics quote for redness after a treatment of its kind and depth, and over bone, days; NaN
        before any treatment.
    segment : {'course', 'maintenance'}
        Maintenance treatments keep up what the course has brought: what follows them is judged by itself.
    full_effect : bool
        So long after the last treatment that its effect is quoted to be complete.
    """

    session: str
    days_after: float | None
    treatment_number: int | None
    name: PhaseName
    redness_days: float = float("nan")
    bony_days: float = float("nan")
    segment: Segment = "course"
    full_effect: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClientPlan:
    """What needs the whole client before a photo can be measured; small, frozen, hashed.

    Attributes
    ----------
    sessions : tuple of str
        Labels in order of time.
    view_of : dict
        File to the view that it is compared in.
    reference_of : dict
        View to the file of the reference photo.
    mm_per_px : dict
        File to millimetres per photo px.
    scale_relative_se : float
        Relative standard uncertainty of the client's millimetres.
    corrections : dict
        File to the colour correction toward the reference photo of its view.
    canonical_px : dict
        View to the side of the canonical frame.
    baseline : str or None
        The first session that may be a baseline.
    covered_sessions : tuple of str
        Sessions with numbing or other cream on the skin: never a baseline, never an outcome.
    settings_hash : str
    """

    client: str
    sessions: tuple[str, ...]
    view_of: dict[str, View]
    reference_of: dict[View, str]
    mm_per_px: dict[str, float]
    scale_relative_se: float
    corrections: dict[str, ColorCorrection]
    canonical_px: dict[View, int]
    baseline: str | None
    phases: dict[str, Phase]
    course: Course
    settings_hash: str
    flags: dict[str, Flag]
    covered_sessions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Registration:
    """How one photo lies over the reference photo of its view, beyond what the landmarks say.

    Attributes
    ----------
    shift : (G, G, 2) float32
        What the dense refinement adds to the landmarks' map, shares of the canonical frame, x then y: what the
        reference photo shows at canonical place u, this photo's own landmark map shows at u + shift. Where the
        refinement was refused it fades to zero with the distance from where it was believed.
    trusted : (G, G) bool
        Where the refinement is used: in and around accepted regions, but for patches where hardly anything repeats.
    misfit_percent_iod : dict of str to float
        Region (and ``face``) to how far details are expected to lie off after the refinement, mean, % of the IOD; NaN
        where the region cannot be seen.
    accepted : tuple of str
        Regions whose refinement is believed.
    refused : tuple of str
        The other regions: they lie as the landmarks say.
    features : float
        Share of brows, eyes and lips whose finest detail repeats (hairs, lashes, creases), 0..1; NaN where not known.
    """

    shift: npt.NDArray[np.float32]
    trusted: BoolArray
    misfit_percent_iod: dict[str, float]
    accepted: tuple[str, ...]
    refused: tuple[str, ...]
    features: float = float("nan")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Face:
    """A face in the canonical frame, colour-corrected.

    Attributes
    ----------
    linear_rgb : (S, S, 3) float32
        Linear sRGB.
    skin : (S, S) bool
        True where the pixel is usable skin.
    mm_per_px : (S, S) float32
        Millimetres of skin per canonical px, the same for all photos of a client's view; NaN off the face.
    photo_px_per_px : (S, S) float32
        Photo px per canonical px: how finely this photo resolves each place.
    visibility : (S, S) float32
        Cosine of the angle at which the camera sees the surface, 0..1.
    registration : Registration or None
        How the face lies over that of the reference photo; None for the reference photo itself.
    """

    ref: PhotoRef
    view: View
    linear_rgb: npt.NDArray[np.float32]
    skin: BoolArray
    mm_per_px: npt.NDArray[np.float32]
    photo_px_per_px: npt.NDArray[np.float32]
    visibility: npt.NDArray[np.float32]
    registration: Registration | None
    correction: ColorCorrection
    flags: Flag = Flag.NONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One metric of one region in one photo; one row of ``measurements.csv``.

    Attributes
    ----------
    coverage : float
        Share of the region's bare skin that could be used, 0..1.
    hidden_by : str
        What took the rest, largest first: ``hair 0.21; shine 0.04``.
    """

    client: str
    session: str
    photo: str
    view: View
    region: str
    metric: str
    metric_version: int
    method: Method
    value: float
    standard_error: float
    unit: str
    n_px: int
    color_reference: Rung
    flags: Flag = Flag.NONE
    coverage: float = float("nan")
    hidden_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One metric of one region between two sessions; one row of ``changes.csv``.

    Attributes
    ----------
    light_standard_error : float
        What taking out the light has left of it, part of `standard_error`.
    standard_error : float
        Of the difference, all parts together.
    p_headline : float
        Probability of a difference as large where nothing changed, adjusted (Holm) for everything that a headline
        could pick from: all charted metrics and regions of the pair.
    """

    client: str
    view: View
    region: str
    metric: str
    metric_version: int
    unit: str
    method: Method
    against: Against
    from_session: str
    to_session: str
    baseline: float
    followup: float
    difference: float
    ci_low: float
    ci_high: float
    detectable_change: float
    n_baseline: int
    n_followup: int
    color_reference: Rung
    grade: str
    verdict: Verdict
    course_status: CourseStatus
    n_common_px: int
    flags: Flag = Flag.NONE
    light_standard_error: float = float("nan")
    standard_error: float = float("nan")
    p_headline: float = float("nan")


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One pair of sessions in one view; one row of ``comparisons.csv``.

    Attributes
    ----------
    light_difference, light_color_difference, exposure_difference : float
        Natural log: standard deviation over the face of the difference of light, of its colour, and its mean.
    light_angle_deg : float
        Between the main directions of the two lights; NaN where one of them has none.
    light_removed : float
        Standard deviation over the face of the redness that the light alone would have faked, a*-equivalents: what
        was taken out. NaN where nothing was.
    light_uncertainty : float
        Median over the regions of the standard error of relative redness that this leaves, a*-equivalents.
    misfit_percent_iod : float
        How far details of the two faces are expected to lie from each other, % of the IOD.
    matched_blur_px : float
        Blur that made the sharper photos as soft as the softest, standard deviation in px of the sharper photo; NaN
        where they could not be matched.
    decisive : Flag
        Those of the flags for which the grade lies below B; none for A and B.
    """

    client: str
    view: View
    against: Against
    from_session: str
    to_session: str
    days_between: float
    from_phase: str
    to_phase: str
    from_days_after: float
    to_days_after: float
    grade: str
    reasons: tuple[str, ...]
    remedies: tuple[str, ...]
    color_reference: Rung
    light_difference: float
    sharpness_ratio: float
    pose_difference_deg: float
    n_common_px: int
    flags: Flag = Flag.NONE
    light_color_difference: float = float("nan")
    expression_difference: float = float("nan")
    exposure_difference: float = float("nan")
    light_angle_deg: float = float("nan")
    light_removed: float = float("nan")
    light_uncertainty: float = float("nan")
    misfit_percent_iod: float = float("nan")
    matched_blur_px: float = float("nan")
    decisive: Flag = Flag.NONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """One spot followed from one session to another; one row of ``spots.csv``.

    Attributes
    ----------
    u, v : float
        Place in the canonical frame, 0..1, v downward.
    status : {'new', 'gone', 'persistent'}
    area_before_mm2, area_after_mm2 : float
        NaN where the photo shows too little there to be outlined.
    contrast_before, contrast_after : float
        Against the skin around it, at the same place in both photos: a*-equivalents of red spots, optical density of
        brown ones.
    """

    client: str
    view: View
    kind: SpotKind
    region: str
    against: Against
    from_session: str
    to_session: str
    u: float
    v: float
    status: SpotStatus
    area_before_mm2: float
    area_after_mm2: float
    contrast_before: float
    contrast_after: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MarkPlace:
    """Where a mark of the course file lies in the canonical frame of a view.

    Attributes
    ----------
    mask : (s, s) bool
        On the grid that statistics are taken on; the same for all photos of the view.
    on_skin : float
        Share of it that is bare skin of the face, 0..1.
    """

    name: str
    view: View
    mask: BoolArray
    on_skin: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SkinMap:
    """One metric over the face in one photo, for those who draw it.

    Attributes
    ----------
    values : (s, s) float16
        In the metric's unit, on the grid that statistics are taken on; NaN off the skin. Under the reference photo's
        light where the difference of light was taken out.
    """

    view: View
    session: str
    photo: str
    metric: str
    values: npt.NDArray[np.float16]


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoLight:
    """The light of one photo, read off the face.

    Attributes
    ----------
    azimuth_deg, elevation_deg : float
        Where most of the light comes from, seen from the face: 0, 0 straight from the front, azimuth +90 from the
        client's left, elevation +90 from above. NaN where it comes from everywhere.
    directionality : float
        0 for light from everywhere, 1 for a single small lamp in a dark room.
    color_mix : float
        How much the light's colour varies from the left to the right of the face: standard deviation of its
        ln R − ln B. Below 0.08 it is one light.
    warm_azimuth_deg : float
        Side from which the yellower light comes, +90 or −90; NaN where the light is of one colour.
    shine_share : float
        Share of the visible face that shines, 0..1; it is left out of every number.
    """

    azimuth_deg: float = float("nan")
    elevation_deg: float = float("nan")
    directionality: float = float("nan")
    color_mix: float = float("nan")
    warm_azimuth_deg: float = float("nan")
    shine_share: float = float("nan")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LightDifference:
    """How the light on the face differs between two sessions of one view, as estimated together with the skin's change.

    Attributes
    ----------
    log_ratio : (N, N, 3) float32
        Natural log of the follow-up's light over the baseline's, linear R, G, B, on a grid over the canonical frame
        (its first and last nodes lie half a cell inside the frame). What the whole face shares is left out.
    standard_error : (N, N) float32
        Of the redness index, a*-equivalents, that this leaves.
    """

    view: View
    against: Against
    from_session: str
    to_session: str
    log_ratio: npt.NDArray[np.float32]
    standard_error: npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One sentence worth reading, with its figure; one row of ``findings.csv``.

    Attributes
    ----------
    unit : str
        Of the figure.
    from_session, to_session : str
        What it speaks of; empty where it is no pair of sessions.
    source : str
        Where a figure that it is held against comes from; empty where there is none.
    """

    kind: str
    region: str
    metric: str
    figure: float
    ci_low: float
    ci_high: float
    text: str
    view: str = ""
    unit: str = ""
    from_session: str = ""
    to_session: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """A metric of one region over the calm sessions of a course: robust slope, and the last against the first.

    Attributes
    ----------
    sessions : tuple of str
        Those that count, in order of time.
    days : tuple of float
        Since the first of them.
    per_month, per_session : float
        Slope, in the metric's unit, per 30.44 days and per session.
    difference : float
        The last session against the first, with the interval that stands in ``changes.csv``.
    """

    client: str
    view: View
    region: str
    metric: str
    unit: str
    segment: Segment
    sessions: tuple[str, ...]
    days: tuple[float, ...]
    per_month: float
    per_month_low: float
    per_month_high: float
    per_session: float
    per_session_low: float
    per_session_high: float
    difference: float
    ci_low: float
    ci_high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """Redness of one region in the days after one treatment, and the curve B + A exp(-t/τ) where the photos bear one.

    Attributes
    ----------
    treatment : int
        Counted in order of time.
    before : str
        Session that the rises are told against: the last calm one before the treatment.
    sessions, hours, rise, standard_error : tuples
        Photos within a week after it: label, hours since the treatment, rise over `before` and its standard error, in
        the metric's unit.
    reason : str
        Why no curve is drawn; empty where one is.
    level, amplitude, tau_h : float
        B, A and τ; NaN without a curve.
    half_life_h, half_life_low_h, half_life_high_h : float
        Hours until half of the rise is gone, with the 95 % interval.
    quoted_days : float
        Longest time that clinics quote for redness here.
    """

    client: str
    view: View
    region: str
    metric: str
    unit: str
    treatment: int
    before: str
    sessions: tuple[str, ...]
    hours: tuple[float, ...]
    rise: tuple[float, ...]
    standard_error: tuple[float, ...]
    quoted_days: float
    reason: str = ""
    level: float = float("nan")
    amplitude: float = float("nan")
    amplitude_low: float = float("nan")
    amplitude_high: float = float("nan")
    tau_h: float = float("nan")
    tau_low_h: float = float("nan")
    tau_high_h: float = float("nan")
    half_life_h: float = float("nan")
    half_life_low_h: float = float("nan")
    half_life_high_h: float = float("nan")


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoReport:
    """What became of one photo; one row of ``photos.csv``.

    Attributes
    ----------
    grade : str
        Comparability with the reference photo of its view, A to D and F; empty for that photo itself.
    """

    file: str
    sha256: str
    session: str
    taken_at: datetime | None
    stage: Stage
    hours_after: float | None
    view: View | None
    status: Literal["used", "rejected"]
    code: str = ""
    reason: str = ""
    remedy: str = ""
    yaw_deg: float = float("nan")
    pitch_deg: float = float("nan")
    roll_deg: float = float("nan")
    iod_px: float = float("nan")
    mm_per_px: float = float("nan")
    sharpness: float = float("nan")
    misfit_percent_iod: float = float("nan")
    color_reference: Rung | None = None
    residual_delta_e: float = float("nan")
    flags: Flag = Flag.NONE
    not_registered: tuple[str, ...] = ()
    misfit_by_region: dict[str, float] = field(default_factory=dict)
    color_anchor: str = ""
    color_reason: str = ""
    leave_one_out_delta_e: float = float("nan")
    a_star_se: float = float("nan")
    lightness_se: float = float("nan")
    redness_index_se: float = float("nan")
    relative_redness_se: float = float("nan")
    clipped_share: float = float("nan")
    camera: str = ""
    software: str = ""
    exposure: str = ""
    flash: str = ""
    white_balance: str = ""
    light: str = ""
    light_azimuth_deg: float = float("nan")
    light_elevation_deg: float = float("nan")
    light_directionality: float = float("nan")
    light_color_mix: float = float("nan")
    warm_azimuth_deg: float = float("nan")
    shine_share: float = float("nan")
    days_after: float | None = None
    phase: PhaseName | None = None
    grade: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClientResult:
    """Everything that a run found out about one client. No pixels: what draws re-reads what it draws.

    Attributes
    ----------
    sessions : tuple of str
        Labels in order of time.
    inspections : dict
        File to inspection, for the photos that were used.
    registrations : dict
        File to how the photo lies over the reference photo of its view; reference photos are not in it.
    skipped : tuple of (file, reason)
        Files in the folder that are no photos or stand for a shot already present.
    pointed : tuple of PhotoRef
        Photos with points set by hand, used or not, in order of time.
    versions, timings_s : dict
    """

    client: str
    folder: Path
    sessions: tuple[str, ...]
    plan: ClientPlan
    inspections: dict[str, Inspection]
    photos: tuple[PhotoReport, ...]
    rejected: tuple[Rejection, ...]
    skipped: tuple[tuple[str, str], ...]
    measurements: tuple[Measurement, ...]
    changes: tuple[Change, ...]
    comparisons: tuple[Comparison, ...]
    findings: tuple[Finding, ...]
    settings: Any
    versions: dict[str, str]
    timings_s: dict[str, float]
    notes: tuple[str, ...] = ()
    registrations: dict[str, Registration] = field(default_factory=dict)
    lights: dict[str, PhotoLight] = field(default_factory=dict)
    light_differences: tuple[LightDifference, ...] = ()
    spots: tuple[Spot, ...] = ()
    maps: tuple[SkinMap, ...] = ()
    marks: tuple[MarkPlace, ...] = ()
    pointed: tuple[PhotoRef, ...] = ()
    trends: tuple[Trend, ...] = ()
    recoveries: tuple[Recovery, ...] = ()
