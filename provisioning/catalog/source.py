"""A YAML text as nodes that know their line, so that a mistake in the catalogue can say where it stands."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path


class CatalogError(Exception):
    """What is wrong with the catalogue, in which line (counted from 1), and what to write instead."""

    def __init__(self, line: int, message: str, remedy: str, path: str = "catalog.yaml") -> None:
        super().__init__(line, message, remedy, path)
        self.line = line
        self.message = message
        self.remedy = remedy
        self.path = path

    def __str__(self) -> str:
        return f"{self.path}, line {self.line}: {self.message}. {self.remedy}"


class Source:
    """One node of the document, its place in words (`tiers.small.hard`) and its line."""

    def __init__(self, node: yaml.Node, place: str, file: str, key: yaml.Node | None = None) -> None:
        self.node = node
        self.line = int((key or node).start_mark.line) + 1  # of the key, where there is one
        self.place = place
        self.file = file

    def wrong(self, message: str, remedy: str) -> CatalogError:
        """For the caller to raise; `message` goes on after the place: `tiers.small: must be …`."""
        return CatalogError(self.line, f"{self.place or 'the file'}: {message}", remedy, self.file)

    def _child(self, node: yaml.Node, name: str, key: yaml.Node | None = None) -> Source:
        return Source(node, f"{self.place}.{name}" if self.place else name, self.file, key)

    def entries(self) -> dict[str, Source]:
        """The children of a mapping, in the order written. Twice the same key is a mistake."""
        if not isinstance(self.node, yaml.MappingNode):
            raise self.wrong("must be a mapping", "Write `key: value` lines, indented below it.")
        found: dict[str, Source] = {}
        for key, value in self.node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise self.wrong("has a key that is no text", "Keys are plain words.")
            child = self._child(value, key.value, key)
            if key.value in found:
                raise child.wrong("is written twice", "Remove one of the two.")
            found[key.value] = child
        return found

    def items(self) -> list[Source]:
        if not isinstance(self.node, yaml.SequenceNode):
            raise self.wrong("must be a list", "Write `[a, b]`, or one `- item` a line.")
        return [self._child(node, str(number)) for number, node in enumerate(self.node.value, 1)]

    def scalars(self) -> Iterator[Source]:
        """Every single value at or below this node."""
        if isinstance(self.node, yaml.ScalarNode):
            yield self
            return
        below = self.entries().values() if isinstance(self.node, yaml.MappingNode) else self.items()
        for child in below:
            yield from child.scalars()

    def data(self) -> Any:
        """The plain value (dict, list, str, int, float, bool, None) of this node and all below it."""
        if isinstance(self.node, yaml.MappingNode):
            return {key: child.data() for key, child in self.entries().items()}
        if isinstance(self.node, yaml.SequenceNode):
            return [child.data() for child in self.items()]
        constructor = yaml.SafeLoader("")
        try:
            return constructor.construct_object(self.node)
        except (yaml.YAMLError, ValueError) as error:
            raise self.wrong(f"cannot be read ({error})", "Put the text between quotes.") from error
        finally:
            constructor.dispose()

    def text(self) -> str:
        value = self.data()
        if not isinstance(value, str):
            raise self.wrong("must be text", f'Put it between quotes: "{self._written()}".')
        return value.strip()

    def quantity(self) -> str:
        """A number or quantity as Kubernetes writes it: a bare number is taken as its text."""
        value = self.data()
        if isinstance(value, bool) or not isinstance(value, (str, int, float)):
            raise self.wrong("must be a quantity", 'Write it as Kubernetes does, e.g. "2", 500m or 4Gi.')
        return self._written().strip()

    def whole(self, least: int = 0) -> int:
        value = self.data()
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise self.wrong(f"must be a whole number, {least} or more", "Write digits without quotes.")
        return value

    def flag(self) -> bool:
        value = self.data()
        if not isinstance(value, bool):
            raise self.wrong("must be true or false", "Write true or false without quotes.")
        return value

    def texts(self) -> tuple[str, ...]:
        """A list of texts; a single text counts as a list of one."""
        if isinstance(self.node, yaml.ScalarNode):
            return (self.text(),)
        return tuple(item.text() for item in self.items())

    def one_of(self, allowed: Iterable[str]) -> str:
        return self.known(self.text(), allowed)

    def known(self, value: str, allowed: Iterable[str]) -> str:
        names = list(allowed)
        if value not in names:
            raise self.wrong(f"“{value}” is not known here", _suggestion(value, names))
        return value

    def strings(self) -> dict[str, str]:
        """A mapping of texts, e.g. labels."""
        return {key: child.text() for key, child in self.entries().items()}

    def fields(self, required: Iterable[str] = (), optional: Iterable[str] = ()) -> Fields:
        return Fields(self, tuple(required), tuple(optional))

    def _written(self) -> str:
        return str(self.node.value) if isinstance(self.node, yaml.ScalarNode) else "…"


class Fields:
    """A mapping whose keys are laid down: missing and unknown ones are refused at once."""

    def __init__(self, source: Source, required: tuple[str, ...], optional: tuple[str, ...]) -> None:
        self.source = source
        self.entries = source.entries()
        for key, child in self.entries.items():
            if key not in required + optional:
                raise child.wrong("unknown key", _suggestion(key, [*required, *optional]))
        for key in required:
            if key not in self.entries:
                raise source.wrong(f"“{key}” is missing", f"Add a line `{key}: …` to it.")

    def __getitem__(self, key: str) -> Source:
        return self.entries[key]

    def __contains__(self, key: str) -> bool:
        return key in self.entries

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries)

    def text(self, key: str, default: str = "") -> str:
        return self.entries[key].text() if key in self.entries else default

    def texts(self, key: str) -> tuple[str, ...]:
        return self.entries[key].texts() if key in self.entries else ()

    def flag(self, key: str, default: bool = False) -> bool:  # noqa: FBT001, FBT002 - mirrors the file's true/false
        return self.entries[key].flag() if key in self.entries else default

    def strings(self, key: str) -> dict[str, str]:
        return self.entries[key].strings() if key in self.entries else {}


def _suggestion(value: str, names: list[str]) -> str:
    close = difflib.get_close_matches(value, names, 1)
    if close:
        return f"Did you mean “{close[0]}”?"
    return f"Use one of: {', '.join(names)}." if names else "Remove it."


def compose(text: str, file: str) -> Source:
    """Parse `text`. Raises CatalogError with the parser's own line when it is no YAML."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        open_quote = "quoted scalar" in str(error.context)
        mark = error.context_mark if open_quote else error.problem_mark or error.context_mark
        raise CatalogError(
            mark.line + 1 if mark else 1,
            f"this is no YAML: {error.problem or error.context}",
            "Check indentation, colons and quotes here and in the line before.",
            file,
        ) from error
    except yaml.YAMLError as error:
        raise CatalogError(1, f"this is no YAML: {error}", "Save the file as UTF-8 text.", file) from error
    if node is None:
        raise CatalogError(1, "the file is empty", "Start from the catalogue that comes with the portal.", file)
    return Source(node, "", file)


def read(path: Path) -> tuple[str, Source]:
    """The text of `path` and its nodes."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CatalogError(1, f"cannot be read: {error}", "Check the setting CATALOG.", str(path)) from error
    return text, compose(text, path.name)
