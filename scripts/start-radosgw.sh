#!/bin/sh
# Ceph's S3 (radosgw) on loopback, everything in memory: for tests, and to try copies out. Stops when its standard input ends,
# or on Ctrl-C. Usage: scripts/start-radosgw.sh [PORT] [FOLDER]; prints `ready URL` once it answers. User: test, secret: test.
# Debian: apt-get install radosgw ceph-mon ceph-mgr ceph-osd
set -eu
port="${1:-7480}"
given="${2:-}"
for program in ceph-mon ceph-mgr ceph-osd radosgw ceph radosgw-admin ceph-authtool monmaptool; do
  command -v "$program" >/dev/null 2>&1 || { echo "$program is not installed: apt-get install radosgw ceph-mon ceph-mgr ceph-osd" >&2; exit 1; }
done
folder="${given:-$(mktemp -d)}"
mkdir -p "$folder/mon" "$folder/osd" "$folder/mgr"
free() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
mon="$(free)"
id="$(cat /proc/sys/kernel/random/uuid)"
conf="$folder/ceph.conf"
cat >"$conf" <<END
[global]
fsid = $id
mon initial members = a
mon host = [v2:127.0.0.1:$mon]
auth cluster required = cephx
auth service required = cephx
auth client required = cephx
public addr = 127.0.0.1
cluster addr = 127.0.0.1
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 8
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
osd objectstore = memstore
memstore device bytes = 4294967296
mon allow pool size one = true
mon data avail crit = 1
mon data avail warn = 1
mon warn on pool no redundancy = false
run dir = $folder
log file = $folder/\$name.log
admin socket = $folder/\$name.asok
pid file =
keyring = $folder/keyring
mon data = $folder/mon
osd data = $folder/osd
mgr data = $folder/mgr
rgw frontends = beast endpoint=127.0.0.1:$port
rgw data = $folder/rgw
rgw dns name = 127.0.0.1
rgw thread pool size = 32
END
pids=""
stop() {
  trap - EXIT INT TERM
  # shellcheck disable=SC2086
  [ -z "$pids" ] || kill -9 $pids 2>/dev/null || true
  [ -n "$given" ] || rm -rf "$folder"
}
trap stop EXIT
trap 'exit 0' INT TERM
run() { "$@" >>"$folder/out.log" 2>&1 & pids="$pids $!"; }
quiet() { "$@" >>"$folder/out.log" 2>&1 || { echo "failed: $*" >&2; tail -5 "$folder/out.log" >&2; exit 1; }; }
admin() { quiet ceph -c "$conf" "$@"; }
quiet ceph-authtool --create-keyring "$folder/keyring" --gen-key -n mon. --cap mon 'allow *'
quiet ceph-authtool "$folder/keyring" --gen-key -n client.admin --cap mon 'allow *' --cap osd 'allow *' --cap mgr 'allow *'
for name in mgr.a osd.0 client.rgw; do
  quiet ceph-authtool "$folder/keyring" --gen-key -n $name --cap mon 'allow *' --cap osd 'allow *' --cap mgr 'allow *'
done
quiet monmaptool --create --addv a "[v2:127.0.0.1:$mon]" --fsid "$id" "$folder/monmap"
quiet ceph-mon -c "$conf" -i a --mkfs --monmap "$folder/monmap" --keyring "$folder/keyring"
run ceph-mon -c "$conf" -i a -f
admin --connect-timeout 30 status
for name in mgr.a osd.0 client.rgw; do admin auth import -i "$folder/keyring"; break; done
run ceph-mgr -c "$conf" -i a -f
osd="$(cat /proc/sys/kernel/random/uuid)"
admin osd new "$osd" 0
quiet ceph-osd -c "$conf" -i 0 --mkfs --osd-uuid "$osd"
admin osd crush add osd.0 1 host=here root=default
run ceph-osd -c "$conf" -i 0 -f
tries=0
until ceph -c "$conf" osd stat 2>/dev/null | grep -q '1 up'; do
  tries=$((tries + 1)); [ $tries -lt 100 ] || { echo "the OSD does not start; see $folder" >&2; exit 1; }
  sleep 0.3
done
quiet radosgw-admin -c "$conf" -n client.rgw user create --uid=test --display-name=test --access-key=test --secret-key=test
run radosgw -c "$conf" -n client.rgw -f
tries=0
until python3 -c "import urllib.request as u; u.urlopen('http://127.0.0.1:$port/', timeout=2)" 2>/dev/null; do
  tries=$((tries + 1)); [ $tries -lt 200 ] || { echo "radosgw does not answer; see $folder" >&2; exit 1; }
  sleep 0.2
done
echo "ready http://127.0.0.1:$port"
cat >/dev/null # until whoever started it closes our standard input
