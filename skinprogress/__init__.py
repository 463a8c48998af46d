"""Compare skin-treatment photos: aligned, colour-checked, measured per region, every change with its uncertainty."""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"
__all__ = ["changes_frame", "compare_client", "compare_photos", "figure", "measurements_frame", "save"]


def __getattr__(name: str) -> Any:
    """Load the public API on first use, so that ``import skinprogress`` stays fast."""
    if name in __all__:
        return getattr(import_module("skinprogress.api"), name)
    raise AttributeError(f"module 'skinprogress' has no attribute {name!r}")
