"""URLs of the OpenRosa channel, each twice.

With a token in it, and without one for Basic auth.
"""

from django.urls import path, register_converter
from django.urls.converters import StringConverter

from api.openrosa import submission, views


class TokenConverter(StringConverter):
    regex = r"[A-Za-z0-9_\-]{16,100}"


class CodeConverter(StringConverter):
    regex = r"[\w.\-]{1,40}"


class VersionConverter(StringConverter):
    regex = r"[0-9]{1,9}"

    def to_python(self, value: str) -> int:  # type: ignore[override]
        return int(value)


register_converter(TokenConverter, "form_token")
register_converter(CodeConverter, "form_code")
register_converter(VersionConverter, "form_version")

app_name = "openrosa"
_form_path = "forms/<form_code:code>/<form_version:version>"
_routes = [
    ("submission", submission.receive_submission, "submission"),
    ("formList", views.form_list, "list"),
    (f"{_form_path}.xml", views.form, "form"),
    (f"{_form_path}/manifest", views.manifest, "manifest"),
    (f"{_form_path}/files/<str:name>", views.form_file, "file"),
]
urlpatterns = [
    *[path(f"k/<form_token:token>/{address}", view, name=name) for address, view, name in _routes],
    path("k/<form_token:token>/", views.root, name="root"),
    *[path(address, view, name=f"basic-{name}") for address, view, name in _routes],
    path("", views.root, name="basic"),
]
