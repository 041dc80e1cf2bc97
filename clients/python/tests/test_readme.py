"""What the README shows is run as it stands there."""

from __future__ import annotations

import pathlib
import re
from typing import Any

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3] / "README.md"
README = pathlib.Path(__file__).resolve().parent.parent / "README.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```", README.read_text(encoding="utf-8"), re.M | re.S)


@pytest.mark.usefixtures("needs_model")
def test_the_readme_works_word_for_word(
    server: Any, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NEEDLETAIL_URL", server.address)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes/admin.md").write_text("# Backups\nEvery night borg copies the disk to the cellar.\n")
    (tmp_path / "notes/cooking.txt").write_text("Boil the rice for twelve minutes.")
    names: dict[str, Any] = {"__name__": "readme"}

    def run(block: str) -> str:
        exec(compile(block, str(README), "exec"), names)
        return capsys.readouterr().out

    twelve, *others = BLOCKS
    lines = [line for line in twelve.splitlines() if line]
    assert len(lines) == 12
    assert len(others) == 6
    answers = run(twelve).splitlines()
    assert answers[0] == "2 documents, 2 chunks, 2 embedded"
    assert "admin.md" in answers[1] and "borg" in answers[1]
    assert run(twelve).splitlines()[0] == "2 documents, 2 chunks, 0 embedded"

    try:
        outputs = [run(block) for block in others]
    finally:
        names["client"].close()
    assert outputs[0].startswith("1 0.3") and "[1. 0. 0.]" in outputs[0]
    assert outputs[2].endswith("20000\r18999 1001 fsync\n")
    assert re.fullmatch(r"\[(\d+, ){4}\d+\]\n", outputs[3])
    assert outputs[4] == "100\n"
    assert "points[0].vector 3 2" in outputs[5]


def test_the_readme_of_the_whole_shows_the_same_twelve_lines() -> None:
    assert BLOCKS[0] in ROOT.read_text(encoding="utf-8")
