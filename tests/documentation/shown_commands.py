"""The commands that the documentation shows, collected from its Markdown."""

import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path

from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[2]
# Blocks that say their language are commands if it is one of these; blocks that say none are commands.
SHELLS = ("", "sh", "bash", "console")
PROGRAMS = ("landmarks", "snakemake", "make", "python", "pytest", "pip", "torchrun", "mkdocs")
SEPARATORS = ("&&", "||", ";", "|")
# Shell that runs nothing of ours, and trees of files.
NO_COMMANDS = {("README.md", "Map of the code"): "a map of files"}


@dataclass(frozen=True)
class Command:
    """One program with its arguments, as a page shows it."""

    page: str
    line: int
    words: tuple[str, ...]
    variables: dict[str, str] = field(default_factory=dict, hash=False, compare=False)
    # Named in a sentence, where options that are needed may be left out.
    inline: bool = False

    def __str__(self):
        return f"{self.page}:{self.line}: {shlex.join(self.words)}"


def pages():
    """List the pages with commands: the site's, and those of GitHub."""
    others = [ROOT / name for name in ("README.md", "config/README.md", "results/README.md")]
    return [*others, *sorted((ROOT / "docs").glob("*.md"))]


def commands_of(text, page="page.md"):
    """Collect the commands of blocks and of sentences, in their order."""
    found, heading = [], ""
    tokens = MarkdownIt().enable("table").parse(text)
    for position, token in enumerate(tokens):
        if token.type == "heading_open":
            heading = tokens[position + 1].content
        elif token.type in ("fence", "code_block") and (page, heading) not in NO_COMMANDS:
            if token.info.strip().split(" ")[0] in SHELLS:
                first = token.map[0] + (2 if token.type == "fence" else 1)
                found += commands_of_shell(token.content, page, first)
        elif token.type == "inline":
            found += [one for child in token.children for one in _inline(child, page, (token.map or [0])[0] + 1)]
    return found


def code_blocks(text, language):
    """Give the fenced blocks of a language other than shell."""
    return [token.content for token in MarkdownIt().parse(text) if token.type == "fence" and token.info == language]


def commands_of_shell(script, page="page.md", first_line=1):
    """Split lines of shell into programs with their arguments; redirections go."""
    found, number = [], first_line
    for line in re.split(r"(?<!\\)\n", script):
        found += [Command(page, number, *part) for part in _parts(line.replace("\\\n", " "))]
        number += line.count("\n") + 1
    return found


def _inline(token, page, line):
    text = token.content.strip()
    if token.type != "code_inline" or text.split(" ")[0] not in PROGRAMS or " " not in text:
        return []
    try:
        return [Command(page, line, words, variables, inline=True) for words, variables in _parts(text)]
    except ValueError:
        return []


def _parts(line):
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    parts, words = [], []
    tokens = iter([*lexer, ";"])
    for token in tokens:
        if token in SEPARATORS:
            if words:
                parts.append(_without_variables(words))
            words = []
        elif set(token) <= {">", "<", "&"}:
            next(tokens)
        else:
            words.append(token)
    return parts


def _without_variables(words):
    variables = {}
    while words and (match := re.fullmatch(r"([A-Za-z_]\w*)=(.*)", words[0])):
        variables[match[1]] = match[2]
        words = words[1:]
    return tuple(words), variables
