"""What every test may rely on: no UGC_ setting of the person who runs them leaks in."""

import os

import pytest


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("UGC_"):
            monkeypatch.delenv(name)
