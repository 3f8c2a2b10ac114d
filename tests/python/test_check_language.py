"""The check of comments and names, scripts/check_language.py, on broken and on correct examples."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts/check_language.py"


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("check_language", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["check_language"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


check_language = load()


def rules(folder: Path, name: str, code: str) -> list[str]:
    """Returns the findings in a file of this content, as `line rule`."""
    path = folder / name
    path.write_text(code)
    return [f"{found.line} {found.rule}" for found in check_language.check(path, name)]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("/// What the server has.\nstruct A;", "1 riddle"),
        ("/// Whoever was first said the same.\nstruct A;", "1 riddle"),
        ("fn a() {\n    // nobody listens\n}", "2 riddle"),
        ("/// It waits.\nfn a() {}", "1 riddle"),
        ("/// That which is left.\nfn a() {}", "1 riddle"),
        ("struct A {\n    /// On.\n    enabled: bool,\n}", "2 riddle"),
        ("/* Which column. */", "1 riddle"),
        ("/// Creates the user, or updates her secret.\nfn a() {}", "1 pronoun"),
        ("/// Reads the log.\n/// The writer\n/// says how.\nfn a() {}", "3 word"),
        ("let a = 1; // the server told us", "1 word"),
        ("// Done at last!", "1 amusement"),
        ("pub async fn settle(&self) {}", "1 name"),
        ("fn begin_settle() {}", "1 name"),
        ("mod words;", "1 name"),
        ("pub(crate) struct Letter(u8);", "1 name"),
        ("struct LoseAnswer {}", "1 name"),
        ("enum A {\n    Known,\n    Nobody(u8),\n}", "3 name"),
        ("enum A {\n    B { seen: bool },\n}", "2 name"),
        (
            "struct A<T: Into<u8>> {\n    a: Vec<b::C>,\n    #[c]\n    pub(super) seen: bool,\n}",
            "4 name",
        ),
        ("macro_rules! words {}", "1 name"),
        ("fn putting() {}", "1 verb"),
        ("pub const fn heading_bucket() {}", "1 verb"),
        ("fn what_is_wrong() {}", "1 name"),
        ("impl A {\n    fn putting() {}\n}", "2 verb"),
        ('const A: &str = "her secret is another";', "1 message"),
        ("// plain-words: allow\nfn put() {}", "1 allow"),
        ("// plain-words: allow (a term of law here)\n\nfn settle() {}", "3 name"),
    ],
)
def test_rust_is_refused(tmp_path: Path, code: str, expected: str) -> None:
    found = rules(tmp_path, "file.rs", code)
    assert expected in found
    assert {line.split()[0] for line in found} == {expected.split()[0]}


@pytest.mark.parametrize(
    "code",
    [
        "/// Returns the key, so that the file stays whatever the caller does.\nfn key() {}",
        '/// Takes `what` and "her" and `assert!`\n/// ```\n/// // what is it\n/// ```\nfn a() {}',
        '/// The header of "x" (`fn settle()`).\nfn put() {}',
        'let url = "http://x"; let c = \'"\'; let s = r#"// what"#;',
        "fn remaining() {}\nfn set_versioning() {}\nfn deleting_objects_frees_space() {}",
        "impl Visitor for A {\n    fn expecting(&self) {}\n    fn hear(&self) {}\n}",
        "impl<F: for<'a> Fn(&'a u8)> A<F> {\n    fn put() {}\n}",
        "let a = other::settle(words, turns);\nlet b = Letter { seen: true };\nb.keeping();",
        "macro_rules! verb {\n    ($told:ident) => { fn $told() {} };\n}",
        "fn a(told: *const u8) -> impl Fn() {}",
        'const A: &str = "{\\"user\\": \\"nobody\\", and more}";',
        "// plain-words: allow (a term of law here)\nfn settle() {}",
    ],
)
def test_rust_passes(tmp_path: Path, code: str) -> None:
    assert rules(tmp_path, "file.rs", code) == []


@pytest.mark.parametrize(
    ("name", "code", "expected"),
    [
        ("a.py", '"""What it does."""\n', ["1 riddle"]),
        (
            "a.py",
            "def told() -> None:\n    # whoever waits\n    pass\n",
            ["1 name", "2 riddle", "2 word"],
        ),
        ("a.py", "class Recipe:\n    seen: bool\n", ["1 name", "2 name"]),
        (
            "a.py",
            'def test_what_fails() -> None:\n    print("it is her own secret")\n',
            ["1 name", "2 message"],
        ),
        ("words.py", "", ["1 name"]),
        ("a.py", 'settle = words("# what") # fine\n', []),
        (
            "a.sh",
            "#!/bin/sh\n# Who owns it\nsettle() {\n  echo '# what'\n}\n",
            ["2 riddle", "3 name"],
        ),
        ("a.sh", 'echo "$#" "a # nobody" ${a#who}\n', []),
        ("Makefile", "a: b ## what it makes\n# whoever reads this\n", ["2 riddle", "2 word"]),
        ("a.nix", "{\n  # what is kept\n  a = 1; # told\n}\n", ["2 riddle", "3 word"]),
        ("a.nix", "{ description = ''\n    Text.\n    The server says so.\n  ''; }\n", ["3 word"]),
        ("a.nix", '{ description = "Whether she may."; }\n', ["1 pronoun"]),
        ("a.nix", "{ a = \"# what ${if b then \"}\" else ''# it''} # nobody\"; }\n", []),
        ("a.md", "# What it is\n\nThe server says so.\n\n```\nhe said\n```\n", ["3 word"]),
        (
            "a.md",
            "## Glossary\n\n| response | HTTP | answer, said |\n\n## Next\n\nHe did.\n",
            ["7 pronoun"],
        ),
        ("a.txt", "whoever said so\n", []),
    ],
)
def test_other_languages(tmp_path: Path, name: str, code: str, expected: list[str]) -> None:
    assert rules(tmp_path, name, code) == expected


def test_the_glossary_must_list_the_refused_names() -> None:
    assert check_language.check_glossary("# No such section\n") == []
    empty = "## Glossary\n\n| term | meaning | not |\n|---|---|---|\n"
    assert "settle" in check_language.check_glossary(empty)
    row = "| background work | a task that outlives its call | settle |\n"
    assert "settle" not in check_language.check_glossary(empty + row)
    assert "settle" in check_language.check_glossary(empty + "\n## Next\n\n" + row)


def test_the_command_lists_counts_and_fails() -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(SCRIPT), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    clean = run(str(SCRIPT.parents[1] / "crates/lakewright-embedded"))
    assert (clean.returncode, clean.stdout) == (0, "")
    assert run("--paths", "--count", str(SCRIPT)).returncode == 0
