"""The WSGI application.

Embedded, its one process also does the background work.
"""

import gc
import os

from django.core.wsgi import get_wsgi_application

from config import process

process.prepare_process()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
_django = get_wsgi_application()

# Models can be imported only after Django is set up.
from django.conf import settings  # noqa: E402

from config.release_page_cache import ReleasePageCache  # noqa: E402
from reports import worker  # noqa: E402

application = ReleasePageCache(_django)

if settings.EMBEDDED:
    worker.start_threads()

# Imported modules stay for ever, so the garbage collector need not look at them. Its frequency is not
# changed: photo bodies in reference cycles are freed only when it runs.
gc.freeze()
