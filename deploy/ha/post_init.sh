#!/bin/sh
# Run once by Patroni, on the first node, with the address of the new server.
set -eu
programs=${PATRONI_POSTGRESQL_BIN_DIR:+$PATRONI_POSTGRESQL_BIN_DIR/}
exec "${programs}psql" --no-psqlrc --quiet --dbname "$1" \
  -v owner_password="$BANK_OWNER_PASSWORD" -v app_password="$BANK_APP_PASSWORD" -f roles.sql
