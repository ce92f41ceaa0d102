#!/bin/sh
# Run once by the PostgreSQL image, on its first start, with an empty data folder.
set -eu
psql --no-psqlrc --username "$POSTGRES_USER" --dbname postgres \
  -v owner_password="$BANK_OWNER_PASSWORD" -v app_password="$BANK_APP_PASSWORD" \
  -f /etc/bank/roles.sql
