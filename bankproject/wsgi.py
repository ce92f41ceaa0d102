"""The WSGI entry point for gunicorn. Refuses to serve a database that lacks its guards."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bankproject.settings")

try:
    # Only the bank's user may access its new files. (gunicorn's `umask` is for its sockets only.)
    os.umask(0o077)
    application = get_wsgi_application()
except ImproperlyConfigured as error:
    sys.exit(str(error))  # One sentence, and exit code 1.

from core.startup import wait_for_objects

wait_for_objects()
