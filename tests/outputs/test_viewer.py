"""The before/after viewer: every session in one crop, true words on every pair, and nothing that a name can break."""

import dataclasses
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from importlib import resources
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from skinprogress.outputs import viewer
from skinprogress.outputs.alignment import common_box, head_frame
from skinprogress.outputs.catalogue import strings
from skinprogress.outputs.report import _environment
from skinprogress.outputs.summary import summarize
from skinprogress.outputs.viewer import ViewerData, best_photos, colors_of, height_for, shared_box, viewer_for_report
from skinprogress.outputs.viewer_words import describe_pair
from skinprogress.records import ClientResult
from skinprogress.settings import OutputOptions

Fake = Callable[..., ClientResult]
FEW = {"metrics": ("redness", "redness_index"), "regions": ("forehead", "cheek_left", "cheek_right", "face")}


class _Embed:
    """Keeps the pictures and gives names for them."""

    def __init__(self) -> None:
        self.pictures: list[npt.NDArray[np.uint8]] = []

    def __call__(self, picture: Any, *, max_side: int = 0, quality: int = 0) -> str:
        self.pictures.append(picture)
        return f"picture-{len(self.pictures)}"

    @property
    def photos(self) -> list[npt.NDArray[np.uint8]]:
        return [p for p in self.pictures if p.shape[2] == 3]

    @property
    def maps(self) -> list[npt.NDArray[np.uint8]]:
        return [p for p in self.pictures if p.shape[2] == 4]


class _Page(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.islands: list[str] = []
        self.text = ""
        self._in_script = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._in_script = tag == "script"
        if self._in_script:
            self.islands.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag == "script":
            self._in_script = False

    def handle_data(self, data: str) -> None:
        if self._in_script:
            self.islands[-1] += data
        else:
            self.text += f" {data}"

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]


def _partial(viewers: list[ViewerData], audience: str = "clinician") -> _Page:
    options = OutputOptions(audience=audience)  # type: ignore[arg-type]
    return _Page(_environment().get_template("viewer.html.jinja").render(viewers=viewers, options=options))


def _one(result: ClientResult) -> tuple[ViewerData, _Embed]:
    embed = _Embed()
    (data,) = viewer_for_report(result, embed)
    return data, embed


def test_every_session_once_in_one_shape(fake_result: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = fake_result(4, folder=tmp_path, **FEW)
    read, plain = [], viewer.read_rgb
    monkeypatch.setattr(viewer, "read_rgb", lambda i: read.append(i.ref.file) or plain(i))
    data, embed = _one(result)
    assert len(data.sessions) == len(result.sessions)
    assert len(read) == len(set(read)) == len(embed.photos) == 4
    assert {p.shape for p in embed.photos} == {(data.height, data.width, 3)} and data.height <= 1000
    assert set(data.pairs) == {(a, b) for b in range(4) for a in range(b)}
    pair = summarize(result).pair
    assert pair is not None and tuple(result.sessions[k] for k in data.chosen) == pair


def test_a_photo_taken_from_near_does_not_cut_the_others_down(fake_result: Fake, tmp_path: Path) -> None:
    result = fake_result(4, folder=tmp_path, **FEW)
    photos, frame = best_photos(result, "front"), head_frame(result, "front")
    face_right = int(photos[1].landmarks.points_xy[:468, 0].max())
    near = dataclasses.replace(photos[1], width_px=face_right - 30)
    assert common_box([near], frame)[2] < common_box([photos[0]], frame)[2] - 0.3
    assert shared_box([photos[0], near, *photos[2:]], result, "front") == shared_box(photos, result, "front")
    # Of two, what both show, as far as the whole face stays in the picture.
    both = shared_box([photos[0], near], result, "front")
    assert common_box([near], frame)[2] < both[2] < common_box([photos[0]], frame)[2]
    assert both[2] > frame.points_xy[:468, 0].max()


def test_colors_are_matched_where_they_can_be_and_it_is_said_where_not(fake_result: Fake, tmp_path: Path) -> None:
    result = fake_result(3, folder=tmp_path, rungs=("background", "background", "none", "none"), **FEW)
    photos = best_photos(result, "front")
    anchors = [result.plan.corrections[i.ref.file].anchor for i in photos]
    colors = colors_of(result, photos)
    for i, anchor in zip(photos, anchors, strict=True):
        shared = anchor != "" and anchors.count(anchor) > 1
        assert (colors[i.ref.file].corrections[1] is not None) == shared
    for a, b in ((0, 1), (0, 2), (1, 2)):
        matched = anchors[a] != "" and anchors[a] == anchors[b]
        footer = describe_pair(result, "front", photos[a], photos[b], colors).footer
        assert ("colour not matched" not in footer) == matched
        # Who is drawn in corrected colours beside one who is not is named.
        lone = [i for i in (photos[a], photos[b]) if colors[i.ref.file].rung != "none"] if not matched else []
        assert ("matched to other photos" in footer) == bool(lone)


def test_words_of_a_pair_that_nobody_compared(fake_result: Fake, tmp_path: Path) -> None:
    result = fake_result(6, folder=tmp_path, **FEW)
    data, _ = _one(result)
    compared = {(c.from_session, c.to_session): c for c in result.comparisons}
    place = {i.ref.session: k for k, i in enumerate(best_photos(result, "front"))}
    unsaid = 0
    for (a, b), words in data.pairs.items():
        sessions = next(s for s in place if place[s] == a), next(s for s in place if place[s] == b)
        if sessions in compared:
            assert words.grade == compared[sessions].grade and f"Grade {words.grade}" in words.lead
            assert all(reason in words.lead for reason in compared[sessions].reasons)
        else:
            unsaid += 1
            assert words.grade == words.banner == "" and "not measured against each other" in words.lead
            assert "Against " in words.lead and "grade " in words.lead
    assert unsaid


def test_too_soon_and_not_comparable_stand_in_the_picture(fake_result: Fake, tmp_path: Path) -> None:
    result = fake_result(6, folder=tmp_path, **FEW)
    result = dataclasses.replace(
        result,
        comparisons=tuple(
            dataclasses.replace(c, grade="F", reasons=("the light differs",)) for c in result.comparisons
        ),
    )
    data, _ = _one(result)
    for photo, session in zip(best_photos(result, "front"), data.sessions, strict=True):
        early = result.plan.phases[photo.ref.session].name in ("acute", "peeling")
        covered = photo.ref.session in result.plan.covered_sessions
        assert ("too soon" in session.words.banner) == (early and not covered)
        assert ("cream" in session.words.banner) == covered
    assert any(s.words.banner for s in data.sessions)
    words = data.pairs[data.chosen]
    assert words.grade == "F" and "Not comparable" in words.banner and "the light differs" in words.lead
    assert "Not comparable" in _partial([data]).text


def test_changes_belong_to_their_pair_and_only_to_it(fake_result: Fake, tmp_path: Path) -> None:
    result = fake_result(6, folder=tmp_path, **FEW)
    data, _ = _one(result)
    script = json.loads(json.dumps(data.script))
    sessions = [i.ref.session for i in best_photos(result, "front")]
    measured = {(c.from_session, c.to_session) for c in result.changes}
    assert set(script["changes"]) == {f"{sessions.index(a)}-{sessions.index(b)}" for a, b in measured}
    for pair, by_measure in script["changes"].items():
        a, b = (sessions[int(k)] for k in pair.split("-"))
        for measure, rows in by_measure.items():
            assert len({row[0] for row in rows}) == len(rows)
            for region, verdict, color, figure in rows:
                name = script["regions"][region]["name"]
                mine = [
                    c
                    for c in result.changes
                    if (c.metric, c.region, c.from_session, c.to_session) == (measure, name, a, b)
                ]
                words = {c.course_status or c.verdict for c in mine}
                assert script["verdicts"][verdict][1] in words
                if "not comparable" in words:
                    assert color == figure == ""
                else:
                    assert re.fullmatch("#[0-9a-f]{6}", color)
                    size = abs(float(re.findall(r"\d+\.?\d*", figure)[0]))
                    assert any(abs(abs(c.difference) - size) <= 0.051 for c in mine)


def test_outlines_lie_on_the_face_and_left_is_the_clients_own(fake_result: Fake, tmp_path: Path) -> None:
    data, _ = _one(fake_result(2, folder=tmp_path, marks=("scar",), **FEW))
    for session in data.sessions:
        outlines = session.outlines
        assert {"forehead", "cheek_left", "nose", "face", "scar"} <= set(outlines.paths)
        for name, path in outlines.paths.items():
            points = np.array([[int(v) for v in p] for p in re.findall(r"(-?\d+) (-?\d+)", path)], np.int32)
            assert cv2.pointPolygonTest(points, tuple(map(float, outlines.middles[name])), False) >= 0, name
            assert (points > -20).all() and (points < (data.width + 20, data.height + 20)).all()
        assert outlines.middles["cheek_left"][0] > outlines.middles["nose"][0] > outlines.middles["cheek_right"][0]
        assert outlines.middles["forehead"][1] < outlines.middles["nose"][1] < outlines.middles["chin"][1]


def test_map_of_redness_covers_skin_only_and_is_darker_where_it_is_redder(fake_result: Fake, tmp_path: Path) -> None:
    result = fake_result(3, folder=tmp_path, maps=True, **FEW)
    flat = []
    for m in result.maps:
        level = 5.0 + 5.0 * result.sessions.index(m.session)
        values = np.where(np.isnan(m.values), m.values, np.float16(level))
        flat.append(dataclasses.replace(m, values=values))
    data, embed = _one(dataclasses.replace(result, maps=tuple(flat)))
    assert len(embed.maps) == 3 and all(s.redness for s in data.sessions)
    seen = []
    for picture in embed.maps:
        assert picture[:20, :20, 3].max() == 0  # the corner shows no skin
        share = picture.shape[0] / data.height
        x, y = (round(share * v) for v in data.sessions[0].outlines.middles["cheek_left"])
        assert 0 < picture[y, x, 3] < 255
        seen.append(int(picture[y, x, :3].sum()))
    assert seen[0] > seen[1] > seen[2]


def test_no_map_without_maps_and_none_in_the_list(fake_result: Fake, tmp_path: Path) -> None:
    data, embed = _one(fake_result(2, folder=tmp_path, **FEW))
    assert not embed.maps and data.script["map"] is None
    assert "map" not in [o["value"] for o in _partial([data]).all("option")]


EVIL = "</script><img src=x onerror=alert(1)>\"'&--><b>"


def test_names_that_users_give_are_never_markup(fake_result: Fake, tmp_path: Path) -> None:
    result = fake_result(3, folder=tmp_path, marks=(EVIL,), **FEW)
    files = list(result.inspections)
    for name in (files[0], files[-1]):
        inspection = result.inspections[name]
        # Without a date a session is called as its photo is.
        ref = dataclasses.replace(inspection.ref, session=EVIL)
        result.inspections[name] = dataclasses.replace(inspection, ref=ref)
    viewers = viewer_for_report(result, _Embed())
    page = _partial(viewers)
    assert len(page.all("img")) == 2 and not page.all("b")
    assert all(not name.startswith("on") and name != "style" for _, attrs in page.tags for name in attrs)
    (island,) = page.islands
    content = json.loads(island)
    assert EVIL in [s["name"].replace("  ", " ") for s in content["sessions"]]
    assert EVIL in content["regions"][0]["name"]
    assert "<" not in island


def test_without_the_script_the_pair_and_its_words_are_there(fake_result: Fake, tmp_path: Path) -> None:
    data, _ = _one(fake_result(4, folder=tmp_path, **FEW))
    page = _partial([data])
    assert [i["src"] for i in page.all("img")] == [s.picture for s in data.shown]
    assert all(i["alt"] for i in page.all("img"))
    for words in (*(s.words.name for s in data.shown), data.pair.lead, data.pair.footer):
        assert " ".join(words.split()) in " ".join(page.text.split())
    # Controls that need the script wait for it.
    panel = next(a for a in page.all("div") if a.get("class") == "viewer-panel")
    assert "hidden" in panel
    assert page.all("figure")[0]["data-mode"] == "side"
    # The pictures of this pair are not in the page twice.
    sessions = json.loads(page.islands[0])["sessions"]
    assert [bool(s["picture"]) for s in sessions] == [k not in data.chosen for k in range(4)]


def test_the_clients_version_offers_fewer_measures(fake_result: Fake, tmp_path: Path) -> None:
    metrics = ("redness", "redness_index", "relative_redness", "texture_uniformity")
    data, _ = _one(fake_result(2, folder=tmp_path, metrics=metrics, regions=("face", "nose")))
    offered = [{o["value"] for o in _partial([data], who).all("option")} for who in ("clinician", "client")]
    assert set(metrics) <= offered[0]
    assert offered[1] & set(metrics) == {"redness", "texture_uniformity"}


def test_photos_that_are_gone_are_named_and_left_out(fake_result: Fake, tmp_path: Path) -> None:
    result = fake_result(4, folder=tmp_path, **FEW)
    photos = best_photos(result, "front")
    photos[-1].ref.path.unlink()
    data, embed = _one(result)
    assert len(data.sessions) == len(embed.photos) == 3 and len(data.missing) == 1
    assert data.chosen[1] < 3 and data.missing[0] in _partial([data]).text
    for photo in photos[1:3]:
        photo.ref.path.write_bytes(b"no picture")
    assert viewer_for_report(result, _Embed()) == []


def test_one_session_has_nothing_to_be_compared_with(fake_result: Fake, tmp_path: Path) -> None:
    assert viewer_for_report(fake_result(1, folder=tmp_path, **FEW), _Embed()) == []


def test_every_view_has_a_viewer_with_names_of_its_own(fake_result: Fake, tmp_path: Path) -> None:
    result = fake_result(2, folder=tmp_path, views=("front", "left_oblique"), **FEW)
    viewers = viewer_for_report(result, _Embed())
    assert [v.view for v in viewers] == ["front", "left_oblique"]
    page = _partial(viewers)
    ids = [str(attrs["id"]) for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids)) and {"viewer-front", "viewer-left_oblique"} <= set(ids)
    assert len({i["name"] for i in page.all("input") if i.get("type") == "radio"}) == 2


def test_many_pictures_are_smaller() -> None:
    heights = [height_for(n) for n in (2, 10, 30, 60, 100, 1000)]
    assert heights[:3] == [1000] * 3 and heights == sorted(heights, reverse=True)
    # As many px as 40 pictures of full height at most, up to a hundred.
    assert all(n * height_for(n) ** 2 <= 40 * 1000**2 for n in range(1, 101))


def test_the_script_uses_the_words_of_the_catalogue_and_all_of_them() -> None:
    script = resources.files("skinprogress.outputs").joinpath("templates", "viewer.js").read_text("utf-8")
    known = {k.removeprefix("viewer.js.") for k in strings() if k.startswith("viewer.js.")}
    said = " ".join(re.findall(r"say\((.*)", script))
    quoted = set(re.findall(r'"([a-z_]+)"', said))
    assert known - {"slider", "side", "blink"} <= quoted
    assert set(re.findall(r'say\("([a-z_]+)"', script)) <= known
    assert not re.search(r"innerHTML|eval\(|new Function|insertAdjacentHTML|document\.write|fetch\(|https?:", script)
