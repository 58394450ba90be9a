"""The page for files that people carry."""

from django.urls import path, register_converter
from django.urls.converters import StringConverter

from api.rest import relay_page


class Spoken(StringConverter):
    regex = "kk|ru|en"


register_converter(Spoken, "spoken")
app_name = "relay"
urlpatterns = [
    path("", relay_page.home, name="home"),
    path("<spoken:language>/", relay_page.page, name="page"),
]
