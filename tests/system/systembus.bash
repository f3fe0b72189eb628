# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# A system bus and a polkit of the test's own: the real dbus-daemon, under the system's
# policy and netfil's, and the real polkitd, with the actions of this tree.

export DBUS_SYSTEM_BUS_ADDRESS

NAME=org.netfil.Netfil1
MANAGER=/org/netfil/Netfil1
CONTRACT=$REPOSITORY/dbus/$NAME.xml
USER_ID=65534 # who is nobody special

make_bus() {
	DBUS_SYSTEM_BUS_ADDRESS=unix:path=$TMP/system-bus
	mkdir -p "$TMP/services" "$TMP/rules" "$TMP/actions"
	cp "$REPOSITORY/data/bus/org.netfil.policy" "$TMP/actions/"
	chmod 755 "$TMP" "${TMP%/*}" "${TMP%/*/*}"
	bus_configuration >"$TMP/bus.conf"
}

# The system's own, but for where it listens and what it starts.
bus_configuration() {
	sed -e '/<!--.*-->/d; /<!--/,/-->/d' \
		-e '\#<user>#d; \#<fork/>#d; \#<pidfile>#d; \#<syslog/>#d; \#<servicehelper>#d' \
		-e "s#<standard_system_servicedirs/>#<servicedir>$TMP/services</servicedir>#" \
		-e "s#<listen>.*</listen>#<listen>unix:path=$TMP/system-bus</listen>#" \
		-e '\#<includedir>.*system.d</includedir>#d' \
		-e "s#</busconfig>#<include>$REPOSITORY/data/bus/$NAME.conf</include>\n\
			<include>/usr/share/dbus-1/system.d/org.freedesktop.PolicyKit1.conf</include>\n&#" \
		/usr/share/dbus-1/system.conf
}

start_bus() {
	start bus in_ns a bash -c 'exec dbus-daemon --config-file="$0" --nofork --nopidfile \
		--print-address=9 9>"$TRAFFIC_READY"' "$TMP/bus.conf"
	ready bus
}

stop_bus() {
	kill -TERM "${PIDS[bus]}"
	finish bus || true
}

# polkitd knows its folders by name: it gets others there, in mounts of its own.
start_polkit() {
	start polkit in_ns a unshare --mount --propagation private bash -c '
		mount --bind "$0/actions" /usr/share/polkit-1/actions &&
			mount --bind "$0/rules" /etc/polkit-1/rules.d &&
			exec /usr/lib/polkit-1/polkitd' "$TMP"
	await_name org.freedesktop.PolicyKit1
}

# It goes with the bus, if that has gone before.
stop_polkit() {
	kill -KILL "${PIDS[polkit]}" 2>"$TMP/kill.err" || true
	finish polkit || true
}

await_name() { # BUS-NAME
	in_ns a gdbus wait --system --timeout "$PATIENCE" "$1"
}

# For polkitd, before it starts: what of polkit's results an action has.
rule() { # ACTION RESULT
	cat >"$TMP/rules/10-$1.rules" <<-END
		polkit.addRule(function(action, subject) {
			if (action.id == "$1") return polkit.Result.$2;
		});
	END
}

start_daemon_on_bus() { # [ARGUMENTS]
	start_daemon --system-bus=yes "$@"
	await_name $NAME
}

as_user() { # COMMAND...
	in_ns a setpriv --reuid=$USER_ID --regid=$USER_ID --clear-groups "$@"
}

# WHO is the words of a command that runs what follows, as as_user. BUS: own or system.
call() { # WHO BUS PATH METHOD [ARGUMENT...]
	local tool=("$BUILD/tests/system/bus-call" "$CONTRACT" "$NETFIL_RUNTIME_DIR/bus" "$3" "$4")
	[[ $2 == own ]] ||
		tool=(gdbus call --timeout 30 --system --dest "$NAME" --object-path "$3" --method "$4")
	$1 "${tool[@]}" "${@:5}"
}

# Words that follow a method: names of the contract, and arguments that would change, or
# tell, something where there is a filter called good.
declare -gA CHANGING=(
	[Add]="bad {'ip':['192.0.2.9'],'total':['1']}"
	[Set]="good {'total':['2M']}"
	[Switch]="['good'] false"
	[Reset]="['good']"
	[ResetMember]="good 192.0.2.1"
	[Remove]="['good']"
	[Apply]="[('bad',{'ip':['192.0.2.9']})] true false"
	[Reload]=''
) READING=(
	[List]="'' 0"
	[Get]='good'
	[Members]="each {}"
	[Doctor]=''
	[Unattributed]=''
	[History]="good hour 0 0 0"
	[Apps]="hour 0 0 0"
	[Sockets]='0'
	[Trouble]=''
)

in_contract() { # method|property Manager|Filter
	sed -n "/<interface name=\"$NAME.$2\">/,/<\/interface>/s/.*<$1 name=\"\([^\"]*\)\".*/\1/p" \
		"$CONTRACT"
}

# Every changing method is refused, by this error and with these words.
assert_changes_refused() { # WHO BUS [WORDS]
	local method status words=${3-org.netfil.manage}
	netfil list --json >"$TMP/before"
	for method in "${!CHANGING[@]}"; do
		status=0
		# shellcheck disable=SC2086 # words
		call "$1" "$2" $MANAGER "$NAME.Manager.$method" ${CHANGING[$method]} >"$TMP/answer" 2>&1 ||
			status=$?
		assert_equal "status of $1 $method ($2)" "$status" 1
		[[ $(cat "$TMP/answer") == *"org.netfil.Error.Denied: "*"$words"* ]] ||
			fail "$1 $method ($2) was not refused as it should be: $(cat "$TMP/answer")"
	done
	netfil list --json >"$TMP/after"
	diff "$TMP/before" "$TMP/after"
}
