"""The image's health check: exits with 0 if this container's bank is ready to serve, else with 1.

Requests `health/ready/` on PORT, with the first name of DJANGO_ALLOWED_HOSTS, as the proxy would.
"""

import http.client
import os
import sys
import urllib.request

TIMEOUT_SECONDS = 4


def main() -> int:
    port = os.environ.get("PORT") or "5000"
    host = (os.environ.get("DJANGO_ALLOWED_HOSTS") or "localhost").split(",")[0].strip()
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/api/v1/health/ready/", headers={"Host": host}
    )
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:  # noqa: S310
            return 0 if response.status == 200 else 1
    except (OSError, ValueError, http.client.HTTPException) as error:
        sys.stderr.write(f"not ready: {error}\n")  # `docker inspect` shows it.
        return 1


if __name__ == "__main__":
    sys.exit(main())
