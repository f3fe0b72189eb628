# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# What every system test stands on. Each test has a small world of its own, named
# by a hash of its file and name, so that tests run side by side and in any order:
#
#   nf-ID-a   the capped side: its processes live in the cgroup .../nf-ID/inside,
#             where netfil's programs attach, and netfild keeps this namespace
#   nf-ID-b   the peer, with the witness: nftables counters (witness.bash)
#   nf-ID-r   a router between the two, where a test asks for one
#
# and state, runtime and bpffs folders in $BATS_TEST_TMPDIR. Peers, daemons and
# tools run in .../nf-ID/outside. teardown() takes all of it away; setup() takes
# away what a killed run of the same test left behind. Nothing is ever attached to
# the machine's own namespace or root cgroup.

set -o pipefail

REPOSITORY=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd)
BUILD=${NETFIL_BUILD:-$REPOSITORY/build}
TRAFFIC=$BUILD/tests/system/traffic
PATH=$BUILD/src/cli:$BUILD/src/daemon:$PATH:/usr/sbin:/sbin
PATIENCE=${NETFIL_TEST_PATIENCE:-15} # seconds until an awaited event is a failure
PORT=5001

source "${BASH_SOURCE[0]%/*}/id.bash"
source "${BASH_SOURCE[0]%/*}/process.bash"
source "${BASH_SOURCE[0]%/*}/witness.bash"
source "${BASH_SOURCE[0]%/*}/ask.bash"
source "${BASH_SOURCE[0]%/*}/time.bash"
source "${BASH_SOURCE[0]%/*}/load.bash"
source "${BASH_SOURCE[0]%/*}/power.bash"

# bats calls these two around each test; a file may wrap them.
setup() {
	make_world
}

teardown() {
	local status=$?
	[[ -z ${NETFIL_SANITIZE-} ]] || end_daemon
	((status == 0)) || [[ -n ${BATS_TEST_COMPLETED-} ]] || show_logs
	unmake_world
}

make_world() { # [NAME FOLDER]
	local digest
	digest=$(printf '%s' "${1-${BATS_TEST_FILENAME##*/}:$BATS_TEST_NAME}" | md5sum)
	ID=$(run_id)${digest:0:5}
	CGROUP=$(cgroup2_mount)/nf-$ID
	INSIDE=/nf-$ID/inside # as --cgroup takes it
	TMP=${2-$BATS_TEST_TMPDIR}
	unmake_world
	mkdir -p "$CGROUP/inside" "$CGROUP/outside" "$TMP/bpf" "$TMP/state"
	mount -t bpf "nf-$ID" "$TMP/bpf"
	export NETFIL_RUNTIME_DIR=$TMP/run NETFIL_STATE_DIR=$TMP/state \
		NETFIL_BPFFS_DIR=$TMP/bpf/netfil NETFIL_CONFIG_DIR=$TMP/etc NETFIL_CGROUP=$CGROUP/inside \
		NETFIL_CLOCK_OFFSET=$TMP/clock
	A4=$(address4 1) B4=$(address4 2) A6=$(address6 1) B6=$(address6 2)
	HOME_NS=a
	make_pair
}

# An address of 10/8 and one of fd00::/8, out of the id's last five figures.
address4() {
	local bits=$((16#${ID: -5}))
	printf '10.%d.%d.%d' $((bits >> 12 & 255)) $((bits >> 4 & 255)) $(((bits & 15) << 4 | $1))
}

address6() {
	printf 'fd00:%x:%x::%x' $((16#${ID:0:4})) $((16#${ID: -4})) "$1"
}

# A namespace whose own chatter (address detection, router solicitations) stays
# silent or is over at once, so that counters hold the test's packets alone.
make_namespace() { # LETTER
	ip netns add "nf-$ID-$1"
	in_ns "$1" bash -c '
		cd /proc/sys/net
		echo 1 >ipv6/conf/default/addr_gen_mode
		echo 0 >ipv6/conf/default/accept_dad
		echo 0 >ipv6/conf/default/router_solicitations
		echo 1 >ipv6/conf/default/mldv1_unsolicited_report_interval
		echo 1 >ipv6/conf/default/mldv2_unsolicited_report_interval
		echo "0 2147483647" >ipv4/ping_group_range
		echo 3 >ipv4/tcp_fastopen
		echo 1 >ipv4/tcp_no_metrics_save
		ip link set lo up'
}

make_pair() {
	make_namespace a
	make_namespace b
	make_link a net0 b net0
	give_addresses a net0 1 2
	give_addresses b net0 2 1
	offload on
	make_witness # last: by now the kernel's group reports are over
}

# A veth pair with known link addresses: 02:…:LETTER's place.
make_link() { # LETTER DEVICE LETTER DEVICE
	ip link add name "$2" netns "nf-$ID-$1" address "$(link_address "$1" "$2")" type veth \
		peer name "$4" netns "nf-$ID-$3" address "$(link_address "$3" "$4")"
	ip -n "nf-$ID-$1" link set "$2" up
	ip -n "nf-$ID-$3" link set "$4" up
}

link_address() { # LETTER DEVICE
	local digest
	digest=$(printf '%s' "$1-$2" | md5sum)
	printf '02:%s:%s:%s:%s:%s' "${digest:0:2}" "${digest:2:2}" "${digest:4:2}" \
		"${digest:6:2}" "${digest:8:2}"
}

# Addresses number OWN, with the neighbour (number PEER) known beforehand.
give_addresses() { # LETTER DEVICE OWN PEER
	local other mac
	other=$([[ $1 == a ]] && echo b || echo a)
	mac=$(link_address "$other" "$2")
	ip -n "nf-$ID-$1" -batch - <<-END
		address add $(address4 "$3")/30 dev $2
		address add $(address6 "$3")/64 dev $2 nodad
		neighbor add $(address4 "$4") lladdr $mac dev $2 nud permanent
		neighbor add $(address6 "$4") lladdr $mac dev $2 nud permanent
	END
}

# off: each packet of a stack is one of the wire. on: stacks and hooks see large
# packets, and so does the peer (reckon with a capture). software: the capped side
# sees large packets both ways, the wire and the peer single ones.
offload() { # on|off|software
	local a=$1 b=$1
	[[ $1 == software ]] && b=off
	offload_side a "$a"
	offload_side b "$b"
}

offload_side() { # LETTER on|off|software
	local tso=off gso=off gro=off segments=1
	case $2 in
	on) tso=on gso=on segments=65535 ;;
	software) gso=on gro=on segments=65535 ;;
	esac
	in_ns "$1" ethtool -K net0 tso $tso tx-udp-segmentation $tso gso $gso gro $gro >/dev/null
	ip -n "nf-$ID-$1" link set net0 gso_max_segs $segments
}

unmake_world() {
	stop_processes
	awk -v name="nf-$ID" -v folder="$TMP/" \
		'$1 == name || index($2, folder) == 1 { print $2 }' /proc/mounts | while read -r folder; do
		umount --lazy "$folder"
	done
	local letter
	for letter in a b r c; do
		[[ ! -e /run/netns/nf-$ID-$letter ]] || ip netns delete "nf-$ID-$letter"
	done
	remove_cgroups
}

# Everything that a test starts is in its cgroup, or in one of its namespaces.
stop_processes() {
	local letter
	[[ ! -e $CGROUP/cgroup.kill ]] || echo 1 >"$CGROUP/cgroup.kill"
	[[ -z ${PIDS[*]-} ]] || wait "${PIDS[@]}" 2>/dev/null || true
	for letter in a b r c; do
		[[ ! -e /run/netns/nf-$ID-$letter ]] ||
			ip netns pids "nf-$ID-$letter" | xargs --no-run-if-empty kill -KILL
	done
	[[ ! -e $CGROUP ]] || wait_until grep -q 'populated 0' "$CGROUP/cgroup.events"
}

remove_cgroups() {
	wait_until cgroups_removed
}

cgroups_removed() {
	[[ ! -e $CGROUP ]] || find "$CGROUP" -depth -type d -exec rmdir {} + 2>/dev/null
}

# Leaks are told by a netfild that ends by itself.
end_daemon() {
	[[ -n ${PIDS[daemon]-} ]] && kill -TERM "${PIDS[daemon]}" 2>/dev/null || return 0
	wait_until has_ended "${PIDS[daemon]}" || true
}

has_ended() { # PID
	[[ ! -e /proc/$1 || $(ps -o state= "$1") == Z* ]]
}

show_logs() {
	local file
	for file in "$TMP"/*.err "$TMP"/run/*.log; do
		[[ ! -s $file ]] || { echo "--- ${file##*/}" && tail -n 20 "$file"; }
	done
}

# Tries every 10 ms; for what the kernel tells nobody about.
wait_until() { # COMMAND...
	local deadline=$((SECONDS + PATIENCE))
	until "$@"; do
		if ((SECONDS > deadline)); then
			fail "waited $PATIENCE s in vain for: $*"
			return 1 # fail ends a test only where -e does
		fi
		sleep 0.01
	done
}

# COMMAND is to fail; in bats a plain "!" would not tell if it does not.
fails() { # COMMAND...
	if "$@"; then
		fail "this went well, but should not have: $*"
		return 1
	fi
}

fail() { # MESSAGE...
	printf '%s\n' "$*" >&2
	return 1
}
