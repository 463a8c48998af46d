"""Fixtures that several test modules share."""

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from skinprogress.records import ClientResult


def _load(path: Path) -> ModuleType:
    """Import a helper file by its path: test folders are no packages and stay off ``sys.path``."""
    name = f"skinprogress_tests_{path.stem}"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


@pytest.fixture
def fake_result() -> Callable[..., ClientResult]:
    """The builder of made-up results: ``fake_result(n_sessions=6, seed=0, folder=tmp_path, …)``."""
    builder: Callable[..., ClientResult] = _load(Path(__file__).parent / "outputs" / "fake_result.py").fake_result
    return builder
