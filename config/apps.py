"""Django's admin app with the desk's own admin site."""

from django.contrib.admin.apps import AdminConfig


class DeskAdminConfig(AdminConfig):
    default_site = "observer.site.DeskSite"
