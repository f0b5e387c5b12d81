"""The command line of kubectl: which flags each verb takes here, and the refusal of all others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from provisioning.trial.cluster.errors import KubectlError

_SHORT = {"n": "namespace", "o": "output", "l": "selector", "f": "filename"}
_COMMON = {"namespace": "text", "output": "text"}
FLAGS = {
    "get": _COMMON | {"selector": "text", "ignore-not-found": "flag"},
    "apply": _COMMON
    | {
        "filename": "text",
        "server-side": "flag",
        "force-conflicts": "flag",
        "dry-run": "choice",
        "field-manager": "text",
    },
    "annotate": _COMMON | {"overwrite": "flag", "field-manager": "text"},
    "delete": _COMMON | {"ignore-not-found": "flag", "wait": "flag", "raw": "text", "filename": "text"},
}
_TRUE, _FALSE = ("true", "1", "t", "T", "TRUE", "True"), ("false", "0", "f", "F", "FALSE", "False")


@dataclass(slots=True)
class Command:
    verb: str
    default_namespace: str  # of the pods in which the scripts run
    words: list[str] = field(default_factory=list)
    values: dict[str, str] = field(default_factory=dict)
    flags: dict[str, bool] = field(default_factory=dict)

    @property
    def namespace(self) -> str:
        return self.values.get("namespace") or self.default_namespace

    @property
    def output(self) -> str | None:
        return self.values.get("output")

    def flag(self, name: str, *, default: bool = False) -> bool:
        return self.flags.get(name, default)


def parse(argv: list[str], default_namespace: str) -> Command:
    """`argv` with or without `kubectl` in front; raises KubectlError for what is not implemented here."""
    words = iter(argv[1:] if argv[:1] == ["kubectl"] else argv)
    verb = next(words, "")
    if verb not in FLAGS:
        raise KubectlError.plain(
            f"the trial cluster's kubectl has get, apply, annotate and delete, not {verb or 'nothing'!s}"
        )
    command = Command(verb, default_namespace)
    for word in words:
        if word == "--":
            command.words += words
        elif word.startswith("--"):
            _long(command, word[2:], words)
        elif word.startswith("-") and word != "-":
            _short(command, word[1:], words)
        else:
            command.words.append(word)
    return command


def _long(command: Command, word: str, rest: Iterator[str]) -> None:
    name, equals, value = word.partition("=")
    kind = FLAGS[command.verb].get(name)
    if kind is None:
        raise _unknown(command, f"unknown flag: --{name}")
    if kind == "flag":
        command.flags[name] = _truth(command, name, value) if equals else True
    elif equals or kind == "choice":
        command.values[name] = value if equals else "unchanged"
    else:
        command.values[name] = _argument(command, f"--{name}", rest)


def _short(command: Command, word: str, rest: Iterator[str]) -> None:
    name = _SHORT.get(word[0], "")
    if name not in FLAGS[command.verb]:
        raise _unknown(command, f"unknown shorthand flag: '{word[0]}' in -{word}")
    value = word[1:].removeprefix("=")
    command.values[name] = value or _argument(command, f"-{word[0]}", rest)


def _argument(command: Command, flag: str, rest: Iterator[str]) -> str:
    value = next(rest, None)
    if value is None:
        shorthand = f"'{flag[1:]}' in {flag}" if len(flag) == 2 else flag  # noqa: PLR2004 - one letter after the dash
        raise _unknown(command, f"flag needs an argument: {shorthand}")
    return value


def _truth(command: Command, name: str, value: str) -> bool:
    if value not in (*_TRUE, *_FALSE):
        why = f'strconv.ParseBool: parsing "{value}": invalid syntax'
        raise _unknown(command, f'invalid argument "{value}" for "--{name}" flag: {why}')
    return value in _TRUE


def _unknown(command: Command, message: str) -> KubectlError:
    return KubectlError.plain(f"{message}\nSee 'kubectl {command.verb} --help' for usage.")
