#!/bin/sh
# `make deploy-try`: build the image, run it and compose.yml, and boot systemd on netmon.service.
#
# Root on Debian; four minutes, 1.5 GB in build/deploy-try; needs Debian's and Python's packages and no
# registry of images: the base is made by debootstrap, Prometheus and Alertmanager are Debian's under the
# names of the official ones, and Grafana is left out.  All of it runs in namespaces and a control group of
# its own, which end with it: port 162 and the engine's networks are not those of this machine.
set -eu
cd "$(dirname "$0")/../.."
export FOLDER="$PWD/build/deploy-try" HERE="$PWD/tests/deploy" CHECKOUT="$PWD"

trap 'exit 130' INT TERM

case ${1:-start} in
start)
    sh tests/servers/install.sh deploy
    rm -rf "$FOLDER"
    mkdir -p "$FOLDER/cgroup"
    trap 'rm -rf "$FOLDER"' EXIT
    unshare --mount sh "$HERE/try.sh" group
    echo "deploy-try: all of it worked"
    ;;
group) # cgroup v2 with nothing of this machine in it, whichever versions that has
    mount -t cgroup2 none "$FOLDER/cgroup"
    export GROUP="$FOLDER/cgroup/netmon-deploy-try-$$"
    mkdir "$GROUP"
    trap 'find "$GROUP" -depth -type d -exec rmdir {} +; umount "$FOLDER/cgroup"' EXIT
    sh -c 'echo $$ >"$GROUP/cgroup.procs"
        exec unshare --cgroup --pid --fork --kill-child --mount-proc --uts --ipc sh "$HERE/try.sh" inside'
    ;;
inside)
    umount -R /sys/fs/cgroup
    mount -t cgroup2 none /sys/fs/cgroup
    mount -t tmpfs none /run
    mount -t tmpfs none /dev/shm
    . "$HERE/lib.sh"
    say "A base image by debootstrap"
    base
    sh "$HERE/image.sh"
    unshare --net sh "$HERE/containers.sh"
    sh "$HERE/machine.sh"
    du -sh "$FOLDER"
    ;;
esac
