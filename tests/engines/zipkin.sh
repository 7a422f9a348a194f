#!/usr/bin/env bash
# Zipkin 3.6.1, its spans in memory. `zipkin.sh FOLDER`; see lib.sh. PORT changes where it listens.
. "$(dirname "$0")/lib.sh"
need curl mvn java
port=${PORT:-29411}
jar="$folder/lib/zipkin-server-3.6.1-exec.jar"

if [ ! -f "$folder/lib/.complete" ]; then
    mvn -B -q org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy \
        -Dartifact=io.zipkin:zipkin-server:3.6.1:jar:exec -DoutputDirectory="$folder/lib" >&2
    touch "$folder/lib/.complete"
fi

start java -Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -jar "$jar" \
    --server.port="$port" --server.address=127.0.0.1
answers "http://127.0.0.1:$port/health"
ready "http://127.0.0.1:$port"
