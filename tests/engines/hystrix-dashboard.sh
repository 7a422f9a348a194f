#!/usr/bin/env bash
# Serves the Hystrix dashboard 1.5.18 on loopback until killed:  hystrix-dashboard.sh FOLDER PORT
# See lib.sh. Open http://127.0.0.1:PORT/hystrix-dashboard and give it a stream's address.
. "$(dirname "$0")/lib.sh"
need mvn java
port=${2:?usage: $0 FOLDER PORT}
libraries -- org.eclipse.jetty:jetty-runner:9.4.57.v20241219
file_of com.netflix.hystrix:hystrix-dashboard:1.5.18:war
exec java -Xmx128m -XX:+UseSerialGC -cp "$folder/lib/*" \
    org.eclipse.jetty.runner.Runner --host 127.0.0.1 --port "$port" --path /hystrix-dashboard \
    "$folder/lib/hystrix-dashboard-1.5.18.war"
