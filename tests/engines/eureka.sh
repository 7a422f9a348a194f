#!/usr/bin/env bash
# Netflix's Eureka server as Spring Cloud 2024.0.1 packages it. `eureka.sh FOLDER`; see lib.sh.
# PORT, CACHE_MS (its read cache's period), EVICT_MS and SELF_PRESERVATION change what it is told.
. "$(dirname "$0")/lib.sh"
need curl mvn java javac
port=${PORT:-28761}

libraries org.springframework.boot:spring-boot-dependencies:3.4.5 \
    org.springframework.cloud:spring-cloud-dependencies:2024.0.1 \
    -- org.springframework.cloud:spring-cloud-starter-netflix-eureka-server:

mkdir -p "$folder/sources/engine" "$folder/classes"
# In a package of its own: component scanning in the default package would look at all of Spring.
cat >"$folder/sources/engine/Eureka.java" <<'JAVA'
package engine;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.cloud.netflix.eureka.server.EnableEurekaServer;

@SpringBootApplication
@EnableEurekaServer
public class Eureka {
    public static void main(String[] arguments) {
        SpringApplication.run(Eureka.class, arguments);
    }
}
JAVA
javac -cp "$folder/lib/*" -d "$folder/classes" "$folder/sources/engine/Eureka.java" >&2

start java -Xmx192m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 \
    -cp "$folder/classes:$folder/lib/*" engine.Eureka \
    --server.address=127.0.0.1 --server.port="$port" \
    --eureka.instance.hostname=localhost \
    --eureka.client.register-with-eureka=false --eureka.client.fetch-registry=false \
    --eureka.server.response-cache-update-interval-ms="${CACHE_MS:-30000}" \
    --eureka.server.eviction-interval-timer-in-ms="${EVICT_MS:-60000}" \
    --eureka.server.enable-self-preservation="${SELF_PRESERVATION:-true}"
answers "http://127.0.0.1:$port/eureka/apps"
ready "http://127.0.0.1:$port/eureka"
