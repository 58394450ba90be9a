"""URLs of the desk's own pages.

This module must be imported after the applications are loaded, when all pages are registered.
"""

from django.urls import include, path

from observer.desk import observer_contacts, staff
from observer.desk.account import show_account
from observer.desk.home import redirect_to_first_page, set_language
from observer.desk.pages import build_urlpatterns

assert observer_contacts and staff  # importing them registers their pages

urlpatterns = [
    path("", redirect_to_first_page, name="desk_home"),
    path("language/", set_language, name="desk_language"),
    path("me/", show_account, name="desk_me"),
    path("", include((build_urlpatterns(), "desk"))),
]
