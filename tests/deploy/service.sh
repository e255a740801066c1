#!/bin/sh
# Inside the machine of machine.sh: netmon as a service of a real systemd.
FOLDER=/run
. /checkout/lib.sh
cd /checkout
mkdir -p /etc/systemd/system/netmon.service.d /etc/netmon/secrets
sysctl -q -w net.ipv4.ping_group_range="0 2147483647"
printf sesame >/etc/netmon/secrets/probe
chmod 0600 /etc/netmon/secrets/probe
# docs/mail-queue.md
install -m 0755 deploy/netmon-mailq /usr/local/bin/
printf '%s\n' 'rocommunity sesame 127.0.0.1' 'extend -cacheTime 30 netmon-mailq /usr/local/bin/netmon-mailq' \
    >/etc/snmp/snmpd.conf
systemctl restart snmpd

set_in() { printf '%s\n' '[Service]' "$@" >/etc/systemd/system/netmon.service.d/try.conf; }
of() { systemctl show -P "$1" netmon; }
is() { [ "$(of "$1")" = "$2" ]; }
journal() { journalctl -u netmon -o cat --no-pager; }
# status PROCESS NAME VALUE: what /proc says of the agent (1) or of its receiver of traps (2)
status() { sed -n "$1p" "/sys/fs/cgroup/system.slice/netmon.service/cgroup.procs" | xargs -I{} grep -x "$2:	$3" /proc/{}/status; }
trap_to() { snmptrap -v2c -c public "$1" '' "1.3.6.1.6.3.1.1.5.$2"; }

say "As docs/deploy.md installs it"
set_in LoadCredential=probe:/etc/netmon/secrets/probe
. ./start
expect "active (Type=notify)" is ActiveState active
expect "systemd knows its page" is StatusText http://127.0.0.1:9162
expect "it does not run as root" status 1 Uid '\([1-9][0-9]*\)	\1	\1	\1'
expect "its state is nobody else's" holds 700 stat -c %a /var/lib/netmon/
for probe in ping smtp snmp; do
    expect "$probe" holds "probe=\"$probe\",endpoint=\"self" sh -c "curl -s $METRICS | grep 'check_result.*result=\"ok\"} 1'"
done
expect "the queue of mail" holds 'netmon_mail_queue_messages{host="self"} 0' curl -s $METRICS
expect "the receiver of traps" holds "receiver of traps is ready" journal
expect "the agent has one capability" status 1 CapEff 0000000000000400
expect "the receiver has none" status 2 CapEff 0000000000000000
for process in 1 2; do
    expect "no new privileges ($process)" status $process NoNewPrivs 1
    expect "a filter of system calls ($process)" status $process Seccomp 2
done
trap_to 127.0.0.1 1
expect "a trap" holds '"host":"self","trap":"SNMPv2-MIB::coldStart"' journal

say "Reload"
systemctl reload netmon
expect "a good config" holds "the config was read again" journal
cp /etc/netmon/netmon.yml good.yml
echo 'hosts: [{name: a, adress: 127.0.0.1}]' >/etc/netmon/netmon.yml
if systemctl reload netmon 2>/dev/null; then echo "FAILED: a reload with a mistake succeeds"; exit 1; fi
expect "a mistake is named" holds 'did you mean "address"?' journal
expect "the agent goes on" is ActiveState active

say "What is not tried again"
systemctl restart netmon 2>/dev/null || true
expect "a config with a mistake" test "$(of ActiveState) $(of ExecMainStatus)" = "failed 78"
chmod 0600 /etc/netmon/netmon.yml
systemctl start netmon 2>/dev/null || true
expect "a config that netmon may not read" test "$(of ActiveState) $(of ExecMainStatus)" = "failed 78"
install -m 0644 good.yml /etc/netmon/netmon.yml

say "The port from systemd, as docs/deploy.md has it"
systemctl start netmon
. ./socket
expect "active" is ActiveState active
expect "systemd has the port, with the buffer" holds 'rb67108864' ss -lunm 'sport = :162'
for process in 1 2; do
    expect "no capability ($process)" status $process CapBnd 0000000000000000
done
trap_to 127.0.0.1 2
expect "a trap" holds '"trap":"SNMPv2-MIB::warmStart"' journal
kill -9 "$(of MainPID)"
trap_to 127.0.0.1 3 # into the socket of systemd, while nobody serves it
expect "started anew after kill -9" is NRestarts 1
expect "active" is ActiveState active
expect "the trap of meanwhile" holds linkDown journal

say "The watchdog"
set_in LoadCredential=probe:/etc/netmon/secrets/probe WatchdogSec=4 TimeoutAbortSec=3
systemctl daemon-reload
systemctl restart netmon
kill -STOP "$(of MainPID)"
expect "an agent that stands still is started anew" holds "Failed with result 'watchdog'" journal
expect "active" is ActiveState active

say "Stop"
systemctl restart netmon # and stopped when its receiver has hardly begun
systemctl stop netmon-traps.socket netmon
expect "clean" test "$(of ActiveState) $(of Result) $(of ExecMainStatus)" = "inactive success 0"
if journal | grep "the receiver of traps died"; then echo "FAILED: its receiver died"; exit 1; fi
