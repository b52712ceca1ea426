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
METADATA = f"{{{NAMESPACES['']}}}metadata"
STYLE = f"{{{NAMESPACES['']}}}style"  # of the whole document it would stand in
MARK = "mark-"  # begins the gid of what shows a policy
NEUTRAL = {"#000000": "currentColor", "#ffffff": "var(--ground,#fff)", "#444444": "var(--grey,#444)",
           "#777777": "var(--grey,#777)", "#999999": "var(--grey,#999)", "#dddddd": "var(--faint,#ddd)"}
NO_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
COLOUR = re.compile("#[0-9a-f]{6}")
NUMBER = re.compile(r"-?\d+\.\d+")


def compact(document):
    """Bytes from bytes; one element a line, so that changes can be read."""
    for prefix, uri in NAMESPACES.items():
        xml.register_namespace(prefix, uri)
    # matplotlib puts all text into comments, too, with what names of cases hold and no XML may.
    root = parsed(document, marked=False)
    text = xml.tostring(root, encoding="utf-8", xml_declaration=True)
    return text.replace(b" />", b"/>") + b"\n"


def inline(document, title, prefix):
    root = parsed(document, marked=True)
    drop(root, METADATA, STYLE)
    for name in ("width", "height", "version"):
        root.attrib.pop(name, None)
    root.attrib.update({"role": "img", "aria-label": NO_XML.sub("", title), "fill": "currentColor"})
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]  # HTML knows the names of SVG
        renamed(element, prefix)
        if "style" in element.attrib:
            element.set("style", themed(element.get("style")))
    return xml.tostring(root, encoding="unicode").replace(" />", "/>")


def drop(parent, *tags):
    for child in list(parent):
        if child.tag in tags:
            parent.remove(child)
        else:
            drop(child, *tags)


def renamed(element, prefix):
    if "id" in element.attrib:
        element.set("id", prefix + element.get("id"))
    if element.get(LINK, "").startswith("#"):
        element.set("href", f"#{prefix}{element.attrib.pop(LINK)[1:]}")
    for name in ("clip-path", "style"):  # a hatched ground is in the style
        if "url(#" in element.get(name, ""):
            element.set(name, element.get(name).replace("url(#", f"url(#{prefix}"))


def themed(style):
    """Colours by name: black is that of the text, those of policies are the style sheet's to darken."""
    return COLOUR.sub(lambda found: NEUTRAL.get(found[0], f"var(--c-{found[0][1:]},{found[0]})"), style)


def parsed(document, marked):
    root = xml.fromstring(NO_XML.sub("", document.decode("utf-8")))
    flatten(root, marked)
    for element in root.iter():
        shorten(element)
    return root


def flatten(parent, marked):
    """Groups are named for editors; one that then says nothing of its content groups nothing."""
    children = []
    for child in parent:
        flatten(child, marked)
        if child.tag == GROUP:
            name = child.attrib.pop("id", "")
            if marked and name.startswith(MARK):
                child.set("data-mark", name.removeprefix(MARK))
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
