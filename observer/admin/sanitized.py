"""Base classes of the admin that sanitize values from requests.

They accept any key, filter and choice.
A value that no row can have is treated like an unknown one, as in `observer.desk.input_sanitizing`.
"""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from django.contrib import admin
from django.contrib.admin.exceptions import DisallowedModelAdminLookup
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.widgets import AutocompleteSelect, AutocompleteSelectMultiple
from django.core.exceptions import ValidationError
from django.db.models import Field, JSONField
from django.forms import JSONField as FormJSONField
from django.forms import ModelMultipleChoiceField
from django.forms.fields import InvalidJSONInput
from django.http import HttpRequest, HttpResponse

from observer.desk.input_sanitizing import sanitize_value

if TYPE_CHECKING:
    ModelAdmin: TypeAlias = admin.ModelAdmin[Any]
    MultipleChoice: TypeAlias = ModelMultipleChoiceField[Any]
else:
    ModelAdmin = admin.ModelAdmin
    MultipleChoice = ModelMultipleChoiceField

# The suffixes that the links of a list's filters add to the field's name.
FILTER_SUFFIXES = ("", "__exact", "__id__exact", "__isnull", "__isempty")


class SanitizedMultipleChoiceField(MultipleChoice):
    """A choice of several rows that accepts any key."""

    def _check_values(self, value: Any) -> Any:
        return super()._check_values([sanitize_value(one) for one in value])  # type: ignore[misc]


class StorableJSONField(FormJSONField):
    """JSON that both databases can store.

    It has no numbers with thousands of digits, no NUL and no lone surrogates.
    """

    def to_python(self, value: Any) -> Any:
        try:
            read = super().to_python(value)
            text = json.dumps(read, ensure_ascii=False)
            text.encode()
        except (ValueError, RecursionError):
            raise ValidationError(self.error_messages["invalid"], code="invalid", params={"value": ""}) from None
        if "\\u0000" in text:
            raise ValidationError(self.error_messages["invalid"], code="invalid", params={"value": ""})
        return read

    def bound_data(self, data: Any, initial: Any) -> Any:
        try:
            return super().bound_data(data, initial)
        except (ValueError, RecursionError):
            return InvalidJSONInput(data)


def sanitize_keys(value: Sequence[str]) -> list[str]:
    """The choices of a form that can be keys.

    A form that has errors is shown again with them.
    """
    return [str(sanitize_value(one)) for one in value if one.isascii() and one.isdecimal() and len(one) < 20]


class SanitizedAutocompleteSelect(AutocompleteSelect):
    """Autocomplete that ignores values that are no keys."""

    def optgroups(self, name: str, value: Sequence[str], attr: Any = None) -> Any:
        return super().optgroups(name, sanitize_keys(value), attr)


class SanitizedAutocompleteSelectMultiple(AutocompleteSelectMultiple):
    """Autocomplete for several rows that ignores values that are no keys."""

    def optgroups(self, name: str, value: Sequence[str], attr: Any = None) -> Any:
        return super().optgroups(name, sanitize_keys(value), attr)


class SanitizedAdmin(ModelAdmin):
    """A `ModelAdmin` that sanitizes keys, filters and choices.

    Base class of all registered models.
    """

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        return super().get_object(request, sanitize_value(object_id), from_field)

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        try:
            return super().get_changelist_instance(request)
        except DisallowedModelAdminLookup as error:
            raise IncorrectLookupParameters from error

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        """Allows only the look-ups of the list's own filters.

        So values of other columns cannot be found out by guessing or by patterns.
        """
        for one in self.get_list_filter(request):  # type: ignore[arg-type]
            name = getattr(one, "parameter_name", None) or (one[0] if isinstance(one, tuple) else one)
            if lookup in [f"{name}{end}" for end in FILTER_SUFFIXES]:
                return True
        return False

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """No initial values from the URL."""
        return {}

    def formfield_for_dbfield(self, db_field: "Field[Any, Any]", request: HttpRequest, **kwargs: Any) -> Any:
        if isinstance(db_field, JSONField):
            kwargs["form_class"] = StorableJSONField
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def formfield_for_manytomany(self, db_field: "Field[Any, Any]", request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name in self.get_autocomplete_fields(request):
            kwargs["widget"] = SanitizedAutocompleteSelectMultiple(db_field, self.admin_site)
        kwargs = {"form_class": SanitizedMultipleChoiceField} | kwargs
        return super().formfield_for_manytomany(db_field, request, **kwargs)  # type: ignore[arg-type]

    def formfield_for_foreignkey(self, db_field: "Field[Any, Any]", request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name in self.get_autocomplete_fields(request):
            kwargs["widget"] = SanitizedAutocompleteSelect(db_field, self.admin_site)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)  # type: ignore[arg-type]

    def response_action(self, request: HttpRequest, queryset: Any) -> HttpResponse | None:  # type: ignore[override]
        """Ignores selected values that cannot be keys."""
        posted = request.POST.copy()
        selected = posted.getlist(ACTION_CHECKBOX_NAME)
        posted.setlist(ACTION_CHECKBOX_NAME, [sanitize_value(key) for key in selected if self._is_key(key)])
        request.POST = posted  # type: ignore[assignment]
        response: HttpResponse | None = super().response_action(request, queryset)
        return response

    def _is_key(self, text: str) -> bool:
        try:
            self.opts.pk.to_python(text)
        except ValidationError:
            return False
        return True
