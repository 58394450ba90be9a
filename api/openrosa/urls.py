"""The addresses of this channel, each twice: with a token in it, and for Basic without."""

from django.urls import path, register_converter
from django.urls.converters import StringConverter

from api.openrosa import submission, views


class Token(StringConverter):
    regex = r"[A-Za-z0-9_\-]{16,100}"


class Code(StringConverter):
    regex = r"[\w.\-]{1,40}"


class Version(StringConverter):
    regex = r"[0-9]{1,9}"

    def to_python(self, value: str) -> int:  # type: ignore[override]
        return int(value)


register_converter(Token, "form_token")
register_converter(Code, "form_code")
register_converter(Version, "form_version")

app_name = "openrosa"
_form = "forms/<form_code:code>/<form_version:version>"
_addresses = [
    ("submission", submission.submission, "submission"),
    ("formList", views.form_list, "list"),
    (f"{_form}.xml", views.form, "form"),
    (f"{_form}/manifest", views.manifest, "manifest"),
    (f"{_form}/files/<str:name>", views.form_file, "file"),
]
urlpatterns = [
    *[path(f"k/<form_token:token>/{address}", view, name=name) for address, view, name in _addresses],
    path("k/<form_token:token>/", views.root, name="root"),
    *[path(address, view, name=f"basic-{name}") for address, view, name in _addresses],
    path("", views.root, name="basic"),
]
