#!/bin/sh
# Starts `etcd NUMBER` or `patroni NUMBER` in a container of compose, where the nodes have the names
# etcd1 to etcd3 and pg1 to pg3.
set -eu
program=$1 number=$2
if [ "$program" = etcd ]; then
  exec etcd --name "etcd$number" --data-dir /var/lib/etcd/bank \
    --listen-client-urls http://0.0.0.0:2379 --advertise-client-urls "http://etcd$number:2379" \
    --listen-peer-urls http://0.0.0.0:2380 --initial-advertise-peer-urls "http://etcd$number:2380" \
    --initial-cluster etcd1=http://etcd1:2380,etcd2=http://etcd2:2380,etcd3=http://etcd3:2380 \
    --initial-cluster-state new --initial-cluster-token bank
fi
secrets=${BANK_SECRETS:-/run/bank}
# Passwords of the nodes among themselves follow from the superuser's.
derived() { printf '%s:%s' "$1" "$PATRONI_SUPERUSER_PASSWORD" | sha256sum | cut -d ' ' -f 1; }
PATRONI_SUPERUSER_USERNAME=postgres
PATRONI_SUPERUSER_PASSWORD=$(cat "$secrets/postgres_password")
PATRONI_REPLICATION_USERNAME=replicator
PATRONI_REPLICATION_PASSWORD=$(derived replicator)
PATRONI_REWIND_USERNAME=rewinder
PATRONI_REWIND_PASSWORD=$(derived rewinder)
PATRONI_RESTAPI_USERNAME=patroni
PATRONI_RESTAPI_PASSWORD=$(derived patroni)
BANK_OWNER_PASSWORD=$(cat "$secrets/bank_owner_password")
BANK_APP_PASSWORD=$(cat "$secrets/bank_app_password")
PATRONI_NAME=pg$number
PATRONI_RESTAPI_LISTEN=0.0.0.0:8008
PATRONI_RESTAPI_CONNECT_ADDRESS=pg$number:8008
PATRONI_POSTGRESQL_LISTEN=0.0.0.0:5432
PATRONI_POSTGRESQL_CONNECT_ADDRESS=pg$number:5432
PATRONI_ETCD3_HOSTS=etcd1:2379,etcd2:2379,etcd3:2379
PATRONI_POSTGRESQL_DATA_DIR=/var/lib/postgresql/data/bank
PATRONI_POSTGRESQL_BIN_DIR=$(pg_config --bindir)
PATRONI_POSTGRESQL_PGPASS=/tmp/pgpass
export PATRONI_SUPERUSER_USERNAME PATRONI_SUPERUSER_PASSWORD PATRONI_REPLICATION_USERNAME \
  PATRONI_REPLICATION_PASSWORD PATRONI_REWIND_USERNAME PATRONI_REWIND_PASSWORD \
  PATRONI_RESTAPI_USERNAME PATRONI_RESTAPI_PASSWORD BANK_OWNER_PASSWORD BANK_APP_PASSWORD \
  PATRONI_NAME PATRONI_RESTAPI_LISTEN PATRONI_RESTAPI_CONNECT_ADDRESS PATRONI_POSTGRESQL_LISTEN \
  PATRONI_POSTGRESQL_CONNECT_ADDRESS PATRONI_ETCD3_HOSTS PATRONI_POSTGRESQL_DATA_DIR \
  PATRONI_POSTGRESQL_BIN_DIR PATRONI_POSTGRESQL_PGPASS
exec /opt/patroni/bin/patroni /etc/bank/patroni.yml
