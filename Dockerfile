# The bank as an image: the steps of `make run`, but as a user without rights, and with migrations
# left to a step of their own. BuildKit needs no more than this file and .dockerignore.
#
# The tag is for people, the digest is what is pulled. To take a newer one:
#   docker buildx imagetools inspect python:3.13-slim-bookworm
ARG PYTHON_IMAGE=python:3.13.14-slim-bookworm@sha256:9d7f287598e1a5a978c015ee176d8216435aaf335ed69ac3c38dd1bbb10e8d64

# Wheels and nothing else: neither pip's cache nor a compiler reaches the second stage.
FROM ${PYTHON_IMAGE} AS packages
WORKDIR /build
COPY constraints.txt ./
RUN python -m venv /opt/venv
RUN /opt/venv/bin/python -m pip wheel --quiet --disable-pip-version-check --no-cache-dir --wheel-dir wheels --no-deps --require-hashes -r constraints.txt
RUN /opt/venv/bin/python -m pip install --quiet --disable-pip-version-check --no-index --find-links wheels --no-deps --require-hashes -r constraints.txt

FROM ${PYTHON_IMAGE}
LABEL org.opencontainers.image.title="Bank" org.opencontainers.image.licenses="MIT"
RUN groupadd --gid 10001 bank
RUN useradd --uid 10001 --gid bank --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin bank
WORKDIR /srv/bank
COPY --from=packages /opt/venv /opt/venv
COPY . .
# The root file system may be read-only: bytecode is made here, and data/ is the one folder that the
# bank writes. Static files are served straight from the packages, so nothing is collected; the
# folder they would be collected to only has to be there.
RUN /opt/venv/bin/python -m compileall -q accounts analytics bankproject clients core customers deploy desk events jobs legacy_import seals staff statements transactions webhooks
RUN install --directory staticfiles && install --directory --owner=bank --group=bank --mode=0700 data
# Compose keeps secrets in volumes. What a process may see lies at /run/bank/env, if anything does.
RUN install --directory --owner=bank --group=bank --mode=0755 /run/bank-secrets/kept /run/bank-secrets/db /run/bank-secrets/owner /run/bank-secrets/app
RUN ln -s /run/bank/env .env
ENV PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
ENV HOST=0.0.0.0 PORT=5000 BANK_DATA_DIR=/srv/bank/data
USER 10001:10001
VOLUME /srv/bank/data
EXPOSE 5000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["python", "deploy/healthcheck.py"]
# gunicorn's master takes it as: finish what you have, take nothing new.
STOPSIGNAL SIGTERM
CMD ["python", "manage.py", "serve"]
