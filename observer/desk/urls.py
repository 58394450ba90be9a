"""The desk's own pages. Read after the applications are, when every page is registered."""

from django.urls import include, path

from observer.desk import person, staff
from observer.desk.home import home, language
from observer.desk.me import me
from observer.desk.pages import addresses

assert person and staff  # its pages register themselves

urlpatterns = [
    path("", home, name="desk_home"),
    path("language/", language, name="desk_language"),
    path("me/", me, name="desk_me"),
    path("", include((addresses(), "desk"))),
]
