#!/usr/bin/env bash
# moto's server: EC2 and Auto Scaling without a cloud. `moto.sh FOLDER`; see lib.sh.
. "$(dirname "$0")/lib.sh"
need python3
port=${PORT:-25000}
venv=${MOTO_VENV:-$folder/venv}
if [ ! -x "$venv/bin/moto_server" ]; then
    python3 -m venv "$venv" >&2
    "$venv/bin/pip" install -q 'moto[server]>=5,<6' >&2
fi
start "$venv/bin/moto_server" -H 127.0.0.1 -p "$port"
answers "http://127.0.0.1:$port/moto-api/"
ready "http://127.0.0.1:$port"
