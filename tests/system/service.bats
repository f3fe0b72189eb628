# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# netfild as a service: what it tells its manager, and that the capabilities of its unit are
# enough for all that it does.

load lib

UNIT=$BUILD/data/systemd/netfild.service

# In the words of setpriv(1): all that a capability is not, minus what the unit gives.
unit_capabilities() {
	sed -n 's/^CapabilityBoundingSet=//p' "$UNIT" | tr ' ' '\n' |
		sed 's/^CAP_\(.*\)/+\L\1/' | paste -sd,
}

confined() { # CAPABILITIES
	UNDER=(setpriv --bounding-set="-all,$1" --inh-caps=-all --no-new-privs)
}

# With others than those of the unit, one sees what each is for.
setup() {
	make_world
	offload software
	confined "${NETFIL_TEST_CAPABILITIES-$(unit_capabilities)}"
	reset_witness
}

NOBODY=(env --unset=TRAFFIC_READY setpriv --reuid=65534 --regid=65534 --clear-groups)

@test "the unit's capabilities are what netfild has" {
	start_daemon
	mask=0
	for capability in $(unit_capabilities | tr ',+' '  '); do
		bit=$(capsh --decode=ffffffffff | tr '=,' '\n\n' | grep -n "^cap_$capability\$" | cut -d: -f1)
		mask=$((mask | 1 << bit - 2))
	done
	for set in CapPrm CapEff CapBnd; do
		assert_equal "$set" $((16#$(sed -n "s/^$set:\t//p" "/proc/${PIDS[daemon]}/status"))) "$mask"
	done
}

@test "confined: netfild knows root, and another user" {
	start_daemon
	netfil add open --cgroup "$INSIDE"
	fails in_ns a "${NOBODY[@]}" "$BUILD/src/cli/netfil" rm open 2>"$TMP/denied"
	fails in_ns a unshare --user --map-root-user --map-group=0 "$BUILD/src/cli/netfil" rm open 2>>"$TMP/denied"
	assert_equal denials "$(wc -l <"$TMP/denied")" 2
	netfil rm open
}

@test "confined: a cap is kept, and its connections are reset" {
	start_daemon
	netfil add tight --cgroup "$INSIDE" --out 50000
	serve
	fails capped tcp-send "$B4" "$PORT" 3000000
	fails finish server
	assert_equal "the peer's error" "$(told server error)" ECONNRESET
	wait_until_equal tight out
}

@test "confined: another user's processes are killed" {
	start_daemon
	netfil add tight --cgroup "$INSIDE" --out 50000 --on-limit kill
	serve
	start victim in_cgroup "${NOBODY[@]}" "$TRAFFIC" tcp-send "$B4" "$PORT" 3000000
	wait_until eval '! is_running victim'
	finish victim || status=$?
	assert_equal status "$status" 143
}

@test "confined: another user's processes stand still, and go on" {
	start_daemon
	netfil add tight --cgroup "$INSIDE" --out 50000 --on-limit pause
	serve
	start victim in_cgroup "${NOBODY[@]}" "$TRAFFIC" tcp-send "$B4" "$PORT" 3000000
	wait_until grep -q '^State:.*stopped' "/proc/${PIDS[victim]}/status"
	netfil off tight
	finish victim
}

@test "confined: an interface is taken down, its addresses stay, and it comes up" {
	start_daemon
	netfil add tight --interface net0 --out 5000 --on-limit down
	capped --method sendto udp-send "$B4" 9 10 1000 || true # it may find none to send by
	wait_until eval '! is_up'
	netfil reset tight
	wait_until is_up
	[[ -n $(ip -n "nf-$ID-a" address show dev net0 to "$A6") ]] || fail 'the IPv6 address is gone'
	assert_equal keep_addr_on_down \
		"$(in_ns a cat /proc/sys/net/ipv6/conf/net0/keep_addr_on_down)" 0
}

is_up() {
	ip -n "nf-$ID-a" link show up | grep -q net0
}

@test "confined: interfaces that come are joined" {
	start_daemon
	netfil add wire --interface 'late*'
	make_link a late0 b late0
	ip -n "nf-$ID-a" address add 192.0.2.1/24 dev late0
	wait_until eval 'capped --method sendto udp-send 192.0.2.2 9 1 1000; (($(used wire out) > 0))'
}

@test "confined: lists and executables where their owner alone may look" {
	mkdir -m 700 "$TMP/own"
	echo "$B4" >"$TMP/own/list"
	cp "$TRAFFIC" "$TMP/own/exe"
	chmod 600 "$TMP/own/list"
	chmod 700 "$TMP/own/exe"
	chown -R 65534:65534 "$TMP/own"
	start_daemon
	netfil add list --ip-file "$TMP/own/list"
	netfil add exe --exe "$TMP/own/exe"
	in_cgroup "$TMP/own/exe" --method sendto udp-send "$B4" 9 10 1000
	assert_equal list "$(used list out)" 10280
	assert_equal exe "$(used exe out)" 10280
}

@test "confined: processes and their trees" {
	start_daemon
	start tree in_cgroup bash -c 'read -r <"$1"; shift; "$@"' tree \
		"$(make_gate tree)" "$TRAFFIC" --method sendto udp-send "$B4" 9 10 1000
	netfil add way --pid "${PIDS[tree]}"
	open_gate tree
	finish tree
	wait_until_equal way out
}

@test "confined: pins are taken over, and programs swapped" {
	start_daemon
	netfil add open --cgroup "$INSIDE"
	netfil add wire --interface net0
	move 50000
	kill_daemon
	move 50000
	start_daemon
	netfil reload
	move 50000
	assert_equal used "$(used open out)" 150000
	wait_until eval '(($(used wire out) == $(witness frames_out) + 14 * $(witness frames_out packets)))'
}

@test "confined: what netfild cannot do so is told by doctor" {
	start_daemon
	netfil doctor --json | jq -e '.healthy and
		[.features[] | select(.present | not) | .name] - ["trampolines", "map_iterators"] ==
		["namespaces"]'
}

# ---- what netfild tells its manager ----

notified() { # MESSAGE...: what has come, in this order
	[[ $(grep -v '^WATCHDOG=1$' "$TMP/manager.out" | sed 's/ MONOTONIC_USEC=[0-9]*$//' |
		paste -sd ' ') == "$*" ]]
}

signs() {
	grep -c '^WATCHDOG=1$' "$TMP/manager.out" || true
}

manager_follows() { # SOCKET
	start manager in_ns a "$BUILD/tests/system/notify-listen" "$1"
	ready manager
	UNDER=(env NOTIFY_SOCKET="$1" WATCHDOG_USEC=200000)
	start_daemon
	wait_until notified READY=1
	kill -HUP "${PIDS[daemon]}"
	wait_until notified READY=1 RELOADING=1 READY=1
	wait_until eval '(($(signs) >= 5))'
	stop_daemon
	wait_until notified READY=1 RELOADING=1 READY=1 STOPPING=1
}

@test "the manager is told: ready, reloading, stopping, and signs of life" {
	manager_follows "$TMP/notify"
}

@test "the manager is told at an abstract socket as well" {
	manager_follows "@nf-$ID"
}

@test "a watchdog for another process is not ours" {
	start manager in_ns a "$BUILD/tests/system/notify-listen" "$TMP/notify"
	ready manager
	UNDER=(env NOTIFY_SOCKET="$TMP/notify" WATCHDOG_USEC=2000 WATCHDOG_PID=1)
	start_daemon
	wait_until notified READY=1
	netfil list >"$TMP/list" # the main loop has gone round
	stop_daemon
	assert_equal signs "$(signs)" 0
}

@test "a manager that is gone does not hinder netfild" {
	UNDER=(env NOTIFY_SOCKET="$TMP/nobody" WATCHDOG_USEC=200000)
	start_daemon
	netfil add open --cgroup "$INSIDE"
	stop_daemon
}

# ---- the unit file ----

# Hooks are whatever programs an administrator writes: they may use the network.
exposure() { # UNIT
	[[ $1 == */netfil-events.service ]] && echo 30 || echo 20
}

@test "systemd finds no fault with the units, and no more than 2.0 of exposure" {
	cp "$REPOSITORY"/data/systemd/*.socket "$TMP" # which a service may ask for
	for unit in "$BUILD"/data/systemd/*.service; do
		systemd-analyze security --offline=true --threshold="$(exposure "$unit")" "$unit" >"$TMP/security" ||
			fail "$(tail -n 1 "$TMP/security")"
		sed "s,^\(Exec[A-Za-z]*=\)[^ ]*,\1/bin/true," "$unit" >"$TMP/${unit##*/}"
		systemd-analyze verify --man=no "$TMP/${unit##*/}" 2>"$TMP/verify" || fail "$(cat "$TMP/verify")"
		assert_equal faults "$(grep "${unit##*/}" "$TMP/verify")" ''
	done
}
