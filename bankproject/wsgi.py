"""The WSGI entry point that gunicorn serves. It refuses to serve a database without its guards."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bankproject.settings")

application = get_wsgi_application()

from core.startup import wait_for_objects  # noqa: E402 - needs the apps, which are ready now

wait_for_objects()
