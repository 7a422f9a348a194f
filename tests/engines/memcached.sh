#!/usr/bin/env bash
# The original of our cache nodes: Debian's memcached (apt-get install memcached), on loopback, in the
# foreground. Usage: memcached.sh PORT
set -euo pipefail
command -v memcached >/dev/null || { echo "memcached.sh: apt-get install memcached" >&2; exit 2; }
# Root must say whom it becomes; for anybody else the option means nothing.
exec memcached -l 127.0.0.1 -p "${1:?usage: memcached.sh PORT}" -m 16 -t 1 -u nobody
