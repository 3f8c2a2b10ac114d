"""Checks that comments and names are plain technical English.

Reads the comments and the defined names of the Rust, Python, Nix and shell files, and the text of
the Markdown files, and reports words and forms that the glossary of DESIGN.md replaces. Names that
are only used, such as those of other crates, are not checked. Run without arguments, it checks all
files under version control; with arguments, only those files and folders.

A comment `plain-words: allow (REASON)` exempts its own line and the line after it.
"""

from __future__ import annotations

import argparse
import ast
import io
import re
import subprocess
import sys
import tokenize
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
GLOSSARY = ROOT / "crates/lakewright-core/DESIGN.md"

# A history, a file generated from files that are checked, and the tables of this check.
SKIPPED = (
    "CHANGELOG.md",
    "nix/OPTIONS.md",
    "scripts/check_language.py",
    "tests/python/test_check_language.py",
)


@dataclass(frozen=True)
class Term:
    """A term of the glossary and the words that it replaces, separated by spaces.

    `names` are refused as a part of a name, `alone` only as the whole name, and `text` in comments
    and Markdown.
    """

    use: str
    names: str = ""
    alone: str = ""
    text: str = ""


TERMS = (
    Term("response, result", names="answer answers answered", text="answer answers"),
    Term("return, report, contain", "said says saying", alone="say", text="said says told"),
    Term("receive", "hear hears", text="hear hears heard"),
    Term("`without_source`, or the verb of the action", "told"),
    Term("client, transport, pool, connector", alone="wire wires"),
    Term("delay, backoff, timeout", "patience pause pauses", text="patience"),
    Term("background work", "settle settles settled", text="settle settles settled"),
    Term("recover, repair, normalise", "mend mends mended", text="mend mends mended"),
    Term("conformance", "judge judges judged"),
    Term("conversion, or the name of the content", "words word", alone="stuff thing things what"),
    Term("shared_stream", alone="turn turns"),
    Term("`with_guard`, `without_guard`", "keeping loose"),
    Term("`with_display_name`, named", "called"),
    Term("the name of the role", "careless farewell greeting scribe", text="farewell scribe"),
    Term("ByteProgress, LoopMessage, CommandLine", "recipe", alone="far letter"),
    Term("the condition or the state", "noting standing", alone="gone life seen whole"),
    Term(
        "the caller, another process, another thread",
        names="nobody somebody whoever",
        text="nobody somebody whoever",
    ),
)


def parse(text: str) -> frozenset[str]:
    """Returns the words of a list that is separated by spaces."""
    return frozenset(text.split())


# A comment that begins with one of these is understood only with the code around it.
OPENERS = parse(
    "anybody everybody it nobody somebody someone what whatever which who whoever whom whose"
)
PRONOUNS = re.compile(r"\b(?:s?he|hers?|him|his|herself|himself)\b", re.IGNORECASE)
PERSONS = re.compile(r"(?<![\w\"'\\-])(?:nobody|somebody|whoever)(?![\w\"'\\-])", re.IGNORECASE)
AMUSEMENT = re.compile(
    r"\b(?:alas|haha|hooray|lol|oops|phew|voil[àa]|yay)\b|\w!(?=[\s)]|$)", re.IGNORECASE
)

# Words in -ing that are nouns, adjectives or prepositions, so that a function may begin with them.
NOT_GERUNDS = parse(
    "anything binding during encoding everything existing expecting following incoming "
    "leading listing mapping matching missing nothing outgoing padding pending ping remaining "
    "ring setting something spacing spelling string tagging trailing versioning warning"
)


@dataclass(frozen=True)
class Comment:
    line: int
    text: str
    # Whether the comment stands on lines of its own, so that it has an opening word.
    opens: bool = True


@dataclass(frozen=True)
class Name:
    line: int
    kind: str
    name: str


@dataclass(frozen=True, order=True)
class Finding:
    path: str
    line: int
    rule: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.rule}: {self.message}"


@dataclass(frozen=True)
class Source:
    comments: tuple[Comment, ...]
    names: tuple[Name, ...] = ()
    # String literals, some of which are messages to users.
    messages: tuple[Comment, ...] = ()


# Readers of the languages


def joined(lines: list[tuple[int, str, str]]) -> Iterator[Comment]:
    """Joins comments of one kind on adjacent lines; each item is line, kind and text."""
    block: list[str] = []
    first = last = 0
    kind = ""
    for line, this, text in lines:
        if block and (this != kind or line != last + 1):
            yield Comment(first, "\n".join(block))
            block = []
        if not block:
            first = line
        block.append(text)
        last, kind = line, this
    if block:
        yield Comment(first, "\n".join(block))


RUST_TOKEN = re.compile(
    r"""
    (?P<line>//[^\n]*)
    | (?P<block>/\*)
    | (?P<raw>b?c?r(?P<hash>\#*)".*?"(?P=hash))
    | (?P<string>[bc]?"(?:\\.|[^"\\])*")
    | (?P<char>b?'(?:\\[^\n]{1,8}?|[^\\'\n])')
    | (?P<lifetime>'\w+)
    | (?P<name>(?:r\#)?[A-Za-z_]\w*)
    | (?P<other>::|[{}()\[\]<>;,:!=&*$])
    """,
    re.VERBOSE | re.DOTALL,
)
BLOCK_COMMENT = re.compile(r"/\*|\*/")


def rust_tokens(code: str) -> Iterator[tuple[str, str, int]]:
    """Yields kind, text and offset of the tokens of Rust code."""
    at = 0
    while match := RUST_TOKEN.search(code, at):
        kind = match.lastgroup or ""
        at = match.end()
        if kind == "block":
            depth = 1
            while depth and (mark := BLOCK_COMMENT.search(code, at)):
                depth += 1 if mark[0] == "/*" else -1
                at = mark.end()
        yield kind, code[match.start() : at], match.start()


class RustNames:
    """Collects the names that a sequence of Rust tokens defines."""

    ITEMS = frozenset(("fn", "struct", "enum", "union", "trait", "type", "mod", "const", "static"))
    MODIFIERS = frozenset(("fn", "mut", "unsafe", "async", "extern", "_"))
    # The tokens before `impl` in the position of a type.
    TYPE_POSITION = frozenset(("(", ",", ":", "&", "<", ">", "=", "mut", "$"))

    def __init__(self) -> None:
        self.names: list[Name] = []
        # The kinds of the open blocks: fields, variants, an implementation of a trait, or code.
        self.blocks: list[str] = []
        # The kind of the next block.
        self.next = "code"
        # The number of open parentheses and brackets.
        self.nested = 0
        # The two tokens before.
        self.before = ("", "")

    def read(self, text: str, line: int, is_name: bool) -> None:
        block = self.blocks[-1] if self.blocks else "code"
        earlier, last = self.before
        if text in ("(", "["):
            self.nested += 1
        elif text in (")", "]"):
            self.nested -= 1
        elif text == "{":
            self.blocks.append("fields" if block == "variants" else self.next)
            self.next = "code"
        elif text == "}" and self.blocks:
            self.blocks.pop()
        elif text == ";" and not self.nested:
            self.next = "code"
        elif text == "<" and last == "for" and self.next == "trait":
            self.next = "impl"
        elif text == ":" and block == "fields" and not self.nested:
            if earlier in ("{", ",", "pub", ")", "]"):
                self.add("field", last, line)
        elif is_name:
            self.read_name(text, line, block)
        self.before = (last, text)

    def read_name(self, text: str, line: int, block: str) -> None:
        earlier, last = self.before
        if earlier == "macro_rules" and last == "!":
            self.add("macro", text, line)
        elif last in self.ITEMS and earlier not in ("*", "$") and text not in self.MODIFIERS:
            # The functions of a trait have the names that the trait gives them.
            if not (last == "fn" and block == "trait"):
                self.add(last, text, line)
            if last in ("struct", "union"):
                self.next = "fields"
            elif last == "enum":
                self.next = "variants"
        elif text == "impl" and last not in self.TYPE_POSITION:
            self.next = "impl"
        elif text == "for" and self.next == "impl":
            self.next = "trait"
        elif block == "variants" and not self.nested and last in ("{", ",", "]"):
            self.add("variant", text, line)

    def add(self, kind: str, name: str, line: int) -> None:
        self.names.append(Name(line, kind, name.removeprefix("r#")))


def read_rust(code: str) -> Source:
    starts = line_starts(code)
    own: list[tuple[int, str, str]] = []
    comments: list[Comment] = []
    messages: list[Comment] = []
    names = RustNames()
    for kind, text, at in rust_tokens(code):
        line = line_of(starts, at)
        if kind == "line":
            marker = next(mark for mark in ("///", "//!", "//") if text.startswith(mark))
            body = text.removeprefix(marker).removeprefix(" ")
            before = code[starts[line - 1] : at]
            if before.strip():
                comments.append(Comment(line, body, opens=False))
            else:
                own.append((line, marker + before, body))
        elif kind == "block":
            comments.append(Comment(line, text.strip("/*! \n")))
        elif kind in ("raw", "string"):
            content = text[text.index('"') + 1 : text.rindex('"')]
            messages.append(Comment(line, content, opens=False))
        elif kind in ("name", "other"):
            names.read(text, line, kind == "name")
    return Source((*joined(own), *comments), tuple(names.names), tuple(messages))


def line_starts(code: str) -> list[int]:
    return [0] + [match.end() for match in re.finditer("\n", code)]


def line_of(starts: list[int], offset: int) -> int:
    return bisect_right(starts, offset)


def read_python(code: str) -> Source:
    own: list[tuple[int, str, str]] = []
    comments: list[Comment] = []
    for token in tokenize.generate_tokens(io.StringIO(code).readline):
        if token.type != tokenize.COMMENT or token.string.startswith("#!"):
            continue
        line, column = token.start
        body = token.string.lstrip("#").removeprefix(" ")
        if token.line[:column].strip():
            comments.append(Comment(line, body, opens=False))
        else:
            own.append((line, str(column), body))
    names: list[Name] = []
    messages: list[Comment] = []
    docstrings: set[int] = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Expr):
            docstrings.add(id(node.value))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            if id(node) in docstrings:
                continue
            messages.append(Comment(node.lineno, node.value, opens=False))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            names.append(Name(node.lineno, "fn", node.name))
        elif isinstance(node, ast.ClassDef):
            names.append(Name(node.lineno, "class", node.name))
            for item in node.body:
                if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
                    names.append(Name(item.lineno, "field", item.target.id))
        if isinstance(node, ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            first = node.body[0] if node.body else None
            text = ast.get_docstring(node)
            if text and first:
                comments.append(Comment(first.lineno, text))
    return Source((*joined(own), *comments), tuple(names), tuple(messages))


def read_hash(code: str) -> Source:
    """Reads a shell script or a Makefile: `#` begins a comment outside quotes."""
    own: list[tuple[int, str, str]] = []
    comments: list[Comment] = []
    names: list[Name] = []
    quote = ""
    for number, line in enumerate(code.split("\n"), 1):
        at = 0
        while at < len(line):
            char = line[at]
            if quote:
                if char == "\\" and quote == '"':
                    at += 1
                elif char == quote:
                    quote = ""
            elif char == "\\":
                at += 1
            elif char in "\"'":
                quote = char
            elif char == "#" and (at == 0 or line[at - 1] in " \t;(") and not line.startswith("#!"):
                body = line[at:].lstrip("#").removeprefix(" ")
                if line[:at].strip():
                    comments.append(Comment(number, body, opens=False))
                else:
                    own.append((number, line[:at], body))
                break
            at += 1
        if match := re.match(r"\s*(?:function\s+)?([A-Za-z_]\w*)\s*\(\)\s*\{", line):
            names.append(Name(number, "fn", match[1]))
    return Source((*joined(own), *comments), tuple(names))


NIX_TEXT = re.compile(r"\bdescription\s*=\s*$|\bmkEnableOption\s*$|\b(?:lib\.)?literalMD\s*$")


def read_nix(code: str) -> Source:
    """Reads comments and the descriptions of options; strings may contain nested code."""
    starts = line_starts(code)
    own: list[tuple[int, str, str]] = []
    comments: list[Comment] = []
    # The open strings and interpolations: `"`, `''` or `{`.
    open_: list[str] = []
    at = begin = 0
    described = False
    while at < len(code):
        inside = open_[-1] if open_ else "{"
        two = code[at : at + 2]
        line = line_of(starts, at)
        if inside == "{":
            if code[at] == "#":
                end = code.find("\n", at)
                end = len(code) if end < 0 else end
                before = code[starts[line - 1] : at]
                body = code[at:end].lstrip("#").removeprefix(" ")
                if before.strip():
                    comments.append(Comment(line, body, opens=False))
                else:
                    own.append((line, before, body))
                at = end
                continue
            if two == "/*":
                end = code.find("*/", at)
                end = len(code) if end < 0 else end
                comments.append(Comment(line, code[at + 2 : end].strip("* \n")))
                at = end + 2
                continue
            if two == "''" or code[at] == '"':
                mark = two if two == "''" else '"'
                described = not open_ and bool(NIX_TEXT.search(code[max(0, at - 60) : at]))
                open_.append(mark)
                begin = at = at + len(mark)
                continue
            if code[at] == "{" and open_:
                open_.append("{")
            elif code[at] == "}" and open_:
                open_.pop()
        elif two == "${":
            open_.append("{")
            at += 2
            continue
        elif inside == '"' and code[at] == "\\":
            at += 2
            continue
        elif inside == "''" and code[at : at + 3] in ("'''", "''$", "''\\"):
            at += 3
            continue
        elif code.startswith(inside, at):
            open_.pop()
            if described and not open_:
                content = code[begin:at]
                begin += len(content) - len(content.lstrip())
                comments.append(Comment(line_of(starts, begin), content.strip()))
                described = False
            at += len(inside)
            continue
        at += 1
    return Source((*joined(own), *comments))


def read_markdown(text: str) -> Source:
    """Reads the paragraphs, without code blocks and without the glossary."""
    comments: list[Comment] = []
    fence = glossary = False
    for number, line in enumerate(text.split("\n"), 1):
        if line.lstrip().startswith("```"):
            fence = not fence
        elif line.startswith("#"):
            glossary = line.strip("# ").lower().endswith("glossary")
        if not fence and not glossary and line.strip():
            comments.append(Comment(number, line, opens=False))
    return Source(tuple(comments))


READERS: dict[str, Callable[[str], Source]] = {
    ".rs": read_rust,
    ".py": read_python,
    ".nix": read_nix,
    ".md": read_markdown,
    ".sh": read_hash,
}


def read(path: Path) -> Source | None:
    """Reads a file, or returns `None` for a kind of file that is not checked."""
    reader = READERS.get(".sh" if path.name == "Makefile" or path.match(".ci/run") else path.suffix)
    if reader is None:
        return None
    source = reader(path.read_text())
    if path.suffix in (".rs", ".py", ".sh") and path.stem not in (
        "mod",
        "lib",
        "main",
        "__init__",
        "__main__",
    ):
        module = Name(1, "file", path.stem.replace("-", "_"))
        source = Source(source.comments, (*source.names, module), source.messages)
    return source


# Rules


def parts(name: str) -> list[str]:
    """Splits a name in snake case or camel case into lower-case words."""
    return [part.lower() for part in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)]


def prose(text: str) -> str:
    """Removes code, links and quotations from a comment, keeping the lines."""
    text = re.sub(r"(?ms)^\s*```.*?^\s*```", lambda match: "\n" * match[0].count("\n"), text)
    text = re.sub(
        r"`[^`\n]*(?:\n[^`\n]*)?`", lambda match: "`" + "\n" * match[0].count("\n") + "`", text
    )
    text = re.sub(r'"[^"\n]*"', '""', text)
    return re.sub(r"https?://\S+", "", text)


ANYWHERE = {word: term.use for term in TERMS for word in parse(term.names)}
ALONE = ANYWHERE | {word: term.use for term in TERMS for word in parse(term.alone)}
TEXT = {word: term.use for term in TERMS for word in parse(term.text)}
TEXT_PATTERN = re.compile(rf"\b({'|'.join(sorted(TEXT))})\b", re.IGNORECASE)


def check_name(name: Name) -> Iterator[tuple[int, str, str]]:
    found = parts(name.name)
    if found and found[0] == "test" and name.kind in ("fn", "file"):
        found = found[1:]
    if not found:
        return
    banned = ALONE if len(found) == 1 else ANYWHERE
    for part in found:
        if part in banned:
            yield name.line, "name", f"{name.kind} `{name.name}`: not `{part}`, but: {banned[part]}"
    if name.kind != "fn":
        return
    if found[0] in OPENERS and len(found) > 1:
        yield name.line, "name", f"fn `{name.name}` begins with `{found[0]}`: state the fact"
    if found[0].endswith("ing") and len(found) <= 2 and found[0] not in NOT_GERUNDS:
        yield name.line, "verb", f"fn `{name.name}`: a function is a verb, such as `put`"


def check_comment(comment: Comment) -> Iterator[tuple[int, str, str]]:
    text = prose(comment.text)
    for pattern, rule, advice in (
        (PRONOUNS, "pronoun", "users have no gender, and things are no persons"),
        (AMUSEMENT, "amusement", "state the fact without an exclamation"),
    ):
        for match in pattern.finditer(text):
            line = comment.line + text.count("\n", 0, match.start())
            yield line, rule, f"`{match[0]}`: {advice}"
    for match in TEXT_PATTERN.finditer(text):
        line = comment.line + text.count("\n", 0, match.start())
        yield line, "word", f"not `{match[0]}`, but: {TEXT[match[0].lower()]}"
    if not comment.opens:
        return
    start = text.strip()
    first = re.match(r"[A-Za-z]+", start)
    if first and first[0].lower() in OPENERS and not start.split("\n\n")[0].rstrip().endswith("?"):
        yield comment.line, "riddle", f"begins with `{first[0]}`: begin with the fact"
    if re.match(r"(?:that which|those who|those which)\b", start, re.IGNORECASE):
        yield comment.line, "riddle", "begins with a pronoun: begin with the fact"
    if re.fullmatch(r"[A-Z][A-Za-z]*\.", start):
        yield comment.line, "riddle", f"`{start}` is one word: write a sentence"


def check_message(message: Comment) -> Iterator[tuple[int, str, str]]:
    """Checks a string literal; only one of several words can be a message."""
    if message.text.count(" ") < 2:
        return
    for match in (*PRONOUNS.finditer(message.text), *PERSONS.finditer(message.text)):
        line = message.line + message.text.count("\n", 0, match.start())
        yield line, "message", f"`{match[0]}`: name the user, the caller or the process"


ALLOW = re.compile(r"plain-words: allow(?P<reason> \([^)]{8,}\))?")


def check(path: Path, name: str) -> list[Finding]:
    """Returns the findings of one file, in the order of its lines."""
    source = read(path)
    if source is None:
        return []
    findings: set[Finding] = set()
    exempt: set[int] = set()
    for comment in source.comments:
        for match in ALLOW.finditer(comment.text):
            line = comment.line + comment.text.count("\n", 0, match.start())
            if match["reason"]:
                exempt |= {line, line + 1}
            else:
                findings.add(
                    Finding(name, line, "allow", "needs a reason: plain-words: allow (REASON)")
                )
    for comment in source.comments:
        findings |= {Finding(name, *found) for found in check_comment(comment)}
    for message in source.messages:
        findings |= {Finding(name, *found) for found in check_message(message)}
    for defined in source.names:
        findings |= {Finding(name, *found) for found in check_name(defined)}
    return sorted(found for found in findings if found.line not in exempt or found.rule == "allow")


def check_glossary(text: str) -> list[str]:
    """Returns the refused names that the third column of the glossary does not list."""
    section = re.search(r"(?ms)^#+ [^\n]*[Gg]lossary\n(.*?)(?=^#+ |\Z)", text)
    if section is None:
        return []
    rows = [line.split("|") for line in section[1].split("\n") if line.startswith("|")]
    listed = {
        word for row in rows if len(row) > 3 for word in re.findall(r"[a-z_]+", row[3].lower())
    }
    refused = {
        word for term in TERMS for word in (*term.names.split()[:1], *term.alone.split()[:1])
    }
    return sorted(refused - listed)


# Command line


def tracked(places: list[str]) -> list[Path]:
    """Lists the files under version control, and new ones that are not ignored."""
    command = [
        "git",
        "-C",
        str(ROOT),
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ]
    listed = subprocess.run(
        [*command, "--", *places], check=True, capture_output=True, text=True
    ).stdout
    files = (ROOT / name for name in listed.split("\0") if name)
    return [file for file in files if file.is_file()]


def unit(name: str) -> str:
    """Returns the crate or the folder that a file belongs to."""
    folders = name.split("/")
    deep = 2 if folders[0] in ("crates", "tests", "nix") else 1
    return "/".join(folders[: min(deep, len(folders) - 1)]) or name


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "places", nargs="*", help="files and folders; by default the whole repository"
    )
    parser.add_argument("--paths", action="store_true", help="only list the files with findings")
    parser.add_argument(
        "--count", action="store_true", help="only count the findings of each crate"
    )
    arguments = parser.parse_args()
    places = [str(Path(place).resolve().relative_to(ROOT)) for place in arguments.places]
    findings: list[Finding] = []
    for path in tracked(places):
        name = path.relative_to(ROOT).as_posix()
        if name not in SKIPPED:
            findings += check(path, name)
    if arguments.paths:
        for name, number in sorted(Counter(found.path for found in findings).items()):
            print(f"{number:5} {name}")
    elif arguments.count:
        rules = sorted({found.rule for found in findings})
        for name, number in sorted(Counter(unit(found.path) for found in findings).items()):
            each = Counter(found.rule for found in findings if unit(found.path) == name)
            summary = ", ".join(f"{rule} {each[rule]}" for rule in rules if each[rule])
            print(f"{number:5} {name}  ({summary})")
    else:
        print(*findings, sep="\n", end="\n" if findings else "")
    absent = check_glossary(GLOSSARY.read_text()) if GLOSSARY.is_file() and not places else []
    if absent:
        print(f"the glossary of DESIGN.md does not list: {', '.join(absent)}")
    if findings or absent:
        print(
            f"{len(findings)} findings; the glossary of DESIGN.md has the words to use",
            file=sys.stderr,
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
