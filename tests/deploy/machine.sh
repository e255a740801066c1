#!/bin/sh
# Make a Debian with systemd, snmpd and Postfix; install netmon in it by docs/deploy.md; boot it and look.
. "$HERE/lib.sh"
machine=$FOLDER/machine
# block N: the N-th block of commands of docs/deploy.md, which a reader would type.
block() { awk -v want="$1" '/^```sh/ {at++; next} /^```/ {in_it = 0} {if (at == want && !closed[at]) print}
                            /^```/ {closed[at] = 1}' "$CHECKOUT/docs/deploy.md" | sed '/^```/d'; }

say "A machine, and netmon in it by the commands of docs/deploy.md"
cp -a "$FOLDER/base" "$machine"
mkdir "$machine/checkout"
(cd "$CHECKOUT" && git ls-files -z | tar -c --null -T -) | tar -C "$machine/checkout" -x
cp "$HERE/netmon.yml" "$machine/checkout/"
block 1 >"$FOLDER/install"
grep -v systemctl "$FOLDER/install" >"$machine/checkout/without-systemd"
grep systemctl "$FOLDER/install" >"$machine/checkout/start"
block 2 >"$machine/checkout/socket"
cp "$HERE/service.sh" "$HERE/lib.sh" "$machine/checkout/"
(
    # Packages come by this machine's network, which the booted one does not have.
    for each in proc sys dev; do mount --rbind "/$each" "$machine/$each"; done
    cp /etc/resolv.conf "$machine/etc/resolv.conf"
    printf '#!/bin/sh\nexit 101\n' >"$machine/usr/sbin/policy-rc.d"
    chmod +x "$machine/usr/sbin/policy-rc.d"
    cp /etc/ssl/certs/ca-certificates.crt "$machine/host.crt"
    printf '[global]\ncert = /host.crt\n' >"$machine/etc/pip.conf"
    inside="$PLAIN DEBIAN_FRONTEND=noninteractive chroot $machine"
    $inside apt-get update -q
    $inside apt-get install -q -y --no-install-recommends systemd-sysv dbus procps iproute2 curl snmpd snmp postfix
    $inside sh -ec 'cd /checkout && . ./without-systemd'
) >"$FOLDER/machine.log" 2>&1 || { tail -30 "$FOLDER/machine.log" >&2; exit 1; }
for each in proc sys dev; do umount -R "$machine/$each"; done
rm "$machine/usr/sbin/policy-rc.d"

say "systemd as its first process"
SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 systemd-nspawn --quiet --register=no --keep-unit --private-network \
    --directory "$machine" --boot --console=read-only >"$FOLDER/boot.log" 2>&1 </dev/null &
nspawn=$!
expect "it boots" pgrep -P "$nspawn" systemd
enter="nsenter -t $(pgrep -P "$nspawn" systemd) -a $PLAIN SYSTEMD_PAGER=cat"
expect "it runs" holds running $enter systemctl is-system-running
$enter sh /checkout/service.sh
kill -s RTMIN+4 "$(pgrep -P "$nspawn" systemd)" # poweroff
wait "$nspawn"
