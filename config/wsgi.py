"""The web application. Embedded, its one process also does the background work."""

import gc
import os

from django.core.wsgi import get_wsgi_application

from config import process

process.begin()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
_django = get_wsgi_application()

# Only now may models be imported.
from django.conf import settings  # noqa: E402

from config.again import Again  # noqa: E402
from reports import worker  # noqa: E402

application = Again(_django)

if settings.EMBEDDED:
    worker.start()

# What was imported stays for ever and need not be looked through for rubbish. How often the collector looks is
# left as it is: bodies of photos that hang in circles would wait for it.
gc.freeze()
