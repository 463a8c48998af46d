"""How far two sessions differ when nothing changed: the session part of every interval.

The table is made by

    python -m skinprogress.validation.repeatability FOLDER [FOLDER…] --rendered FOLDER

from photos in which nothing changed. The figures below come from 23 true pairs (18 independent ones; 15 to 21 pairs for
texture): 14 people of the Face Research Lab London Set (DeBruine and Jones, CC-BY 4.0, doi
10.6084/m9.figshare.5047666; neutral against smiling in one studio) and 9 pairs of selfies of two people from 15 to 60
cm; from 19 path-traced retakes of one scanned head under other lights (scan: Lee Perry-Smith, CC-BY 3.0), 16 of which
can be compared as photographed; and from 34 simulated pairs, two of each of 17 of these faces. All of the rendered ones
together count as much as the true ones, and either kind of simulation half as much. What blur does comes from blurred
copies of 21 photos. None shows pores finely enough, and none has blood on the skin.

The true retakes, which nearly all differ in expression, are covered by themselves: 95 % of their differences at least,
and no more than one in twenty pairs has a region outside of its simultaneous interval; so are they together with the
rendered ones. Few people and few rooms: a clinic's own retakes are better.
"""

from skinprogress.settings import Repeatability

REPEATABILITY: dict[str, Repeatability] = {
    "redness": Repeatability(session=0.078, per_light=0.54, per_light_color=3.6, per_exposure=4.6),
    "redness_index": Repeatability(session=0.099, per_light=4.6, per_light_color=8.1, per_exposure=3.4, per_misfit=0.6),
    "relative_redness": Repeatability(
        session=0.042, per_light=4, per_light_color=8.9, per_exposure=0.85, per_expression=0.25, per_misfit=0.63
    ),
    "redness_over_neck": Repeatability(session=0.064, per_light=4.3, per_light_color=12, per_misfit=1.1),
    "haemoglobin_index": Repeatability(
        session=0.0078, per_light=0.29, per_light_color=0.53, per_exposure=0.31, per_expression=0.064
    ),
    "redness_uniformity": Repeatability(
        session=0.063,
        per_light=0.62,
        per_light_color=1.1,
        per_exposure=0.44,
        per_expression=0.25,
        per_misfit=0.17,
        scale="value",
    ),
    "red_area": Repeatability(session=2.2, per_light=37, per_light_color=0.26, per_exposure=150),
    "red_area_mm2": Repeatability(session=4.9, per_light=120, per_light_color=47, per_exposure=210, scale="root"),
    "red_spots": Repeatability(session=1.1, scale="root"),
    "red_spots_area": Repeatability(session=0.31, per_blur=0.032, scale="root"),
    "red_spots_contrast": Repeatability(session=0.85, per_light=2, per_blur=7, per_misfit=0.5),
    "red_tracks": Repeatability(
        session=0.0018,
        per_light=0.021,
        per_light_color=0.0005,
        per_exposure=0.0005,
        per_expression=0.0005,
        per_blur=0.0029,
        per_misfit=0.0005,
    ),
    "red_tracks_length": Repeatability(session=4.3, scale="root"),
    "log_redness_index": Repeatability(
        session=0.0041,
        per_light=0.19,
        per_light_color=0.33,
        per_exposure=0.14,
        per_expression=0.00047,
        per_misfit=0.025,
    ),
    "lightness": Repeatability(session=0.14, per_light=22, per_light_color=9.9, per_exposure=12, per_expression=0.73),
    "ita": Repeatability(session=0.57, per_light=120, per_light_color=74, per_expression=7.8),
    "melanin_index": Repeatability(session=0.0095, per_light=0.24, per_exposure=1.5, per_misfit=0.36),
    "tone_uniformity": Repeatability(
        session=0.029,
        per_light=1.4,
        per_light_color=0.36,
        per_exposure=0.72,
        per_expression=0.13,
        per_misfit=0.11,
        scale="value",
    ),
    "haemoglobin_uniformity": Repeatability(
        session=0.077, per_light=0.42, per_expression=0.36, per_misfit=0.071, scale="value"
    ),
    "melanin_uniformity": Repeatability(
        session=0.16, per_light=0.71, per_light_color=0.4, per_exposure=0.42, per_expression=0.42, scale="value"
    ),
    "brown_spots": Repeatability(session=1.4, scale="root"),
    "brown_spots_area": Repeatability(session=0.87, per_blur=0.24, scale="root"),
    "brown_spots_contrast": Repeatability(session=0.051, per_light=0.56, per_blur=1.3, per_misfit=0.041),
    "dark_patches": Repeatability(session=4, per_light=16, per_light_color=140, per_expression=18, scale="root"),
    "pale_patches": Repeatability(session=2.8, per_light=24, per_light_color=99, scale="root"),
    "texture_uniformity": Repeatability(
        session=0.024,
        per_light=0.8,
        per_light_color=0.0028,
        per_exposure=1.1,
        per_blur=0.13,
        per_misfit=0.15,
        scale="value",
    ),
    "fine_texture": Repeatability(
        session=0.029,
        per_light=0.44,
        per_light_color=0.5,
        per_exposure=1.1,
        per_blur=0.16,
        per_misfit=0.09,
        scale="value",
    ),
    "coarse_texture": Repeatability(
        session=0.023,
        per_light=0.96,
        per_light_color=0.0025,
        per_exposure=1.1,
        per_expression=0.025,
        per_blur=0.13,
        per_misfit=0.18,
        scale="value",
    ),
    "relief_contrast": Repeatability(session=0.042, per_light=1.1, per_expression=0.15, per_blur=1.9, scale="value"),
    "wrinkle_index": Repeatability(session=0.062, per_light=0.0066, per_blur=0.039),
    "glcm_contrast": Repeatability(
        session=0.035,
        per_light=1.2,
        per_exposure=1.8,
        per_expression=0.049,
        per_blur=0.23,
        per_misfit=0.3,
        scale="value",
    ),
    "glcm_homogeneity": Repeatability(
        session=0.021,
        per_light=0.31,
        per_light_color=0.17,
        per_exposure=0.78,
        per_expression=0.052,
        per_blur=0.062,
        per_misfit=0.11,
        scale="value",
    ),
}

COMPENSATED: dict[str, Repeatability] = {
    "redness": Repeatability(
        session=0.075, per_light=0.038, per_light_color=0.094, per_exposure=4.6, per_expression=0.013, per_misfit=0.014
    ),
    "redness_index": Repeatability(
        session=0.071, per_light=1.1, per_light_color=0.16, per_exposure=3.5, per_expression=0.0075, per_misfit=0.62
    ),
    "relative_redness": Repeatability(session=0.04, per_light_color=0.38, per_expression=0.034, per_misfit=0.77),
    "haemoglobin_index": Repeatability(
        session=0.0051, per_light=0.00077, per_light_color=0.22, per_exposure=0.31, per_expression=0.037
    ),
    "redness_uniformity": Repeatability(
        session=0.065, per_light=0.11, per_light_color=0.84, per_expression=0.27, per_misfit=0.29, scale="value"
    ),
    "red_area": Repeatability(session=1.2, per_light=0.13, per_light_color=0.58, per_exposure=230),
    "red_area_mm2": Repeatability(session=0.97, per_light=0.18, per_light_color=0.76, per_exposure=210, scale="root"),
    "log_redness_index": Repeatability(
        session=0.0029,
        per_light=0.041,
        per_light_color=0.0058,
        per_exposure=0.15,
        per_expression=0.00035,
        per_misfit=0.026,
    ),
    "lightness": Repeatability(session=0.14, per_light=13, per_light_color=4, per_exposure=13),
    "ita": Repeatability(session=0.56, per_light=63, per_light_color=31, per_exposure=5.2, per_expression=4.2),
    "melanin_index": Repeatability(
        session=0.005, per_light=0.0034, per_light_color=0.014, per_exposure=1.5, per_expression=0.0018, per_misfit=0.36
    ),
    "tone_uniformity": Repeatability(
        session=0.02,
        per_light=0.33,
        per_light_color=1.8,
        per_exposure=0.55,
        per_expression=0.031,
        per_misfit=0.071,
        scale="value",
    ),
    "haemoglobin_uniformity": Repeatability(
        session=0.078, per_light=0.31, per_expression=0.35, per_misfit=0.065, scale="value"
    ),
    "dark_patches": Repeatability(session=3.7, per_light=23, per_light_color=19, per_expression=19, scale="root"),
    "pale_patches": Repeatability(session=2.5, per_light=19, per_light_color=79, per_expression=2.4, scale="root"),
}
"""The same once the difference of light was taken out, beside what the fit of the light says of its own error.

What the whole face shares is not touched by that: where the metric is absolute, exposure and faces that do not match
count as they do as photographed.
"""

SMALL_MM2 = 300.0
"""Areas from here on are as good as regions, mm²."""

SMALLNESS_POWER = 0.5
"""Of the area: relative redness needs 0.3, the uniformities 0.3 to 0.6, the haemoglobin index 0.55, others less."""
