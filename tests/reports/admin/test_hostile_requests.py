"""Admin addresses with hostile keys, filters and form values: they get the same answers as unknown ones."""

from collections.abc import Iterator
from itertools import product
from urllib.parse import quote

import pytest
from django.contrib import admin
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from observer.models import Commission, Observer
from reports.models import Report
from tests.support.world import World

pytestmark = pytest.mark.slow
UNKNOWN_KEY = "987654321"
HOSTILE_NUMBERS = ["9" * 19, "9" * 20, "-" + "9" * 20, "9" * 5000, "٩" * 25, "9_9" * 10, "_39" * 20]
HOSTILE_TEXTS = ["1\0", "²", "abc", "1_00", "1e400", "-1", "../..", "x" * 3000, "\ufffe", "'", "%", "None"]
MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label)


def iterate_patterns(resolver: URLResolver) -> Iterator[URLPattern]:
    for one in resolver.url_patterns:
        if isinstance(one, URLResolver):
            yield from iterate_patterns(one)
        else:
            yield one


def find_admin_resolver() -> URLResolver:
    return next(one for one in get_resolver().url_patterns if getattr(one, "namespace", "") == "admin")


def get_admin_url(model, page: str, *args) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


URL_NAMES_WITH_KEY = sorted(
    {
        one.name
        for one in iterate_patterns(find_admin_resolver())
        if one.name and one.pattern.converters and one.name not in ("app_list", "view_on_site")
    }
)


def summarize_answer(answer, key: str) -> tuple[int, str]:
    """The status and redirect of a response, without the key from the request, to compare responses."""
    return answer.status_code, answer.get("Location", "").replace(quote(key), "KEY")


class TestKeys:
    @pytest.mark.parametrize("key", [*HOSTILE_NUMBERS, *HOSTILE_TEXTS], ids=lambda key: ascii(key)[:24])
    def test_impossible_keys_look_like_unknown_ones(self, key: str, full: World, desk):
        for name in URL_NAMES_WITH_KEY:
            page = reverse(f"admin:{name}", args=[UNKNOWN_KEY])
            answer = summarize_answer(desk.get(page.replace(UNKNOWN_KEY, quote(key))), key)
            assert answer[0] in (301, 302, 403, 404), name
            # Addresses with a number in their pattern do not match other texts at all.
            if key in HOSTILE_NUMBERS[:2] or (
                key in HOSTILE_NUMBERS and name.endswith(("_change", "_delete", "_history"))
            ):
                assert answer == summarize_answer(desk.get(page), UNKNOWN_KEY), name

    def test_every_model_has_pages_by_key(self):
        for model in MODELS:
            for page in ("change", "delete", "history"):
                assert f"{model._meta.app_label}_{model._meta.model_name}_{page}" in URL_NAMES_WITH_KEY

    @pytest.mark.parametrize("key", [*HOSTILE_NUMBERS, *HOSTILE_TEXTS, UNKNOWN_KEY], ids=lambda key: ascii(key)[:24])
    def test_short_links_with_impossible_keys_are_not_found(self, key: str, full: World, desk):
        for first, second in ((key, "1"), ("1", key)):
            assert desk.get(f"/admin/r/{quote(first)}/{quote(second)}/").status_code == 404

    @pytest.mark.once
    @pytest.mark.parametrize("field", ["id", "pk", "code", "path", "commission", "\0", "9" * 20, "names__en"])
    def test_a_key_of_another_column_is_refused_or_unknown(self, field: str, full: World, desk):
        for model in MODELS:
            for key in ("9" * 20, "1_00", UNKNOWN_KEY):
                answer = desk.get(get_admin_url(model, "change", key), {"_to_field": field})
                assert answer.status_code in (302, 400), (model, key)


class TestLists:
    def test_filters_accept_any_value(self, full: World, desk):
        for model in MODELS:
            page = get_admin_url(model, "changelist")
            filters = [
                getattr(one, "parameter_name", None) or (one[0] if isinstance(one, tuple) else one)
                for one in admin.site.get_model_admin(model).list_filter
            ]
            for name in filters:
                ends = ("", "__exact", "__id__exact", "__isnull", "__isempty")
                for end, value in (*product(ends[:3], ("9" * 20, "1\0")), *((end, "²") for end in ends)):
                    answer = desk.get(page, {f"{name}{end}": value})
                    assert answer.status_code in (200, 302), (page, name, end, value[:20])

    @pytest.mark.once
    def test_unknown_filters_are_refused(self, full: World, desk):
        for model in MODELS:
            page = get_admin_url(model, "changelist")
            unknown = desk.get(page, {"nothing_of_this_name": "1"})
            assert (unknown.status_code, unknown["Location"]) == (302, f"{page}?e=1")
            for name in (
                "pk__regex",
                "id__in",
                "pk__year",
                "id__lt",
                "password__startswith",
                "observer__name__contains",
                "observer__phone_lookup",
                "\0",
                "__",
                "pk__exact__exact",
            ):
                answer = desk.get(page, {name: "1"})
                assert (answer.status_code, answer["Location"]) == (302, f"{page}?e=1"), (page, name)

    @pytest.mark.once
    def test_paging_ordering_and_search_accept_any_value(self, full: World, desk):
        for model in MODELS:
            page = get_admin_url(model, "changelist")
            for value in ("-" + "9" * 20, "1\0", "9" * 5000, "9.9.-9"):
                for name in ("p", "o", "q", "_to_field", "_changelist_filters"):
                    assert desk.get(page, {name: value}).status_code in (200, 302, 400), (page, name, value[:20])

    @pytest.mark.once
    def test_other_pages_accept_any_query(self, full: World, desk):
        for model in MODELS:
            row = model._default_manager.order_by("pk").first()
            fields = [field.name for field in model._meta.get_fields()]
            for value in ("9" * 20, "1\0", "9" * 5000):
                query = dict.fromkeys((*fields, "_popup", "_changelist_filters", "p"), value)
                for address in (
                    get_admin_url(model, "add"),
                    get_admin_url(model, "change", row.pk),
                    get_admin_url(model, "history", row.pk),
                ):
                    assert desk.get(address, query).status_code in (200, 302, 403), address

    def test_actions_and_forms_accept_any_value(self, full: World, desk):
        for model in MODELS:
            page = get_admin_url(model, "changelist")
            actions = list(admin.site.get_model_admin(model).get_actions(desk.get(page).wsgi_request))
            for value in ("9" * 20, "1\0", "9" * 5000):
                for action in [*actions, value]:
                    posted = {
                        "action": action,
                        "_selected_action": [value, UNKNOWN_KEY],
                        "index": value or "0",
                        "answered": "1",
                        "select_across": value,
                        "election": value,
                        "case": value,
                        "to": value,
                        "reason": value,
                    }
                    assert desk.post(page, posted).status_code in (200, 302), (page, action, value[:20])
            if admin.site.get_model_admin(model).has_add_permission(desk.get(page).wsgi_request):
                for value in ("9" * 20, "1\0", "²", "9" * 5000):
                    names = [field.name for field in model._meta.get_fields()]
                    posted = {name: [value, value] if name in ("observers", "scope") else value for name in names}
                    posted |= {f"{name}__en": value for name in names}
                    assert desk.post(get_admin_url(model, "add"), posted).status_code in (200, 302), (page, value[:20])


class TestAutocomplete:
    @pytest.mark.parametrize(
        "value", ["\0", "9" * 20, "9" * 5000, "²", "'", UNKNOWN_KEY], ids=lambda one: ascii(one)[:24]
    )
    def test_hostile_terms_find_nothing(self, value: str, full: World, desk):
        query = {"app_label": "observer", "model_name": "assignment", "field_name": "commission", "term": value}
        answer = desk.get(reverse("admin:autocomplete"), query)
        assert (answer.status_code, answer.json()["results"]) == (200, [])
        assert desk.get(reverse("admin:autocomplete"), query | {"page": value}).status_code in (200, 404)
        for name in ("app_label", "model_name", "field_name"):
            assert desk.get(reverse("admin:autocomplete"), query | {name: value}).status_code == 403


class TestExistingRows:
    def test_rows_are_still_found_by_their_keys_and_filters(self, full: World, desk):
        report, observer = Report.objects.first(), Observer.objects.first()
        assert desk.get(get_admin_url(Report, "change", report.pk)).status_code == 200
        assert desk.get(get_admin_url(Report, "body", report.pk)).status_code == 200
        page = desk.get(get_admin_url(Report, "changelist"), {"commission__election__id__exact": full.election.pk})
        assert page.context["cl"].result_count == Report.objects.count()
        page = desk.get(get_admin_url(Observer, "changelist"), {"q": observer.code})
        assert [row.code for row in page.context["cl"].result_list] == [observer.code]
        page = desk.get(get_admin_url(Commission, "changelist"), {"level__kind": "central"})
        assert page.context["cl"].result_count == 1

    def test_several_rows_can_be_chosen_in_a_form(self, full: World, desk):
        people = list(Observer.objects.values_list("pk", flat=True)[:2])
        posted = {
            "election": full.election.pk,
            "commission": full.tree["KZ-2"].pk,
            "observers": people,
            "role": "mobile",
        }
        assert desk.post("/admin/observer/assignment/add/", posted).status_code == 302
        assert full.tree["KZ-2"].assignments.get().observers.count() == 2
