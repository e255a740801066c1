#!/bin/sh
# Run the image as the first lines of deploy/Containerfile say, then compose.yml; in a network of their own.
. "$HERE/lib.sh"
ip link set lo up
cd "$FOLDER"
# A device on a wire, to see that a datagram keeps its sender on its way into the container.
ip netns add device
ip link add wire type veth peer name eth0 netns device
ip addr add 192.0.2.1/24 dev wire
ip link set wire up
ip -n device addr add 192.0.2.2/24 dev eth0
ip -n device link set eth0 up

say "podman run"
cat >netmon.yml <<'END'
web: {listen: "0.0.0.0:9162"}
state: {path: /var/lib/netmon}
traps: {listen: ["0.0.0.0:1162"], communities: [public]}
hosts: [{name: device, address: 192.0.2.2, ping: true}]
END
sed -n 's/^#   podman run \(.*\)\\$/\1/p; s/^#     \(--sysctl.*\) netmon$/\1/p' "$CHECKOUT/deploy/Containerfile" >options
[ "$(wc -l <options)" = 2 ]
# shellcheck disable=SC2086 # they are words
eval "podman run -d --name netmon --read-only --cap-drop ALL $(tr '\n' ' ' <options) netmon" >/dev/null
expect "the HEALTHCHECK" podman healthcheck run netmon
expect "ping without a capability" holds 'host="device",probe="ping",endpoint="device",result="ok"} 1' curl -s $METRICS
expect "the receiver of traps" holds "receiver of traps is ready" podman logs netmon
ip netns exec device snmptrap -v2c -c public 192.0.2.1 '' 1.3.6.1.6.3.1.1.5.1
expect "a trap from its sender" holds '"source":"192.0.2.2","host":"device","trap":"SNMPv2-MIB::coldStart"' podman logs netmon
expect "nobody's privileges" podman exec netmon sh -c \
    'for status in /proc/1/status /proc/[0-9]*/status; do grep -q "^CapEff:.0*$" $status && grep -q "^Uid:.65532" $status || exit 1; done'
expect "state for nobody else" podman exec netmon sh -c '[ "$(stat -c %u:%a /var/lib/netmon)" = 65532:700 ]'
podman stop -t 20 netmon >/dev/null 2>&1
expect "SIGTERM ends it" holds "0 false" podman inspect netmon --format '{{.State.ExitCode}} {{.State.OOMKilled}}'
expect "it says so" holds '"netmon stopped"' podman logs netmon
podman rm netmon >/dev/null 2>&1

say "podman-compose up, without Grafana"
cd "$CHECKOUT/deploy"
podman-compose up -d --no-build netmon prometheus alertmanager >"$FOLDER/compose.log" 2>&1 ||
    { cat "$FOLDER/compose.log" >&2; exit 1; }
expect "netmon is well" podman healthcheck run deploy_netmon_1
expect "it pings Prometheus by its name" holds 'host="prometheus",probe="ping",endpoint="prometheus",result="ok"} 1' curl -s $METRICS
ask() { curl -s "http://127.0.0.1:9090/api/v1/$1"; }
expect "Prometheus scrapes netmon" holds '"instance":"netmon:9162","job":"netmon"},"value":[' ask 'query?query=up==1'
expect "its rules are netmon's" holds '"NetmonIsolated"' ask rules
expect "an alert reaches Alertmanager" holds '"alertname":"NetmonWatchdog"' curl -s http://127.0.0.1:9093/api/v2/alerts
podman-compose down >"$FOLDER/compose.log" 2>&1
expect "volumes outlive it" holds deploy_alertmanager-data podman volume ls -q
