"""Prints the given JSON document, an object, as TOML."""

from __future__ import annotations

import json
import sys
from pathlib import Path


def inline(value: object) -> str:
    """A value on one line; JSON's strings, numbers and booleans are TOML's too."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(k)} = {inline(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(inline, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


document: dict[str, object] = json.loads(Path(sys.argv[1]).read_text())
for name, value in document.items():
    if not isinstance(value, dict):
        print(f"{json.dumps(name)} = {inline(value)}")
for name, value in document.items():
    if isinstance(value, dict):
        print(f"\n[{json.dumps(name)}]")
        for key, inner in value.items():
            print(f"{json.dumps(key)} = {inline(inner)}")
