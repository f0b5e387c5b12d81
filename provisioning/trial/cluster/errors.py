"""What an API server and kubectl answer when they refuse, and how kubectl prints it.

One error alone and several errors together read differently in kubectl; each error knows both forms.
"""

from __future__ import annotations

from dataclasses import dataclass

ADVICE = """\
Please review the fields above--they currently have other managers. Here
are the ways you can resolve this warning:
* If you intend to manage all of these fields, please re-run the apply
  command with the `--force-conflicts` flag.
* If you do not intend to manage all of the fields, please edit your
  manifest to remove references to the fields that should keep their
  current managers.
* You may co-own fields by updating your manifest to match the existing
  value; in this case, you'll become the manager if the other manager(s)
  stop managing the field (remove it from their configuration).
See https://kubernetes.io/docs/reference/using-api/server-side-apply/#conflicts"""


@dataclass(frozen=True, slots=True)
class Cause:
    """One reason of a 422: the field's path and what is wrong with its value."""

    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}"


class KubectlError(Exception):
    """An error kubectl finds by itself. `several` is its text beside other errors."""

    def __init__(self, single: str, several: str | None = None) -> None:
        super().__init__(single)
        self.single = single
        self.several = single if several is None else several

    @classmethod
    def plain(cls, message: str) -> KubectlError:
        """The usual form: `error: ` in front when it is alone."""
        return cls(f"error: {message}", message)


class ApiError(KubectlError):
    """A Status that the API server answered with."""

    def __init__(self, reason: str, message: str, several: str | None = None) -> None:
        bracket = f" ({reason})" if reason else ""
        text = f"Error from server{bracket}: {message}"
        super().__init__(text if several is None else several, text)
        self.reason = reason
        self.message = message


class NotFound(ApiError):
    def __init__(self, resource: str, name: str) -> None:
        super().__init__("NotFound", f'{resource} "{name}" not found')


class Forbidden(ApiError):
    def __init__(self, resource: str, name: str, why: str) -> None:
        quoted = f' "{name}"' if name else ""
        super().__init__("Forbidden", f"{resource}{quoted} is forbidden: {why}")


class Invalid(ApiError):
    """422 with its causes; `qualified` is the kind with its group, as the server's own message names it."""

    def __init__(self, kind: str, qualified: str, name: str, causes: list[Cause]) -> None:
        texts = list(dict.fromkeys(str(cause) for cause in causes))
        together = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
        lines = texts[0] if len(texts) == 1 else "\n" + "\n".join(f"* {text}" for text in texts)
        single = f'The {kind} "{name}" is invalid: {lines}'
        super().__init__("Invalid", f'{qualified} "{name}" is invalid: {together}', single)
        self.causes = causes


class Denied(ApiError):
    """Refused by a ValidatingAdmissionPolicy: a 422 whose single cause has no field."""

    def __init__(self, plural: str, resource: str, name: str, policy: str, message: str) -> None:
        why = f"ValidatingAdmissionPolicy '{policy}' with binding '{policy}' denied request: {message}"
        single = f'The {plural} "{name}" is invalid: : {why}'
        super().__init__("Invalid", f'{resource} "{name}" is forbidden: {why}', single)


class Conflict(KubectlError):
    """A 409 that answers a patch: kubectl appends its advice to whatever the server said."""

    def __init__(self, message: str) -> None:
        super().__init__(f"error: {message}\n{ADVICE}", f"{message}\n{ADVICE}")
