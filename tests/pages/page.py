"""A page as its reader meets it: elements by their attributes, and the words of a region."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"input", "meta", "link", "br", "img", "rect", "path", "circle", "hr", "use"}


@dataclass
class Element:
    tag: str
    attrs: dict[str, str]
    children: list[Element | str] = field(default_factory=list)

    def walk(self):
        yield self
        for child in self.children:
            if isinstance(child, Element):
                yield from child.walk()

    @property
    def words(self) -> str:
        parts = [child if isinstance(child, str) else child.words for child in self.children]
        return " ".join(" ".join(parts).split())

    def all(self, tag: str = "", **attrs: str) -> list[Element]:
        """`class_` and `for_` stand for those attributes; `hx_get` for `hx-get`. A value of "*" is any."""
        wanted = {name.rstrip("_").replace("_", "-"): value for name, value in attrs.items()}
        return [item for item in self.walk() if item.fits(tag, wanted)]

    def one(self, tag: str = "", **attrs: str) -> Element:
        found = self.all(tag, **attrs)
        assert len(found) == 1, f"{len(found)} of {tag} {attrs}"
        return found[0]

    def fits(self, tag: str, wanted: dict[str, str]) -> bool:
        if tag and self.tag != tag:
            return False
        return all(
            name in self.attrs
            and (value == "*" or value == self.attrs[name] or (name == "class" and value in self.attrs[name].split()))
            for name, value in wanted.items()
        )

    @property
    def described_by(self) -> str:
        return self.attrs.get("aria-describedby", "")


class _Builder(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.root = Element("", {})
        self.open = [self.root]

    def handle_starttag(self, tag, attrs):
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].children.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag, attrs):
        self.open[-1].children.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag):
        if any(element.tag == tag for element in self.open[1:]):
            while self.open.pop().tag != tag:
                pass

    def handle_data(self, data):
        self.open[-1].children.append(data)


def parse(response) -> Element:
    builder = _Builder()
    builder.feed(response.content.decode())
    return builder.root


def fields_of(form: Element) -> dict[str, list[str]]:
    """What a browser would send of a form that nobody touched, without its buttons."""
    sent: dict[str, list[str]] = {}
    for item in form.walk():
        name = item.attrs.get("name")
        if not name or "disabled" in item.attrs:
            continue
        if item.tag == "input" and item.attrs.get("type") in {"checkbox", "radio"}:
            if "checked" in item.attrs:
                sent.setdefault(name, []).append(item.attrs.get("value", "on"))
        elif item.tag == "input":
            sent.setdefault(name, []).append(item.attrs.get("value", ""))
        elif item.tag == "textarea":
            sent.setdefault(name, []).append("".join(c for c in item.children if isinstance(c, str)).removeprefix("\n"))
        elif item.tag == "select":
            chosen = [o for o in item.all("option") if "selected" in o.attrs] or item.all("option")[:1]
            sent.setdefault(name, []).extend(o.attrs.get("value", o.words) for o in chosen)
    return sent
