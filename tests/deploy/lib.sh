# What the parts of try.sh share.  FOLDER is where all of it lies, CHECKOUT the checkout.
set -eu
export CONTAINERS_STORAGE_CONF="$FOLDER/storage.conf" CONTAINERS_CONF="$FOLDER/containers.conf"
export DEBIAN_FRONTEND=noninteractive
METRICS=http://127.0.0.1:9162/metrics
PLAIN="env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root"

say() { printf '\n== %s\n' "$*"; }

# expect WHAT COMMAND...: it succeeds within three minutes, however often it is tried.  Prometheus sends an alert
# that Alertmanager did not take a minute later again.
expect() {
    what=$1
    shift
    tries=0
    until "$@" >"$FOLDER/said" 2>&1; do
        tries=$((tries + 1))
        if [ "$tries" = 360 ]; then
            echo "FAILED: $what: $*" >&2
            cat "$FOLDER/said" >&2
            exit 1
        fi
        sleep 0.5
    done
    echo "ok: $what"
}

# holds TEXT COMMAND...: what it prints has a line with TEXT.
holds() {
    text=$1
    shift
    "$@" 2>&1 | grep -F -e "$text"
}

# What Debian's slim images are made of, near enough: no documentation, no translations, nothing cached.
base() {
    base=$FOLDER/base
    # From where this machine has its own packages.
    sources=$(apt-get indextargets --format 'deb $(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
        grep ' bookworm[^ ]* main$' | sort -u)
    mirror=$(echo "$sources" | sed -n 's/^deb \(.*\) bookworm main$/\1/p' | head -n 1)
    debootstrap --variant=minbase bookworm "$base" "$mirror" >"$FOLDER/debootstrap.log" ||
        { tail "$FOLDER/debootstrap.log" >&2; exit 1; }
    echo "$sources" >"$base/etc/apt/sources.list"
    for folder in doc info locale man; do
        echo "path-exclude /usr/share/$folder/*" >>"$base/etc/dpkg/dpkg.cfg.d/slim"
        rm -rf "$base/usr/share/$folder"
        mkdir "$base/usr/share/$folder"
    done
    clean='{ "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/*.bin || true"; };'
    cat >"$base/etc/apt/apt.conf.d/clean" <<-END
	DPkg::Post-Invoke $clean
	APT::Update::Post-Invoke $clean
	Dir::Cache::pkgcache "";
	Dir::Cache::srcpkgcache "";
	END
    rm -rf "$base"/var/cache/apt/* "$base"/var/lib/apt/lists/*
}
