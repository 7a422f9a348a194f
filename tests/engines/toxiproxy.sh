#!/usr/bin/env bash
# The original of our fault proxy: Shopify's Toxiproxy, a Go program. Usage: toxiproxy.sh FOLDER PORT
# Go's own client installs it by name, once, into FOLDER/bin; needs Go 1.23 or later.
source "$(dirname "$0")/lib.sh"
port=${2:?usage: toxiproxy.sh FOLDER PORT}
need go curl
[ -x "$folder/bin/server" ] ||
    GOBIN="$folder/bin" go install github.com/Shopify/toxiproxy/v2/cmd/server@v2.12.0 >&2
start "$folder/bin/server" -host 127.0.0.1 -port "$port"
answers "http://127.0.0.1:$port/version"
ready "http://127.0.0.1:$port"
