#!/bin/sh
# PostgreSQL's archive_command: sh archive_wal.sh %p /srv/wal. Copies a finished piece of the log into
# the folder, whole or not at all, and flushed to its disk. PostgreSQL calls it again after a failure.
set -eu
target=$2/${1##*/}
if [ -e "$target" ]; then
  exec cmp -s "$1" "$target" # called again after a crash; never another content under one name
fi
cp "$1" "$target.partial"
sync "$target.partial"
mv "$target.partial" "$target"
sync "$2"
