# SPDX-License-Identifier: Apache-2.0
"""matplotlib's SVG in two thirds of its bytes, for a committed figure is kept for good. What it
shows stays: whitespace, comments and bare groups go, and places are kept to 1/100 of a point."""
import re
import xml.etree.ElementTree as xml

NAMESPACES = {
    "": "http://www.w3.org/2000/svg",
    "xlink": "http://www.w3.org/1999/xlink",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "cc": "http://creativecommons.org/ns#",
    "dc": "http://purl.org/dc/elements/1.1/",
}
GROUP = f"{{{NAMESPACES['']}}}g"
LINK = f"{{{NAMESPACES['xlink']}}}href"
GLYPH = "DejaVuSans-"
NO_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
NUMBER = re.compile(r"-?\d+\.\d+")


def compact(document):
    """Bytes from bytes; one element a line, so that changes can be read."""
    for prefix, uri in NAMESPACES.items():
        xml.register_namespace(prefix, uri)
    # matplotlib puts all text into comments, too, with what names of cases hold and no XML may.
    root = xml.fromstring(NO_XML.sub("", document.decode("utf-8")))
    flatten(root)
    for element in root.iter():
        shorten(element)
    text = xml.tostring(root, encoding="utf-8", xml_declaration=True)
    return text.replace(b" />", b"/>") + b"\n"


def flatten(parent):
    """Groups are named for editors; one that then says nothing of its content groups nothing."""
    children = []
    for child in parent:
        flatten(child)
        if child.tag == GROUP:
            child.attrib.pop("id", None)
            if not child.attrib:
                children += list(child)
                continue
        children.append(child)
    parent[:] = children


def shorten(element):
    for name in ("d", "x", "y", "transform"):
        if name in element.attrib:
            element.set(name, shorter(element.get(name)))
    for name in ("id", LINK):
        if name in element.attrib:
            element.set(name, element.get(name).replace(GLYPH, "f"))
    element.text = (element.text or "").strip() or ("\n" if len(element) else None)
    element.tail = "\n"


def shorter(places):
    """A scale keeps all its digits."""
    places = re.sub(r"translate\([^)]*\)", lambda part: rounded(part[0]), places) \
        if "(" in places else rounded(places)
    return re.sub(r"\s*([A-Za-z])\s*", r"\1", places) if "(" not in places else places


def rounded(text):
    return NUMBER.sub(lambda number: f"{float(number[0]):.2f}".rstrip("0").rstrip("."), text)
