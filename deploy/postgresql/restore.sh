#!/bin/sh
# Restores a dump, from standard input, into a new database `bank`. Run as a superuser of the server:
#
#   docker compose exec -T db sh /etc/bank/restore.sh < FILE
#
# The database that was there is kept beside it, as bank_before_<time>. Refused while anything is
# connected to it: stop web, worker and proxy first. The new database gets its name last, once it
# has everything.
set -eu
user=${POSTGRES_USER:-postgres}
now=$(date -u +%Y%m%d%H%M%S)

sql() {
  psql --no-psqlrc --quiet --tuples-only --no-align -v ON_ERROR_STOP=1 \
    --username "$user" --dbname postgres -c "$1"
}

connected=$(sql "SELECT count(*) FROM pg_stat_activity WHERE datname = 'bank'")
if [ "$connected" -ne 0 ]; then
  echo "FAILED: $connected sessions use the bank. Stop web and worker first." >&2
  exit 1
fi

sql "CREATE DATABASE bank_restored_$now OWNER bank_owner TEMPLATE template0"
if ! pg_restore --username "$user" --dbname "bank_restored_$now" --role bank_owner \
  --no-owner --no-privileges --exit-on-error --single-transaction; then
  sql "DROP DATABASE bank_restored_$now"
  echo "FAILED: the dump was not restored. The bank is as it was." >&2
  exit 1
fi
sql "REVOKE ALL ON DATABASE bank_restored_$now FROM PUBLIC"
sql "GRANT CONNECT ON DATABASE bank_restored_$now TO bank_app"
if [ "$(sql "SELECT count(*) FROM pg_database WHERE datname = 'bank'")" -ne 0 ]; then
  sql "ALTER DATABASE bank RENAME TO bank_before_$now"
  echo "The database that was there is now bank_before_$now."
fi
sql "ALTER DATABASE bank_restored_$now RENAME TO bank"
echo "Restored."
