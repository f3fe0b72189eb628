# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The system bus, with the real dbus-daemon and polkitd: who may do what.

load lib
load systembus

setup() {
	make_world
	make_bus
}

start_all() {
	start_bus
	start_polkit
	start_daemon_on_bus
	netfil add good --ip 192.0.2.1 --total 1M
	netfil add each --ip 192.0.2.2 --each --total 1M
}

@test "the lists of methods in this test are the contract's" {
	assert_equal "methods of the manager" \
		"$(printf '%s\n' "${!CHANGING[@]}" "${!READING[@]}" | sort)" \
		"$(in_contract method Manager | sort)"
	assert_equal "methods of filters" "$(in_contract method Filter)" ''
	! grep -q 'access="[^"]*write' "$CONTRACT" || fail "a property may be written"
}

@test "a user: each change is refused on either bus, and all may be read" {
	start_all
	local bus method
	for bus in own system; do
		assert_changes_refused as_user $bus
		for method in "${!READING[@]}"; do
			# shellcheck disable=SC2086 # words
			call as_user $bus $MANAGER $NAME.Manager.$method ${READING[$method]} >/dev/null
		done
		call as_user $bus $MANAGER/filter/1 org.freedesktop.DBus.Properties.GetAll $NAME.Filter |
			grep -q "'Name': <'good'>"
		call as_user $bus $MANAGER org.freedesktop.DBus.Properties.Get $NAME.Manager Version
		fails call as_user $bus $MANAGER org.freedesktop.DBus.Properties.Get $NAME.Manager Virsion
	done
	as_user busctl --system get-property $NAME $MANAGER/filter/1 $NAME.Filter State |
		grep -qx 's "on"'
	run as_user busctl --system call $NAME $MANAGER $NAME.Manager Remove as 1 good
	[[ $output == *org.netfil.manage* ]] || fail "$output"
	run as_user netfil rm good
	assert_equal "what netfil says" "$output" "netfil: filter 'good', which is not yours, needs \
org.netfil.manage: run it with sudo, or ask an administrator"
}

@test "no property is set by anybody" {
	start_all
	netfil list --json >"$TMP/before"
	local interface path property bus who
	for interface in Manager Filter; do
		path=$MANAGER
		[[ $interface == Manager ]] || path+=/filter/1
		for property in $(in_contract property $interface); do
			for bus in own system; do
				who=as_user
				[[ $property != Version && $property != Used ]] || who='in_ns a'
				run call "$who" $bus $path org.freedesktop.DBus.Properties.Set \
					$NAME.$interface "$property" "<'x'>"
				[[ $output == *org.netfil.Error.Denied*org.netfil.manage* ]] || fail "$output"
			done
		done
	done
	netfil list --json | diff "$TMP/before" -
}

@test "root may change all, by busctl as well" {
	start_all
	local manager=("$NAME" "$MANAGER" "$NAME.Manager")
	in_ns a busctl --system call "${manager[@]}" Add 'sa{sas}' new 2 ip 1 192.0.2.9 total 1 5M |
		grep -q "$MANAGER/filter/"
	assert_equal "its cap" "$(show new .limit.total)" 5000000
	in_ns a busctl --system call "${manager[@]}" Remove as 3 new good each
	assert_equal "filters" "$(netfil list --json)" '[]'
}

@test "whom polkit lets manage, may; without an agent, nobody is asked" {
	rule org.netfil.manage YES
	start_all
	call as_user system $MANAGER $NAME.Manager.Set good "{'total':['2M']}"
	assert_equal "its cap" "$(show good .limit.total)" 2000000
	as_user netfil rm good each
	assert_equal "filters" "$(netfil list --json)" '[]'
	grep -q "uid $USER_ID (pid [0-9]*): rm good each" "$TMP/daemon.err"
	netfil add good --ip 192.0.2.1
	stop_polkit
	rule org.netfil.manage AUTH_ADMIN
	start_polkit
	run call as_user system $MANAGER $NAME.Manager.Remove "['good']" --interactive
	[[ $output == *org.netfil.Error.Denied*org.netfil.manage* ]] || fail "$output"
	show good .name
}

@test "whom polkit does not let read, may not" {
	rule org.netfil.read NO
	start_all
	local method
	for method in "${!READING[@]}"; do
		# shellcheck disable=SC2086 # words
		run call as_user system $MANAGER $NAME.Manager.$method ${READING[$method]}
		[[ $output == *org.netfil.Error.Denied*org.netfil.read* ]] || fail "$output"
	done
	run call as_user system $MANAGER/filter/1 org.freedesktop.DBus.Properties.GetAll $NAME.Filter
	[[ $output == *org.netfil.Error.Denied*org.netfil.read* ]] || fail "$output"
	call 'in_ns a' system $MANAGER $NAME.Manager.Get good
}

confine_daemon() {
	local capabilities
	capabilities=$(sed -n 's/^CapabilityBoundingSet=//p' "$BUILD/data/systemd/netfild.service" |
		tr ' ' '\n' | sed 's/^CAP_\(.*\)/+\L\1/' | paste -sd,)
	UNDER=(setpriv --bounding-set="-all,$capabilities" --inh-caps=-all --no-new-privs)
}

@test "the root of a namespace, and one without capabilities, are nobody special" {
	start_all
	assert_nobody_special
}

@test "they are nobody special to a netfild with the unit's capabilities either" {
	confine_daemon
	start_all
	assert_nobody_special
}

assert_nobody_special() {
	assert_changes_refused 'in_ns a unshare --user --map-root-user' own
	assert_changes_refused 'in_ns a unshare --user --map-root-user' system
	assert_changes_refused "in_ns a $NEW_PIDS --user --map-root-user" system
	assert_changes_refused "in_ns a $NEW_PIDS" own
	assert_changes_refused "as_user $NEW_PIDS --user --map-root-user" own
	assert_changes_refused 'in_ns a setpriv --bounding-set=-all --inh-caps=-all' own
	assert_changes_refused 'in_ns a setpriv --bounding-set=-all --inh-caps=-all' system
	call 'in_ns a unshare --net' own $MANAGER $NAME.Manager.Remove "['good']"
}

@test "signals are there within 100 ms, on either bus" {
	start_all
	start client in_cgroup "$BUILD/tests/system/bus-signals" "$NETFIL_RUNTIME_DIR/bus" "$B4" $PORT
	finish client || fail "$(cat "$TMP/client.err")"
	assert_equal "signals told" "$(wc -l <"$TMP/client.out")" 10
	while read -r name bus microseconds; do
		assert_between "microseconds until $name on the $bus bus" "$microseconds" 0 100000
	done <"$TMP/client.out"
}

# Somebody else has an answer, and soon.
assert_answers() { # WHILE [BUS]
	timeout 5 "$BASH" -c "$(declare -f call in_ns become); $(declare -p NAME BUILD CONTRACT NETFIL_RUNTIME_DIR CGROUP ID)
		call 'in_ns a' ${2-own} $MANAGER $NAME.Manager.Get good" >"$TMP/answer" 2>&1 ||
		fail "no answer while $1: $(cat "$TMP/answer")"
}

abuse() { # SOCKET KIND
	start "$2" in_ns a "$BUILD/tests/system/bus-abuse" "$1" "$2" $USER_ID
}

@test "malformed and enormous messages at the socket hurt nobody" {
	start_all
	local kind closed=(garbage endless-line no-password garbage-messages large-header many-names)
	local before
	for kind in half-greeting half-header half-message; do
		abuse "$NETFIL_RUNTIME_DIR/bus" $kind
		ready $kind
		assert_answers $kind
	done
	before=$(resident)
	for kind in "${closed[@]}" unread; do
		abuse "$NETFIL_RUNTIME_DIR/bus" "$kind"
		assert_answers "$kind"
	done
	for kind in "${closed[@]}" unread; do
		finish "$kind" || fail "$kind: $(cat "$TMP/$kind.err")"
	done
	assert_between "KiB more in use" $(($(resident) - before)) -100000 20000
	assert_answers "all of it is over"
	grep -q 'cannot serve\|bug:' "$TMP/daemon.err" && fail "$(cat "$TMP/daemon.err")"
	(($(wc -l <"$TMP/daemon.err") < 60)) || fail "it fills the log"
}

resident() {
	awk '$1 == "VmRSS:" { print $2 }' "/proc/${PIDS[daemon]}/status"
}

@test "floods on the system bus hurt nobody" {
	start_all
	local kind i
	for kind in flood flood-unread flood-names; do
		abuse "$TMP/system-bus" $kind
		ready $kind
		for i in 1 2 3; do
			assert_answers "$kind"
			assert_answers "$kind" system
		done
		finish $kind || fail "$kind: $(cat "$TMP/$kind.err")"
	done
	netfil add more --ip 192.0.2.2
	(($(wc -l <"$TMP/daemon.err") < 60)) || fail "it fills the log"
}

@test "the bus starts netfild" {
	sed "s#^Exec=.*#Exec=$BUILD/src/daemon/netfild --system-bus=yes#" \
		"$BUILD/data/bus/$NAME.service" >"$TMP/services/$NAME.service"
	start_bus
	start_polkit
	as_user busctl --system call $NAME $MANAGER $NAME.Manager List su '' 0 | grep -qx 'aa{sv} 0'
	kill -TERM "$(cat "$NETFIL_RUNTIME_DIR/netfild.pid")"
	wait_until [ ! -e "$NETFIL_RUNTIME_DIR/netfild.pid" ]
	in_ns a busctl --system call $NAME $MANAGER $NAME.Manager Add 'sa{sas}' new 1 ip 1 192.0.2.9
	netfil show new >/dev/null
}

@test "the bus comes late, goes and comes back; polkit dies" {
	start_daemon --system-bus=yes
	netfil add good --ip 192.0.2.1
	start_bus
	await_name $NAME
	run call as_user system $MANAGER $NAME.Manager.Remove "['good']" # no polkit yet
	[[ $output == *org.netfil.Error.Denied*org.netfil.manage* ]] || fail "$output"
	call as_user system $MANAGER $NAME.Manager.Get good
	rule org.netfil.manage YES
	start_polkit
	call as_user system $MANAGER $NAME.Manager.Reset "['good']"
	stop_bus
	stop_polkit
	netfil reset good
	start_bus
	await_name $NAME
	start_polkit
	call as_user system $MANAGER $NAME.Manager.Reset "['good']"
	stop_polkit
	run call as_user system $MANAGER $NAME.Manager.Reset "['good']"
	[[ $output == *org.netfil.Error.Denied*org.netfil.manage* ]] || fail "$output"
	call as_user system $MANAGER $NAME.Manager.Get good
	call 'in_ns a' system $MANAGER $NAME.Manager.Reset "['good']"
}

# An agent that is a fallback is one for a session, which only logind could tell of here.
plain_agent() {
	mkdir "$TMP/bin"
	printf '#!/bin/sh\nexec %s "$1" "$2" "$4" "$5"\n' "$(command -v pkttyagent)" >"$TMP/bin/pkttyagent"
	chmod 755 "$TMP/bin/pkttyagent"
}

# Whatever is asked there, this is the answer, until nobody asks any more.
at_terminal() { # COMMAND...
	for _ in {1..100}; do
		echo 'a wrong password' && sleep 0.1
	done 2>/dev/null |
		PATH=$TMP/bin:$PATH as_user script --quiet --return --command "$*" /dev/null
}

@test "netfil at a terminal: polkit asks there" {
	rule org.netfil.manage AUTH_ADMIN
	start_all
	plain_agent
	run at_terminal netfil rm good
	[[ $output == *'AUTHENTICATING FOR org.netfil.manage'* ]] || fail "$output"
	[[ $output == *'needs org.netfil.manage: run it'* ]] || fail "$output"
	show good .name
}

@test "--system-bus: no, and auto where an instance was moved" {
	start_bus
	start_daemon --system-bus=auto
	in_ns a busctl --system list --no-legend | grep -q $NAME && fail "it is on the bus"
	stop_daemon
	run in_ns a netfild --system-bus=perhaps
	assert_equal status "$status" 2
	assert_equal message "$output" \
		'netfild: "perhaps" is not a value of system-bus: use one of no, yes, auto'
}
