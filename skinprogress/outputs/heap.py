"""Memory that was freed and that the C library still holds, given back to the system."""

import ctypes
import sys


def give_back_memory() -> None:
    """Give back what is free in the C heap; does nothing where the C library is not glibc.

    Pictures of many sizes leave holes between what is still in use: after a client has been compared two thirds of the
    process are holes, and the next stage, which needs other sizes, would grow on top of them.
    """
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
