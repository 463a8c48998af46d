"""A run with made-up names and without a network, as a process of its own: ``run_hidden.py FOLDER OUT``."""

import os
import sys
from pathlib import Path

_MEASURES = ("redness", "redness_index")

os.umask(0)


def run(folder: Path, out: Path) -> None:
    from skinprogress.batch.pseudonyms import hide_names, label_of
    from skinprogress.metrics.table import METRICS
    from skinprogress.outputs.table import write_outputs
    from skinprogress.photos.folder import list_folder
    from skinprogress.pipeline.comparing import compare_client
    from skinprogress.settings import Settings

    # Small and with two measures, so that every kind of file is made within seconds.
    settings = Settings(canonical_px=512, canonical_px_max=512)
    for name in METRICS.keys() - set(_MEASURES):
        del METRICS[name]
    id = f"2026/{folder.name}"
    label = label_of(out, id)
    listing = list_folder(folder, settings=settings)
    listing, hider = hide_names(listing, label=label, folder=folder, id=id)
    result = compare_client(
        listing.photos, client=listing.client, folder=Path(label), course=listing.course, settings=settings,
        rejected=listing.rejected, skipped=listing.skipped, notes=listing.notes,
    )  # fmt: skip
    write_outputs(hider.hide_result(result), out / "clients" / label)


if __name__ == "__main__":
    from skinprogress.checking.offline import main

    if len(sys.argv) == 4:  # what a run must not do, for the test that this would be noticed
        import socket

        family = {"network": socket.AF_INET, "machine": socket.AF_UNIX}[sys.argv[3]]
        main(lambda folder, out: socket.socket(family).close())
    else:
        main(run)
