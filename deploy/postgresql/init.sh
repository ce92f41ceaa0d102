#!/bin/sh
# Run once by the PostgreSQL image, on its first start, with an empty data folder.
set -eu
secrets=${BANK_SECRETS:-/run/bank}
psql --no-psqlrc --username "$POSTGRES_USER" --dbname postgres \
  -v owner_password="$(cat "$secrets/bank_owner_password")" \
  -v app_password="$(cat "$secrets/bank_app_password")" \
  -f "${BANK_ROLES:-/etc/bank/roles.sql}"
