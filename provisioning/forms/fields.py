"""Form fields whose rules stand in `provisioning.spec`, so that form, API and model say the same sentence."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from provisioning.spec import Subject, format_subjects, parse_subjects


class KeyField(forms.ChoiceField):
    """One key of the catalogue; whether there is such a key is for `spec.validate` to say."""

    def valid_value(self, value: Any) -> bool:  # noqa: ARG002
        return True


class KeysField(forms.MultipleChoiceField):
    """Several keys of the catalogue, as `KeyField`."""

    def valid_value(self, value: Any) -> bool:  # noqa: ARG002
        return True


class OptionField(forms.CharField):
    """What a feature asks for. `required` is told to people; it binds only when the feature is chosen, which
    `spec.validate` knows."""

    def validate(self, value: Any) -> None:
        """Nothing to say here."""


class SubjectsField(forms.Field):
    """People and groups: text as `spec.parse_subjects` reads it, or `Subject`s; cleaned to a tuple of them."""

    widget = forms.Textarea

    def to_python(self, value: Any) -> tuple[Subject, ...]:
        if isinstance(value, list | tuple) and all(isinstance(item, Subject) for item in value):
            return tuple(value)
        try:
            return parse_subjects(str(value or ""))
        except ValueError as error:
            raise ValidationError(str(error)) from error

    def prepare_value(self, value: Any) -> Any:
        return format_subjects(value) if isinstance(value, list | tuple) else value


class TextField(forms.CharField):
    """Free text. Browsers send line ends as CR LF and count them as one character; so do we."""

    widget = forms.Textarea

    def to_python(self, value: Any) -> str:
        text = super().to_python(value) or ""
        return text.replace("\r\n", "\n")
