"""The form of a request for a namespace."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django import forms

from provisioning import access, lifecycle
from provisioning.catalog import Catalog, FeatureField
from provisioning.config import the_catalog
from provisioning.forms.fields import KeyField, KeysField, OptionField, SubjectsField, TextField
from provisioning.models import Request, Team, User
from provisioning.spec import MAX_PURPOSE, NamespaceSpec, Subject, option_errors

LEVELS = {
    "admins": ("Admins", "Manage workloads and secrets."),
    "editors": ("Editors", "Deploy; no secrets of the platform, no quota, no network policies."),
    "viewers": ("Viewers", "Read everything but secrets."),
}
FIXED = "Stays as it is. To change it, cancel this request and open another."
NO_TEAM = "Choose a team that you lead."
WIDGETS: dict[str, type[forms.Widget]] = {"integer": forms.NumberInput, "email": forms.EmailInput}


def option_field(key: str) -> str:
    """The form's name for the field `key` that a feature asks for: no feature can take the place of another field."""
    return f"option_{key}"


class RequestForm(forms.Form):
    """Ask for a namespace, or edit `request`.

    `data` is a QueryDict or a plain dict; then `features` is a list, and each of `admins`, `editors`, `viewers` a text
    or a list of Subjects. `lease_days` left out means the catalogue's default; what features ask for has the names
    that `option_field` gives. After validation `spec` is what was asked, complete when the form is valid, with the
    requester among its admins.
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
        data: Mapping[str, Any] | None = None,
        *,
        user: User,
        request: Request | None = None,
        initial: Mapping[str, Any] | None = None,
    ) -> None:
        self.catalog: Catalog = the_catalog()
        self.user = user
        self.request = request
        self.requester = request.requester if request else user
        teams = [request.team] if request else access.teams_led_by(user)
        self.teams: dict[str, Team] = {team.name: team for team in teams}
        self.spec = NamespaceSpec(name="", team="", tier="")
        begin = data_of(request.asked_spec, without=self.requester) if request else self._beginning()
        super().__init__(data, initial={**begin, **(initial or {})}, auto_id="id_%s")
        self._add_options()
        self._set_up()

    def _beginning(self) -> dict[str, Any]:
        """What most people ask for: they change what differs."""
        return {
            "team": next(iter(self.teams), ""),
            "tier": next(iter(self.catalog.tiers)),
            "features": list(self.catalog.default_features()),
            "lease_days": self.catalog.lease.default_days,
        }

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
        for name in ("team", "name") if self.request else ():
            fields[name].disabled = True
            fields[name].help_text = FIXED

    def _name_rule(self) -> str:
        pattern = self.catalog.name_pattern.replace("{team}", "your team")
        form = f"Looks like “{pattern}”; lower-case" if pattern else "Lower-case"
        return f"{form} letters, digits and inner dashes, 63 characters at most. It can't be renamed later."

    def option_items(self) -> Iterator[FeatureField]:
        """All fields that features ask for, each once."""
        items = {item.key: item for feature in self.catalog.features.values() for item in feature.fields}
        yield from items.values()

    def clean_lease_days(self) -> int:
        days = self.cleaned_data["lease_days"]
        return self.catalog.lease.default_days if days is None else int(days)

    def clean(self) -> dict[str, Any]:
        self.spec = lifecycle.with_requester(self._as_spec(), self.requester)
        for field, texts in self._problems().items():
            if field not in self.errors:
                self.add_error(field, texts)
        return self.cleaned_data

    def _as_spec(self) -> NamespaceSpec:
        """What is there; a field that could not be read is empty, and has its error already."""
        given = self.cleaned_data
        features = tuple(given.get("features", ()))
        return NamespaceSpec(
            **{key: given.get(key, "") for key in ("name", "team", "tier", "purpose")},
            features=features,
            **{level: given.get(level, ()) for level in LEVELS},
            lease_days=given.get("lease_days", self.catalog.lease.default_days),
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
        found = lifecycle.problems(self.spec, without=self.request)
        if found.pop("options", None):
            faults = option_errors(self.spec, self.catalog)
            found |= {option_field(key): [fault] for key, fault in faults.items()}
        return found

    def draft(self) -> lifecycle.Draft:
        """What would be stored if this were sent now. Only for a valid form."""
        return lifecycle.draft(
            self.spec, team=self.teams[self.spec.team], requester=self.requester, request=self.request
        )

    def as_sent(self) -> RequestForm:
        """The form as it would be if it were sent as it begins; itself once it was sent."""
        if self.is_bound:
            return self
        return RequestForm({field.name: field.value() for field in self}, user=self.user, request=self.request)

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
