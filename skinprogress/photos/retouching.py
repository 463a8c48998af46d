"""What a file says about programs and camera modes that may have smoothed or recoloured the skin.

Only what is written can be found: apps that erase everything leave a file that looks like any other.
"""

import re

_PROGRAMS = (
    # desktop programs, RAW developers among them
    r"photoshop|lightroom|camera raw|gimp|affinity photo|capture one|darktable|rawtherapee|luminar|skylum|aperture|"
    r"iphoto|dxo|photolab|on1 |topaz|portrait ?pro|imagenomic|portraiture|paintshop|corel|pixelmator|photomator|"
    r"acdsee|paint\.net|photoscape|photofiltre|fotor|polarr|zoner|faststone|silkypix|nx studio|capture nx|viewnx|"
    r"digital photo professional|imaging edge|om workspace|olympus (?:workspace|viewer)|windows photo editor|picasa|"
    # apps
    r"snapseed|vsco|picsart|facetune|faceapp|face ?tune|beauty|retouch|meitu|b612|snow cam|soda cam|ulike|youcam|"
    r"perfect365|airbrush|retrica|camera360|sweet ?(?:selfie|snap)|peachy|remini|lensa|canva|instagram|snapchat|tiktok|"
    r"douyin|capcut|hypic|xingtu|faceu|inshot|photodirector|photoroom|afterlight|prequel|lightleap|foodie|epik|"
    r"photo ?grid|photolayers|darkroom|cymera|candy ?cam|wuta|photoeditor"
)
_PROGRAM = re.compile(rf"\b(?:{''.join(_PROGRAMS)})|^(?:google$|photos \d|snow\b|soda\b|epik\b)", re.IGNORECASE)
_CREATOR_TOOL = re.compile(rb"xmp:CreatorTool\s*(?:=\s*[\"']|>)\s*([^\"'<]{1,200})")
_MODES = {
    # Google's camera and those that follow it; Xiaomi's
    "portrait": re.compile(rb"SpecialType-PORTRAIT\b|MiCamera:XMPMeta\s*=[^>]{0,500}depthmap"),
    # Comments of the cameras of vivo, Xiaomi and Redmi, and of ByteDance's apps.
    "beauty": re.compile(rb"modeInfo:\s*beauty|douyin_beauty|\"product\":\s*\"retouch\"", re.IGNORECASE),
    "filter": re.compile(rb"^(?:ASCII|UNICODE)?\s*filter:\s*[1-9]|\"filterId\":\s*\"[^\"]", re.IGNORECASE),
}


def is_suspect(metadata: dict[str, str]) -> bool:
    """True where the metadata name a camera mode or a program that may change skin.

    Examples
    --------
    >>> is_suspect({"software": "Adobe Lightroom 13.2 (Macintosh)"}), is_suspect({"software": "17.1.2"})
    (True, False)
    """
    return bool(metadata.get("mode")) or may_retouch(metadata.get("software", ""))


def may_retouch(software: str) -> bool:
    """True for the name of an editor, a RAW developer or a filter app; false for a camera's or a phone's own software.

    Notes
    -----
    Cameras write anything ("17.1.2", "HDR+ 1.0.345618096zd", "MediaTek Camera Application", "Ver.1.10"), so programs
    are known by a list, and one that is not in it passes.
    """
    return _PROGRAM.search(software) is not None


def find_mode(*, custom_rendered: float | None, scene: float | None, notes: bytes) -> str:
    """Camera mode or app effect that may change skin: ``portrait``, ``beauty``, ``filter``, or nothing.

    Parameters
    ----------
    custom_rendered : float or None
        EXIF CustomRendered. Apple writes 7 and 8 for its portrait modes; 1 says little, many phones always write it.
    scene : float or None
        EXIF SceneCaptureType; 2 is the scene programme "portrait", which cameras take as leave to soften skin.
    notes : bytes
        EXIF UserComment without zero bytes, then XMP.
    """
    if custom_rendered in (7, 8) or scene == 2:
        return "portrait"
    return next((mode for mode, sign in _MODES.items() if sign.search(notes)), "")


def find_creator_tool(xmp: bytes) -> str:
    """Program that XMP names as the picture's maker, or nothing."""
    found = _CREATOR_TOOL.search(xmp)
    return found[1].decode("utf-8", "replace").strip() if found else ""
