#!/usr/bin/env bash
# Apache Cassandra 5.0.5 from its library jar, one node. `cassandra.sh FOLDER`; see lib.sh.
# NODE=n listens at 127.0.0.n; each node wants a folder of its own, and 127.0.0.1 is the first.
# LIBRARY is a folder with the jars of another node; PORT and STORAGE_PORT are the same on all.
. "$(dirname "$0")/lib.sh"
need mvn java
node=${NODE:-1}
port=${PORT:-29042} storage_port=${STORAGE_PORT:-27000}
address=127.0.0.$node
library=${LIBRARY:-$folder/lib}
[ -n "${LIBRARY:-}" ] || libraries -- org.apache.cassandra:cassandra-all:5.0.5

mkdir -p "$folder/conf"
printf 'dc=us-east-1\nrack=us-east-1%s\n' "$(printf 'abc' | cut -c"$node")" \
    >"$folder/conf/cassandra-rackdc.properties"
cat >"$folder/conf/cassandra.yaml" <<YAML
cluster_name: contract
num_tokens: 4
partitioner: org.apache.cassandra.dht.Murmur3Partitioner
commitlog_sync: periodic
commitlog_sync_period: 10000ms
data_file_directories: [$folder/data]
commitlog_directory: $folder/commitlog
hints_directory: $folder/hints
saved_caches_directory: $folder/saved
cdc_raw_directory: $folder/cdc
listen_address: $address
rpc_address: $address
native_transport_port: $port
storage_port: $storage_port
endpoint_snitch: GossipingPropertyFileSnitch
authenticator: AllowAllAuthenticator
authorizer: AllowAllAuthorizer
seed_provider:
  - class_name: org.apache.cassandra.locator.SimpleSeedProvider
    parameters: [{seeds: "127.0.0.1:$storage_port"}]
memtable_heap_space: 24MiB
memtable_offheap_space: 24MiB
file_cache_size: 16MiB
key_cache_size: 2MiB
concurrent_reads: 4
concurrent_writes: 4
concurrent_counter_writes: 4
commitlog_segment_size: 4MiB
commitlog_total_space: 32MiB
YAML

# What Cassandra reaches into of the Java library, from Java 17 on.
opened=()
for package in \
    java.base/{java.io,java.lang,java.lang.module,java.lang.ref,java.lang.reflect,java.math} \
    java.base/{java.net,java.nio,java.nio.charset,java.nio.file.spi,java.util} \
    java.base/{java.util.concurrent,java.util.concurrent.atomic} \
    java.base/{jdk.internal.loader,jdk.internal.math,jdk.internal.module,jdk.internal.ref} \
    java.base/{jdk.internal.reflect,jdk.internal.util,jdk.internal.util.jar} \
    java.base/{sun.net.dns,sun.nio.ch,sun.security.ssl} \
    java.management/sun.management java.management.rmi/javax.management.remote.rmi \
    java.management/com.sun.jmx.remote.security jdk.management/com.sun.management.internal \
    java.rmi/{sun.rmi.registry,sun.rmi.server,sun.rmi.transport.tcp} java.sql/java.sql; do
    opened+=(--add-opens "$package=ALL-UNNAMED" --add-exports "$package=ALL-UNNAMED")
done
start java "${opened[@]}" -javaagent:"$(ls "$library"/jamm-*.jar)" -Xms256m -Xmx256m \
    -XX:+UseSerialGC -Djdk.attach.allowAttachSelf=true -Djava.awt.headless=true \
    -Dcassandra.storagedir="$folder" -Dcassandra.config="file://$folder/conf/cassandra.yaml" \
    -Dcassandra-rackdc.properties="file://$folder/conf/cassandra-rackdc.properties" \
    -Dcassandra.ring_delay_ms=2000 -Dcassandra.skip_wait_for_gossip_to_settle=0 \
    -Dcassandra-foreground=yes -Dcassandra.jmx.local.port=$((27190 + node)) \
    -Dio.netty.tryReflectionSetAccessible=true \
    -cp "$folder/conf:$library/*" org.apache.cassandra.service.CassandraDaemon
listens "$address" "$port"
ready "$address:$port"
