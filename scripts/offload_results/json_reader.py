# SPDX-License-Identifier: Apache-2.0
"""Any JSON document, read strictly and refused with one clear line."""
import functools
import json
import mmap
import os
import re

LARGE = 2**24  # bytes of a file from which on time and memory are worth an effort
MOST_DIGITS = 20  # of a whole number of 64 bits


class BadInput(Exception):
    """What a script was given cannot be used; the text says what, where and what to do."""


def read_text(path):
    try:
        with open(path, "rb") as file:
            if os.fstat(file.fileno()).st_size < LARGE:  # a pipe's is 0
                text = str(file.read(), "utf-8")
            else:
                with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
                    text = str(content, "utf-8")
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror.lower()}") from None
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: no text in UTF-8: {error.reason} at byte {error.start}") from None
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def is_large(path):
    return os.path.isfile(path) and os.path.getsize(path) >= LARGE


def parsed(text, reduced=None):
    return json.loads(text, **strictly(reduced))


def decoder(reduced):
    return json.JSONDecoder(**strictly(reduced))


def skimmer():
    """Of what nothing is kept of: each object is None. It is JSON, or else refused, but how large
    its numbers are is not looked at, which takes more than half as long again."""
    return json.JSONDecoder(object_hook=dict.clear, parse_constant=refuse_constant,
                            parse_float=len, parse_int=len)


def strictly(reduced):
    # Most whole numbers occur again and again.
    return {"object_hook": reduced, "parse_constant": refuse_constant, "parse_float": finite,
            "parse_int": functools.lru_cache(maxsize=None)(whole)}


def read_json(path, reduced=None):
    """NaN and Infinity are no JSON, and no measurement either. `reduced` is given each object as
    soon as it was read, and returns what to keep of it."""
    text = read_text(path)
    if not text or text.isspace():
        raise BadInput(f"{path}: an empty file")
    try:
        document = parsed(text, reduced)
        # Half a character may stand in what was not kept, too.
        if holds_surrogate(text) and not is_text(parsed(text) if reduced else document):
            raise ValueError("half a character (a lone surrogate) in it: it is damaged")
    except json.JSONDecodeError as error:
        text = text.strip()
        is_cut = text.startswith("{") and (error.pos >= len(text) or not text.endswith("}"))
        cut = " (cut short?)" if is_cut else ""
        raise BadInput(f"{path}: no JSON{cut}: {error.msg} in line {error.lineno}, column "
                       f"{error.colno}") from None
    except ValueError as error:
        raise BadInput(f"{path}: {error}") from None
    except RecursionError:
        raise BadInput(f"{path}: nested too deeply to be results") from None
    return document


def holds_surrogate(text):
    # To look between the first backslash and the last takes no time where a file holds few.
    first, last = text.find("\\"), text.rfind("\\")
    return first >= 0 and re.compile(r"\\u[dD][89a-fA-F]").search(text, first, last + 4)


def refuse_constant(token):
    raise ValueError(f"{token} is no number in JSON: the file is damaged or was written by a tool "
                     "that is not strict")


def finite(token):
    value = float(token)
    if value - value:  # not 0, so no number; to ask math.isinf() of so many takes half as long again
        raise ValueError(f"{token} is larger than any number that can be computed with")
    return value


def whole(token):
    if len(token.lstrip("-")) > MOST_DIGITS:
        raise ValueError(f"a whole number of {len(token)} digits is no measurement")
    return int(token)


def is_text(document):
    """Whether it can be written again: half a surrogate pair cannot, in any encoding."""
    try:
        json.dumps(document, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
