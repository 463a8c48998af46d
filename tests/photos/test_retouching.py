"""Programs and camera modes that may change skin, told by what the file says."""

from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from skinprogress.photos.reading import read_header, read_photo
from skinprogress.photos.retouching import find_creator_tool, may_retouch
from skinprogress.records import Flag, PhotoRef

SUSPECT = Flag.FILTER_SUSPECTED


def ref(path: Path) -> PhotoRef:
    return PhotoRef(path=path, file=path.name, client="c", session="s")


def picture() -> Image.Image:
    return Image.fromarray(np.full((80, 100, 3), (206, 150, 125), np.uint8))


def xmp(body: str) -> bytes:
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f"<rdf:Description {body}</rdf:RDF></x:xmpmeta>"
    ).encode()


@pytest.mark.parametrize(
    "software",
    [
        *("Adobe Photoshop CS6 (Windows)", "Adobe Photoshop Lightroom Classic 13.2 (Macintosh)", "GIMP 2.10.34"),
        *("Snapseed 2.0", "FaceApp", "Facetune", "BeautyPlus", "Meitu", "Google", "Photos 3.0", "PicsArt", "B612"),
        *("Capture One 23 Macintosh", "Digital Photo Professional 4", "Windows Photo Editor 10.0.10011.16384", "VSCO"),
    ],
)
def test_programs_that_may_retouch(software: str) -> None:
    assert may_retouch(software)


@pytest.mark.parametrize(
    "software",
    [
        *("", "17.1.2", "14.4", "HDR+ 1.0.345618096zd", "MediaTek Camera Application", "Ver.1.10 ", "V1.0.0"),
        *("Firmware Version 1.1.1", "ILCE-7M3 v3.10", "NIKON D850 Ver.1.10", "Digital Camera X-T3 Ver4.00"),
        *("G998BXXU5CVEB", "ELE-L29 10.1.0.150(C431E22R2P5)", "sweet-user 12 RKQ1.210614.002", "QCOM-AA", "Android"),
        *("Windows Photo Viewer 6.1", "Google Pixel 8", "Picture Style 1.0", "jpegtran", "ExifTool 12.1", "simulated"),
    ],
)
def test_what_cameras_write_is_not_suspected(software: str) -> None:
    assert not may_retouch(software)


@pytest.mark.parametrize(
    ("tag", "value", "mode"),
    [
        (0xA401, 7, "portrait"), (0xA401, 8, "portrait"), (0xA406, 2, "portrait"),
        (0xA401, 1, ""), (0xA401, 3, ""), (0xA406, 0, ""), (0xA406, 3, ""),
        (0x9286, b"\0" * 8 + b"filter: 0; fileterIntensity: 0.0; module: photo; modeInfo: ; sceneMode: Auto;", ""),
        (0x9286, b"filter: 2237; fileterIntensity: 0.4; filterMask: 0;", "filter"),
        (0x9286, b"ASCII\0\0\0filter: 0; jpegRotation: 270; modeInfo: Beauty ; sceneMode: Night;", "beauty"),
        (0x9286, b'ASCII\0\0\0{"data":{"filterId":"","product":"retouch"},"source_type":"douyin_beauty_me"}', "beauty"),
        (0x9286, b'ASCII\0\0\0{"data":{"filterId":"7044467","product":"lv"}}', "filter"),
        (0x9286, b"ASCII\0\0\0the portrait of a beauty", ""),
    ],
)  # fmt: skip
def test_camera_modes(tmp_path: Path, tag: int, value: object, mode: str) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[tag] = value
    picture().save(tmp_path / "a.jpg", exif=exif)
    photo = read_photo(ref(tmp_path / "a.jpg"))
    assert photo.metadata.get("mode", "") == mode
    assert (SUSPECT in photo.flags) == bool(mode)
    assert set(photo.metadata) <= {"mode", "jpeg_quality"}


@pytest.mark.parametrize("kind", ["jpg", "png", "tif", "webp", "avif", "heic"])
def test_the_tool_in_xmp_is_found_in_every_kind_of_file(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"a.{kind}"
    for body, suspected in (
        ('xmp:CreatorTool="Adobe Photoshop 25.1 (Macintosh)"/>', True),
        ("><xmp:CreatorTool>FaceApp 11.2</xmp:CreatorTool></rdf:Description>", True),
        ('GCamera:MotionPhoto="1"><GCamera:SpecialTypeID><rdf:Bag><rdf:li>com.google.android.apps.camera.gallery.'
         "specialtype.SpecialType-PORTRAIT</rdf:li></rdf:Bag></GCamera:SpecialTypeID></rdf:Description>", True),
        ('xmp:CreatorTool="17.1.2"/>', False),
        ("/>", False),
    ):  # fmt: skip
        if kind == "heic":
            pillow_heif.from_pillow(picture()).save(path, xmp=xmp(body))
        elif kind == "png":
            from PIL.PngImagePlugin import PngInfo

            chunks = PngInfo()
            chunks.add_itxt("XML:com.adobe.xmp", xmp(body).decode())
            picture().save(path, pnginfo=chunks)
        elif kind == "tif":
            picture().save(path, tiffinfo={700: xmp(body)})
        else:
            picture().save(path, xmp=xmp(body))
        photo = read_photo(ref(path))
        assert (SUSPECT in photo.flags) == suspected, body
        assert read_header(path).metadata == photo.metadata


def test_the_name_of_the_editor_is_kept_beside_the_firmware(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0131] = "17.1.2"
    picture().save(tmp_path / "a.jpg", exif=exif, xmp=xmp('xmp:CreatorTool="Adobe Lightroom 9.1 (iOS)"/>'))
    assert read_photo(ref(tmp_path / "a.jpg")).metadata["software"] == "Adobe Lightroom 9.1 (iOS)"
    picture().save(tmp_path / "b.jpg", exif=exif, xmp=xmp('xmp:CreatorTool="17.0"/>'))
    assert read_photo(ref(tmp_path / "b.jpg")).metadata["software"] == "17.1.2"


def test_damaged_xmp_is_no_tool() -> None:
    assert find_creator_tool(b"\xff\x00 xmp:CreatorTool=") == ""
    assert find_creator_tool(b'xmp:CreatorTool="' + b"\xff" * 50 + b'"') == "\ufffd" * 50
