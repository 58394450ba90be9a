"""URLs of the page where relay files are uploaded."""

from django.urls import path, register_converter
from django.urls.converters import StringConverter

from api.rest import relay_page


class LanguageConverter(StringConverter):
    regex = "kk|ru|en"


register_converter(LanguageConverter, "relay_language")
app_name = "relay"
urlpatterns = [
    path("", relay_page.redirect_to_language, name="home"),
    path("<relay_language:language>/", relay_page.upload_page, name="page"),
]
