"""The check of the SBOMs of what is built, scripts/sbom.py, on wheels made for the test."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts/sbom.py"


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("sbom", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


sbom = load()


def document(*names: str) -> dict[str, object]:
    components = [{"name": name, "version": "1.0.0"} for name in names]
    return {"bomFormat": "CycloneDX", "components": components}


def make_wheel(folder: Path, files: dict[str, object]) -> Path:
    wheel = folder / "x-0.1.0-cp311-abi3-linux_x86_64.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, json.dumps(content))
    return wheel


def test_the_sbom_of_a_wheel_has_every_crate_of_its_module(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sbom, "read_embedded", lambda binary: json.loads(binary.read_text()))
    place, module = "x-0.1.0.dist-info/sboms/x.cyclonedx.json", "x/_x.abi3.so"
    whole: dict[str, object] = {place: document("serde", "syn"), module: document("serde")}
    assert "SBOM of 2 crates" in sbom.check_wheel(make_wheel(tmp_path, whole))

    faults: list[tuple[dict[str, object], str]] = [
        ({place: document("syn"), module: document("serde")}, "lacks crates.*serde"),
        ({module: document("serde")}, "0 SBOMs"),
        ({place: {"spdxVersion": "SPDX-2.3"}, module: document()}, "not in the format CycloneDX"),
    ]
    for files, why in faults:
        with pytest.raises(SystemExit, match=why):
            sbom.check_wheel(make_wheel(tmp_path, files))


@pytest.mark.timeout(600)
def test_a_program_without_a_list_of_crates_is_refused() -> None:
    cache = Path(os.environ.get("LAKEWRIGHT_CACHE") or Path.home() / ".cache/lakewright")
    if not any(cache.glob("tools/auditable2cdx-*/bin/auditable2cdx")):
        pytest.skip("auditable2cdx: `make wheel` installs it")
    with pytest.raises(SystemExit, match="no list of crates can be read"):
        sbom.write_sbom(Path(sys.executable).resolve())
