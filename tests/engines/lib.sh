# Sourced by the start scripts beside it: what they have in common.
#
#   NAME.sh FOLDER
#
# installs a component from its package registry by name (once, in FOLDER/lib) and starts it on the
# loopback address only. Those that stay in the background wait until it answers and print
# `PID=… URL=…`; `kill PID` stops it, and the folder then holds nothing that runs. Needs bash, curl,
# Maven and a JDK of at least version 17.
set -euo pipefail

folder=${1:?usage: $0 FOLDER}
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
starts_within_s=${STARTS_WITHIN_S:-180}

die() {
    echo "$(basename "$0"): $1" >&2
    exit 1
}

need() {
    local program
    for program in "$@"; do
        command -v "$program" >/dev/null || die "needs $program; install it and try again"
    done
}

# libraries BOM… -- ARTIFACT… : the jars that the artifacts need, in $folder/lib. Both are
# group:artifact:version; an artifact whose version a BOM knows ends with the second colon.
libraries() {
    [ -f "$folder/lib/.complete" ] && return 0
    local pom="$folder/pom.xml" section=bom coordinate group artifact version
    {
        echo '<project><modelVersion>4.0.0</modelVersion>'
        echo '<groupId>engines</groupId><artifactId>engine</artifactId><version>1</version>'
        echo '<dependencyManagement><dependencies>'
        for coordinate in "$@"; do
            if [ "$coordinate" = -- ]; then
                section=artifact
                echo '</dependencies></dependencyManagement><dependencies>'
                continue
            fi
            IFS=: read -r group artifact version <<<"$coordinate"
            echo "<dependency><groupId>$group</groupId><artifactId>$artifact</artifactId>"
            [ -z "$version" ] || echo "<version>$version</version>"
            [ $section = artifact ] || echo '<type>pom</type><scope>import</scope>'
            echo '</dependency>'
        done
        echo '</dependencies></project>'
    } >"$pom"
    mvn -B -q -f "$pom" dependency:copy-dependencies -DoutputDirectory="$folder/lib" \
        -DincludeScope=runtime >&2
    touch "$folder/lib/.complete"
}

# file_of GROUP:NAME:VERSION:TYPE : one file, without what it needs, in $folder/lib.
file_of() {
    [ -f "$folder/lib/.file" ] && return 0
    mvn -B -q dependency:copy -Dartifact="$1" -DoutputDirectory="$folder/lib" >&2
    touch "$folder/lib/.file"
}

# start COMMAND… : in the background, apart from whoever called, its output in $folder/log.
start() {
    "$@" >"$folder/log" 2>&1 </dev/null &
    pid=$!
    echo "$pid" >"$folder/pid"
}

# answers URL : wait until it does; a component that ends before, or is late, is a failure.
answers() {
    local until=$((SECONDS + starts_within_s))
    until curl -sf -o /dev/null --max-time 5 "$1"; do
        kill -0 "$pid" 2>/dev/null || { tail -20 "$folder/log" >&2; die "ended before it answered"; }
        if [ $SECONDS -ge $until ]; then
            kill "$pid"
            die "did not answer within $starts_within_s s; see $folder/log"
        fi
        sleep 0.2
    done
}

# listens ADDRESS PORT : wait until somebody does.
listens() {
    local until=$((SECONDS + starts_within_s))
    until (exec 3<>"/dev/tcp/$1/$2") 2>/dev/null; do
        kill -0 "$pid" 2>/dev/null || { tail -20 "$folder/log" >&2; die "ended before it listened"; }
        if [ $SECONDS -ge $until ]; then
            kill "$pid"
            die "did not listen within $starts_within_s s; see $folder/log"
        fi
        sleep 0.2
    done
}

ready() { echo "PID=$pid URL=$1"; }
