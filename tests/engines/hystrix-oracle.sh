#!/usr/bin/env bash
# Asks Hystrix 1.5.18 what it does in scenarios:  hystrix-oracle.sh FOLDER <scenarios.txt >answers.jsonl
# See lib.sh. Runs for as long as the scenarios say; nothing stays running.
. "$(dirname "$0")/lib.sh"
need mvn java
libraries -- com.netflix.hystrix:hystrix-serialization:1.5.18 org.slf4j:slf4j-nop:1.7.36
exec java -Xmx128m -XX:+UseSerialGC -cp "$folder/lib/*" "$(dirname "$0")/hystrix/Oracle.java"
