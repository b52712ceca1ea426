# SPDX-License-Identifier: Apache-2.0
"""Any JSON document, read strictly and refused with one clear line."""
import json
import re

MAX_DIGITS = 20  # of a whole number of 64 bits


class BadInput(Exception):
    """What a script was given cannot be used; the text says what, where and what to do."""


def read_text(path):
    try:
        with open(path, "rb") as file:
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
                              parse_int=whole)
        if may_hold_surrogate(text) and not is_text(document):
            raise ValueError("half a character (a lone surrogate) in it: it is damaged")
    except json.JSONDecodeError as error:
        text = text.strip()
        is_cut = text.startswith("{") and (error.pos >= len(text) or not text.endswith("}"))
        cut = " (cut short?)" if is_cut else ""
        raise BadInput(f"{path}: not JSON{cut}: {error.msg} in line {error.lineno}, column "
                       f"{error.colno}") from None
    except ValueError as error:
        raise BadInput(f"{path}: {error}") from None
    except RecursionError:
        raise BadInput(f"{path}: nested too deeply to be results") from None
    return document


def refuse_constant(token):
    raise ValueError(f"{token} is not a number in JSON: the file is damaged or was written by a "
                     "tool that is not strict")


def finite(token):
    value = float(token)
    if value - value:  # not 0, so not finite; math.isinf() takes longer, of so many
        raise ValueError(f"{token} is larger than any number that can be computed with")
    return value


def whole(token):
    if len(token.lstrip("-")) > MAX_DIGITS:
        raise ValueError(f"a whole number of {len(token)} digits is not a measurement")
    return int(token)


def may_hold_surrogate(text):
    return re.search(r"\\u[dD][89a-fA-F]", text) is not None


def is_text(document):
    """Whether it can be written again: half a surrogate pair cannot, in any encoding."""
    try:
        json.dumps(document, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
