#!/bin/sh
# Build the images: netmon's by deploy/Containerfile, and stand-ins for those of a registry.
. "$HERE/lib.sh"
cat >"$CONTAINERS_STORAGE_CONF" <<END
[storage]
driver = "overlay"
graphroot = "$FOLDER/store"
runroot = "/run/storage"
END
cat >"$CONTAINERS_CONF" <<END
[containers]
cgroups = "disabled"
pids_limit = 0
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
[network]
network_config_dir = "$FOLDER/networks"
END
tar -C "$FOLDER/base" -c . | podman import -q - docker.io/library/debian:bookworm-slim

say "The image by deploy/Containerfile"
# Where this machine's way to PyPI has an authority of its own, pip must know it: from outside, not in the image.
printf '[global]\ncert = /run/host.crt\n' >"$FOLDER/pip.conf"
podman build --quiet --isolation chroot --network host --format docker \
    -v "$FOLDER/pip.conf:/etc/pip.conf:ro" -v /etc/ssl/certs/ca-certificates.crt:/run/host.crt:ro \
    -f "$CHECKOUT/deploy/Containerfile" -t netmon "$CHECKOUT"
podman tag netmon deploy_netmon # as podman-compose calls it
podman images --format '{{.Repository}} {{.Size}}'
expect "it is compiled" holds "(compiled)" podman run --rm --network none netmon --version

say "Stand-ins for Prometheus and Alertmanager: Debian's programs, laid out as in the official images"
# image NAME PROGRAM ITS-NAME CONFIG OPTION...
image() {
    name=$1 program=$2 its=$3 config=$4
    shift 4
    mkdir "$FOLDER/image"
    cp "$program" "$FOLDER/image/program"
    cp -r /usr/share/prometheus/alertmanager "$FOLDER/image/templates"
    cat >"$FOLDER/image/Containerfile" <<-END
	FROM docker.io/library/debian:bookworm-slim
	COPY program /bin/$its
	COPY templates /usr/share/prometheus/alertmanager
	RUN install -d -o nobody -g nogroup /$its
	USER nobody
	WORKDIR /$its
	VOLUME /$its
	ENTRYPOINT ["/bin/$its", "--config.file=$config", "--storage$*=/$its"]
	END
    podman build --quiet --isolation chroot -t "$name" "$FOLDER/image"
    rm -r "$FOLDER/image"
}
named() { grep -o "docker.io/prom/$1:.*" "$CHECKOUT/deploy/compose.yml"; }
image "$(named prometheus)" /usr/bin/prometheus prometheus /etc/prometheus/prometheus.yml .tsdb.path
image "$(named alertmanager)" /usr/bin/prometheus-alertmanager alertmanager /etc/alertmanager/alertmanager.yml .path
