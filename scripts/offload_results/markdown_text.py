# SPDX-License-Identifier: Apache-2.0
"""Foreign text in GitHub's Markdown: it stays text, whatever it holds."""
import re

# Letters, digits and what cannot begin anything; parentheses do so after brackets only, and those
# are not harmless characters. An underscore or a full stop within a word is, unless "www." begins a
# link.
HARMLESS = re.compile(r"[\w ,;/+%()'-]", re.ASCII)
WITHIN_WORD = re.compile(r"(?<=[A-Za-z0-9])[_.](?=[A-Za-z0-9])")
AT_END = re.compile(r"(?<=[A-Za-z0-9%)])[.:](?= |$)")

# GitHub looks for @people, #issues and addresses in what is left when references are resolved.
WORD_JOINER = "&#8288;"


def escaped(text):
    """Every character that Markdown or HTML might take for its own is a character reference; what
    cannot be printed, line breaks included, is a replacement character."""
    links = "www." in text.lower()
    return "".join(reference(text, index, links) for index in range(len(text)))


def reference(text, index, links):
    character = text[index]
    if character in "_.:":
        harmless = not links and (WITHIN_WORD.match(text, index) or AT_END.match(text, index))
    else:
        harmless = HARMLESS.match(character) or (character.isalnum() and character.isprintable())
    if harmless:
        return character
    if not character.isprintable():
        return "\N{REPLACEMENT CHARACTER}"
    return f"&#{ord(character)};" + (WORD_JOINER if character in "@#" else "")


def row(cells):
    """Of a table; the cells are Markdown."""
    return f"| {' | '.join(cells)} |"


def code(text):
    return f"<code>{escaped(text)}</code>"
