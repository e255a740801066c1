#!/bin/sh
# Install the real servers that tests (install.sh test) or benchmarks (install.sh bench) talk to, or what
# tries deploy/ for real (install.sh deploy).
# Needs root and apt-get only if one of them is missing; a missing one is an error with its name.
set -eu

# command:package
servers="snmpd:snmpd snmpbulkwalk:snmp postfix:postfix prometheus:prometheus promtool:prometheus
         prometheus-alertmanager:prometheus-alertmanager amtool:prometheus-alertmanager
         prometheus-snmp-exporter:prometheus-snmp-exporter
         prometheus-blackbox-exporter:prometheus-blackbox-exporter smilint:smitools
         dnsmasq:dnsmasq-base knotd:knot unbound:unbound nft:nftables nsenter:util-linux faketime:faketime
         /usr/lib/dovecot/imap:dovecot-imapd
         /usr/lib/dovecot/pop3:dovecot-pop3d /usr/lib/dovecot/lmtp:dovecot-lmtpd sievec:dovecot-sieve
         chromium:chromium ip:iproute2 sysctl:procps
         systemd-analyze:systemd"
if [ "${1:-test}" = bench ]; then
    servers="postfix:postfix /usr/lib/dovecot/imap:dovecot-imapd /usr/lib/dovecot/lmtp:dovecot-lmtpd
             prometheus-snmp-exporter:prometheus-snmp-exporter
             prometheus-blackbox-exporter:prometheus-blackbox-exporter"
fi

PATH=$PATH:/usr/sbin:/sbin
if [ "${1:-test}" = deploy ]; then
    servers="podman:podman crun:crun podman-compose:podman-compose iptables:iptables
             /usr/lib/podman/netavark:netavark /usr/lib/podman/aardvark-dns:aardvark-dns
             debootstrap:debootstrap systemd-nspawn:systemd-container nsenter:util-linux pgrep:procps
             ip:iproute2 snmptrap:snmp curl:curl
             prometheus:prometheus prometheus-alertmanager:prometheus-alertmanager"
fi

missing() {
    for server in $servers; do
        command -v "${server%%:*}" >/dev/null || echo "${server##*:}"
    done | sort -u
}

# Exim and OpenSMTPD refuse Postfix as packages: they are unpacked beside it, the libraries are installed.
mailers=/var/cache/netmon-tests/mailers
libraries="libidn12 libgnutls-dane0 libevent-2.1-7 libpcre2-8-0 libnsl2 libdb5.3"
unpack() {
    [ "${1:-test}" = test ] || return 0
    [ -x "$mailers/usr/sbin/exim4" ] && [ -x "$mailers/usr/sbin/smtpd" ] && return 0
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        echo "missing servers: Exim and OpenSMTPD, which this unpacks into $mailers as root on Debian" >&2
        exit 1
    fi
    folder=$(mktemp -d)
    (
        cd "$folder"
        apt-get download -q exim4-daemon-light opensmtpd 2>/dev/null ||
            { apt-get update -q && apt-get download -q exim4-daemon-light opensmtpd; }
        DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $libraries
        mkdir -p "$mailers"
        for package in ./*.deb; do dpkg -x "$package" "$mailers"; done
    )
    rm -rf "$folder"
}

packages=$(missing)
if [ -z "$packages" ]; then
    unpack "$@"
    exit 0
fi
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "missing servers:" $packages >&2
    echo "install them (on Debian, as root: apt-get install" $packages") and run this again" >&2
    exit 1
fi

# The tests start servers of their own: the packages' services stay off.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
    trap 'rm -f "$policy"' EXIT
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -q
apt-get install -q -y --no-install-recommends $packages

packages=$(missing)
if [ -n "$packages" ]; then
    echo "still missing after the installation:" $packages >&2
    exit 1
fi
unpack "$@"
