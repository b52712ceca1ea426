# SPDX-License-Identifier: Apache-2.0
"""Any JSON document, read strictly and refused with one clear line."""
import json
import os
import re
import stat

MAX_DIGITS = 20  # of a whole number of 64 bits
# Of what is not 0. Beyond, squares and quotients leave what a float can hold.
LEAST, MOST = 1e-100, 1e100
STRING = r'"(?:[^"\\]|\\.)*"'


class BadInput(Exception):
    """What a script was given cannot be used; the text says what, where and what to do."""


class Refused(ValueError):
    """A token of JSON, and what is wrong with it."""

    def __init__(self, token, reason):
        super().__init__(f"{shortened(token)} {reason}")
        self.token = token


def read_text(path):
    try:
        with open(path, "rb") as file:
            if stat.S_ISCHR(os.fstat(file.fileno()).st_mode):
                raise BadInput(f"{path}: is a device, which may never end; give a file or a pipe")
            text = file.read().decode("utf-8")
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror.lower()}") from None
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: not text in UTF-8: {error.reason} at byte {error.start}") from None
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def read_json(path):
    """NaN and Infinity are not JSON, and not a measurement either."""
    text = read_text(path)
    if not text or text.isspace():
        raise BadInput(f"{path}: an empty file")
    try:
        document = json.loads(text, parse_constant=refuse_constant, parse_float=finite,
                              parse_int=whole, object_pairs_hook=without_repeats)
        if may_hold_surrogate(text) and not is_text(document):
            raise ValueError("half a character (a lone surrogate) in it: it is damaged")
    except json.JSONDecodeError as error:
        if error.msg == "Extra data":
            raise BadInput(f"{path}: not JSON: text after its end, in line {error.lineno}, column "
                           f"{error.colno}") from None
        text = text.strip()
        is_cut = text.startswith("{") and (error.pos >= len(text) or not text.endswith("}"))
        cut = " (cut short?)" if is_cut else ""
        raise BadInput(f"{path}: not JSON{cut}: {error.msg} in line {error.lineno}, column "
                       f"{error.colno}") from None
    except Refused as error:
        raise BadInput(f"{path}: {error}, in {place_of(error.token, text)}") from None
    except ValueError as error:
        raise BadInput(f"{path}: {error}") from None
    except RecursionError:
        raise BadInput(f"{path}: nested too deeply to be results") from None
    return document


def without_repeats(pairs):
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        name = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the name {shortened(json.dumps(name))} stands twice in one object: which of "
                         "them counts, nobody can say")
    return found


def refuse_constant(token):
    raise Refused(token, "is not a number in JSON; the file is damaged or was written by a tool that is "
                         "not strict")


def finite(token):
    value = float(token)
    if not -MOST < value < MOST:
        raise Refused(token, "is larger than any figure of a measurement")
    if -LEAST < value < LEAST and value:
        raise Refused(token, "is smaller than any figure of a measurement")
    return value


def whole(token):
    if len(token.lstrip("-")) > MAX_DIGITS:
        raise Refused(token, f"has {len(token.lstrip('-'))} digits and is no measurement")
    return int(token)


def shortened(token):
    return token if len(token) <= MAX_DIGITS else f"{token[:MAX_DIGITS // 2]}..."


def place_of(token, text):
    """Of the first such token that is not part of a string or of a longer number."""
    start = next(match.start() for match in re.finditer(
        rf"{STRING}|(?<![\w.+-]){re.escape(token)}(?![\w.+-])", text) if match[0] == token)
    line_start = text.rfind("\n", 0, start) + 1
    return f"line {text.count(chr(10), 0, start) + 1}, column {start - line_start + 1}"


def may_hold_surrogate(text):
    return re.search(r"\\u[dD][89a-fA-F]", text) is not None


def is_text(document):
    """Whether it can be written again: half a surrogate pair cannot, in any encoding."""
    try:
        json.dumps(document, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
