"""The sentence at the end of a validation: good, partly bad, and bad."""

import math

from skinprogress.validation.alignment import AlignmentValidation
from skinprogress.validation.summary import alignment_remarks, judge_alignment, render_alignment_table
from skinprogress.validation.table import Figure


def validation(known=None, pairs=None, accepted_regions=None):
    """Photos with the p95 of their accepted skin and their accepted share; pairs with theirs."""

    def figure(test, subject, metric, name, value, n=11):
        return Figure(
            kind="alignment", tier="T0", test=test, method="refined", subject=subject, metric=metric, figure=name,
            value=value, unit="", n=n,
        )  # fmt: skip

    figures = []
    for photo, (error, share) in (known or {}).items():
        figures.append(figure("known_warp", photo, "accepted", "error_p95", error))
        figures.append(figure("known_warp", photo, "regions", "accepted_share", share))
    for photo, share in (pairs or {}).items():
        figures.append(figure("same_person", photo, "regions", "accepted_share", share))
    if pairs:
        figures.append(figure("same_person", "all", "regions", "accepted_share", 0.5, n=len(pairs)))
    if accepted_regions is not None:
        for name, value, n in (
            ("accepted_regions", float(accepted_regions), 44), ("accepted_share", accepted_regions / 44, 4),
            ("moved_share", 0.5, accepted_regions),
        ):  # fmt: skip
            figures.append(figure("other_person", "all", "regions", name, value, n))
    return AlignmentValidation(figures=tuple(figures), rejected=(), n_photos=len(known or {}), n_people=2)


def test_good_photos_can_be_trusted_and_the_bound_is_the_worst_of_them():
    text = judge_alignment(validation({"a.jpg": (0.1, 1.0), "b.jpg": (0.32, 0.9)}))
    assert text.startswith("Alignment can be trusted on these photos")
    assert "0.32 %" in text and "0.2 mm" in text and "not on" not in text


def test_a_bad_photo_is_named_with_its_reason():
    text = judge_alignment(validation({"a.jpg": (0.1, 1.0), "b.jpg": (0.9, 1.0), "c.jpg": (0.1, 0.3)}))
    assert "on 1 of 3 photos" in text
    assert "b.jpg (5 % of its accepted skin lies more than 0.90 % off" in text
    assert "c.jpg (only 30 % of its skin is accepted after a known warp)" in text


def test_many_bad_photos_are_counted_and_hostile_names_made_harmless():
    known = {f"{k}\n\x1b.jpg": (0.9, 1.0) for k in range(8)}
    text = judge_alignment(validation(known))
    assert text.startswith("Alignment cannot be trusted") and "5 more photos" in text
    assert text.isprintable()


def test_known_warps_do_not_excuse_real_pairs_that_were_refused():
    text = judge_alignment(validation({"a.jpg": (0.1, 1.0), "b.jpg": (0.1, 1.0)}, pairs={"b.jpg": 0.0}))
    assert text.startswith("Alignment cannot be trusted")
    assert "none of its skin is accepted over the first photo of the same person" in text


def test_accepted_regions_of_different_people_are_held_against_it():
    found = validation({"a_1.jpg": (0.1, 1.0), "b_1.jpg": (0.1, 1.0)}, accepted_regions=3)
    assert "3 regions of different people were accepted" in judge_alignment(found)
    (line,) = [line for line in alignment_remarks(found) if line.startswith("Different people")]
    assert "3 of 44 regions accepted, 50 % of them moved" in line
    clean = validation({"a_1.jpg": (0.1, 1.0), "b_1.jpg": (0.1, 1.0)}, accepted_regions=0)
    assert "different people" not in judge_alignment(clean)


def test_nothing_judged_is_said():
    assert "cannot be said" in judge_alignment(validation())
    assert render_alignment_table(validation()).row_count == 0


def test_a_photo_without_accepted_skin_is_bad_and_not_a_crash():
    text = judge_alignment(validation({"a.jpg": (math.nan, 0.0), "b.jpg": (0.1, 1.0)}))
    assert "a.jpg (none of its skin is accepted after a known warp)" in text
