"""The fields of a namespace's specification: what asking, changing and adopting have in common."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Self

from django import forms

from provisioning import lifecycle
from provisioning.catalog import Catalog, FeatureField
from provisioning.config import the_catalog
from provisioning.forms.fields import KeyField, KeysField, OptionField, SubjectsField, TextField
from provisioning.models import Team, User
from provisioning.spec import MAX_PURPOSE, NamespaceSpec, Subject, option_errors

LEVELS = {
    "admins": ("Admins", "Manage workloads and secrets."),
    "editors": ("Editors", "Deploy; no secrets of the platform, no quota, no network policies."),
    "viewers": ("Viewers", "Read everything but secrets."),
}
NO_TEAM = "Choose a team that you lead."
WIDGETS: dict[str, type[forms.Widget]] = {"integer": forms.NumberInput, "email": forms.EmailInput}


def option_field(key: str) -> str:
    """The form's name for the field `key` that a feature asks for: no feature can take the place of another field."""
    return f"option_{key}"


class SpecForm(forms.Form):
    """What a namespace should be.

    `data` is a QueryDict or a plain dict; then `features` is a list, and each of `admins`, `editors`, `viewers` a text
    or a list of Subjects. What features ask for has the names that `option_field` gives. After validation `spec` is
    what was asked, complete when the form is valid. `fixed`: field -> why it can't be edited; whatever is sent for it,
    it stays as it begins.
    """

    team = forms.ChoiceField(error_messages={"required": NO_TEAM, "invalid_choice": NO_TEAM})
    name = forms.CharField(label="Namespace name", error_messages={"required": "Give the namespace a name."})
    tier = KeyField(error_messages={"required": "Choose one of the tiers."})
    features = KeysField(required=False)
    admins = SubjectsField(required=False)
    editors = SubjectsField(required=False)
    viewers = SubjectsField(required=False)
    purpose = TextField(required=False)
    lease_days = forms.IntegerField(required=False, label="Lease")

    def __init__(
        self,
        data: Mapping[str, Any] | None,
        *,
        teams: Iterable[Team],
        begin: Mapping[str, Any],
        fixed: Mapping[str, str] | None = None,
    ) -> None:
        self.catalog: Catalog = the_catalog()
        self.teams: dict[str, Team] = {team.name: team for team in teams}
        self.spec = NamespaceSpec(name="", team="", tier="")
        super().__init__(data, initial=dict(begin), auto_id="id_%s")
        self._add_options()
        self._set_up()
        for name, why in (fixed or {}).items():
            self.fields[name].disabled = True
            self.fields[name].help_text = why

    def _add_options(self) -> None:
        for item in self.option_items():
            widget = WIDGETS.get(item.kind, forms.TextInput)
            bounds = {"min": item.minimum, "max": item.maximum} if item.kind == "integer" else {}
            attrs = {key: value for key, value in bounds.items() if value is not None}
            self.fields[option_field(item.key)] = OptionField(
                label=item.title,
                help_text=item.help,
                initial=item.default,
                required=item.required,
                widget=widget(attrs={"class": "input mono", **attrs}),
            )

    def _set_up(self) -> None:
        """Choices and looks."""
        fields: dict[str, Any] = self.fields
        fields["team"].choices = [(name, team.title or name) for name, team in self.teams.items()]
        fields["team"].widget.attrs["class"] = "select"
        fields["tier"].choices = [(key, tier.title) for key, tier in self.catalog.tiers.items()]
        fields["features"].choices = [(key, feature.title) for key, feature in self.catalog.features.items()]
        plain = {"autocapitalize": "none", "autocomplete": "off", "spellcheck": "false"}
        fields["name"].widget.attrs |= {"class": "input mono", "maxlength": 63, **plain}
        fields["name"].help_text = self._name_rule()
        for level, (label, text) in LEVELS.items():
            fields[level].label, fields[level].help_text = label, text
            fields[level].widget.attrs |= {"class": "textarea mono", "rows": 3, **plain}
        fields["purpose"].label = "What runs here, who depends on it, what happens if it is gone?"
        fields["purpose"].help_text = f"{MAX_PURPOSE} characters at most. The approver reads this first."
        fields["purpose"].widget.attrs |= {"class": "textarea", "rows": 3, "maxlength": MAX_PURPOSE}

    def _name_rule(self) -> str:
        pattern = self.catalog.name_pattern.replace("{team}", "your team")
        form = f"Looks like “{pattern}”; lower-case" if pattern else "Lower-case"
        return f"{form} letters, digits and inner dashes, 63 characters at most. It can't be renamed later."

    def option_items(self) -> Iterator[FeatureField]:
        """All fields that features ask for, each once."""
        items = {item.key: item for feature in self.catalog.features.values() for item in feature.fields}
        yield from items.values()

    @property
    def usual_lease(self) -> int:
        """In days: what is meant when none is given."""
        return self.catalog.lease.default_days

    def clean_lease_days(self) -> int:
        days = self.cleaned_data["lease_days"]
        return self.usual_lease if days is None else int(days)

    def clean(self) -> dict[str, Any]:
        self.spec = self.complete(self._as_spec())
        for field, texts in self._problems().items():
            if field not in self.errors:
                self.add_error(field, texts)
        return self.cleaned_data

    def complete(self, spec: NamespaceSpec) -> NamespaceSpec:
        """What is asked with what goes without saying."""
        return spec

    def rules(self) -> dict[str, list[str]]:
        """Field -> what is wrong with `spec`, as the lifecycle will say it."""
        raise NotImplementedError

    def again(self, data: Mapping[str, Any]) -> Self:
        """The same form with other data."""
        raise NotImplementedError

    def _as_spec(self) -> NamespaceSpec:
        """What is there; a field that could not be read is empty, and has its error already."""
        given = self.cleaned_data
        features = tuple(given.get("features", ()))
        return NamespaceSpec(
            **{key: given.get(key, "") for key in ("name", "team", "tier", "purpose")},
            features=features,
            **{level: given.get(level, ()) for level in LEVELS},
            lease_days=given.get("lease_days", self.usual_lease),
            options=self._options(features),
        )

    def _options(self, features: tuple[str, ...]) -> dict[str, str]:
        """Fields of the chosen features that were filled in. The others were typed, perhaps, but aren't asked for."""
        chosen = [self.catalog.features[key] for key in features if key in self.catalog.features]
        given = {
            item.key: self.cleaned_data.get(option_field(item.key), "") for feature in chosen for item in feature.fields
        }
        return {key: value for key, value in given.items() if value}

    def _problems(self) -> dict[str, list[str]]:
        found = dict(self.rules())
        if found.pop("options", None):
            faults = option_errors(self.spec, self.catalog)
            found |= {option_field(key): [fault] for key, fault in faults.items()}
        return found

    def as_sent(self) -> Self:
        """The form as it would be if it were sent as it begins; itself once it was sent."""
        return self if self.is_bound else self.again({field.name: field.value() for field in self})

    def take(self, error: lifecycle.Invalid) -> None:
        """Show what the lifecycle refused, each thing at its field."""
        for field, texts in error.errors.items():
            self.add_error(field if field in self.fields else None, texts)


def data_of(spec: NamespaceSpec, *, without: User | None = None) -> dict[str, Any]:
    """A spec as the form's initial values; without somebody who is an admin of it anyway."""
    gone = Subject("User", without.kubernetes_name) if without else None
    return {
        "team": spec.team,
        "name": spec.name,
        "tier": spec.tier,
        "features": list(spec.features),
        "admins": [subject for subject in spec.admins if subject != gone],
        "editors": list(spec.editors),
        "viewers": list(spec.viewers),
        "purpose": spec.purpose,
        "lease_days": spec.lease_days,
        **{option_field(key): value for key, value in spec.options.items()},
    }
