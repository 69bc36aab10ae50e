#!/bin/sh
# A journal of its own, in a mount namespace: journald.sh HATSD CATALOGUE.
# Prints the explained line of daemon.started, then its fields as JSON.
set -e
hatsd=$1 catalogue=$2
mount --make-rprivate /
# What is below /run stays readable, and what is above it is ours.
mount -t tmpfs tmpfs /run
mkdir -p /run/systemd/journal /run/log/journal /run/hats /run/state /run/catalog /run/lib
cp "$catalogue" /run/catalog/hats.catalog
mount --bind /run/catalog /usr/lib/systemd/catalog
mount -t tmpfs tmpfs /var/lib/systemd
mkdir -p /var/lib/systemd/catalog
/usr/lib/systemd/systemd-journald 2>/run/journald.log &
journald=$!
trap 'kill $journald $daemon 2>/dev/null || :' EXIT
wait_for() {
    tries=0
    until eval "$1"; do
        tries=$((tries + 1))
        [ $tries -lt 200 ] || { echo "waited in vain: $1" >&2; exit 1; }
        sleep 0.05
    done
}
wait_for '[ -S /run/systemd/journal/socket ]'
"$hatsd" --log journald --socket /run/hats/hats.sock --state-dir /run/state 2>/run/hatsd.log &
daemon=$!
journalctl --update-catalog
read_journal() { journalctl -D /run/log/journal --no-pager -q "$@"; }
wait_for '[ -n "$(read_journal HATS_CODE=HATS-1002)" ]'
read_journal -x HATS_CODE=HATS-1002
read_journal -o json HATS_EVENT=daemon.started
