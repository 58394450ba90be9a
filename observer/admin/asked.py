"""What registered nouns make of keys, filters and choices that cannot be: unknown ones (`observer.desk.askable`)."""

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

from observer.desk.askable import askable

if TYPE_CHECKING:
    ModelAdmin: TypeAlias = admin.ModelAdmin[Any]
    MultipleChoice: TypeAlias = ModelMultipleChoiceField[Any]
else:
    ModelAdmin = admin.ModelAdmin
    MultipleChoice = ModelMultipleChoiceField

# What the links of a list's filters end in; "" is the field itself.
FILTER_ENDS = ("", "__exact", "__id__exact", "__isnull", "__isempty")


class Chosen(MultipleChoice):
    def _check_values(self, value: Any) -> Any:
        return super()._check_values([askable(one) for one in value])  # type: ignore[misc]


class Json(FormJSONField):
    """JSON that both databases can hold: no numbers of thousands of digits, NUL or half characters."""

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


def keys_of(value: Sequence[str]) -> list[str]:
    """Of the choices that a form found wrong and shows again: those that could be keys."""
    return [str(askable(one)) for one in value if one.isascii() and one.isdecimal() and len(one) < 20]


class Found(AutocompleteSelect):
    def optgroups(self, name: str, value: Sequence[str], attr: Any = None) -> Any:
        return super().optgroups(name, keys_of(value), attr)


class FoundMany(AutocompleteSelectMultiple):
    def optgroups(self, name: str, value: Sequence[str], attr: Any = None) -> Any:
        return super().optgroups(name, keys_of(value), attr)


class Asked(ModelAdmin):
    """Goes before `ModelAdmin` wherever a noun is registered."""

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        return super().get_object(request, askable(object_id), from_field)

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        try:
            return super().get_changelist_instance(request)
        except DisallowedModelAdminLookup as error:
            raise IncorrectLookupParameters from error

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        """Only what the list's own filters ask: no other column is guessed at, nothing is matched by pattern."""
        for one in self.get_list_filter(request):  # type: ignore[arg-type]
            name = getattr(one, "parameter_name", None) or (one[0] if isinstance(one, tuple) else one)
            if lookup in [f"{name}{end}" for end in FILTER_ENDS]:
                return True
        return False

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """A new row begins empty, whatever the address says."""
        return {}

    def formfield_for_dbfield(self, db_field: "Field[Any, Any]", request: HttpRequest, **kwargs: Any) -> Any:
        if isinstance(db_field, JSONField):
            kwargs["form_class"] = Json
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def formfield_for_manytomany(self, db_field: "Field[Any, Any]", request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name in self.get_autocomplete_fields(request):
            kwargs["widget"] = FoundMany(db_field, self.admin_site)
        return super().formfield_for_manytomany(db_field, request, **({"form_class": Chosen} | kwargs))  # type: ignore[arg-type]

    def formfield_for_foreignkey(self, db_field: "Field[Any, Any]", request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name in self.get_autocomplete_fields(request):
            kwargs["widget"] = Found(db_field, self.admin_site)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)  # type: ignore[arg-type]

    def response_action(self, request: HttpRequest, queryset: Any) -> HttpResponse | None:  # type: ignore[override]
        """Of the rows that were ticked, those that could be rows."""
        posted = request.POST.copy()
        ticked = posted.getlist(ACTION_CHECKBOX_NAME)
        posted.setlist(ACTION_CHECKBOX_NAME, [askable(key) for key in ticked if self._is_key(key)])
        request.POST = posted  # type: ignore[assignment]
        answer: HttpResponse | None = super().response_action(request, queryset)
        return answer

    def _is_key(self, text: str) -> bool:
        try:
            self.opts.pk.to_python(text)
        except ValidationError:
            return False
        return True
