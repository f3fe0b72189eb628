# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# A system bus and a polkit of the test's own: the real dbus-daemon, under the system's
# policy and netfil's, and the real polkitd, with the actions of this tree.

export DBUS_SYSTEM_BUS_ADDRESS

NAME=org.netfil.Netfil1
USER_ID=65534 # who is nobody special
DATA=$REPOSITORY/data/bus

make_bus() {
	DBUS_SYSTEM_BUS_ADDRESS=unix:path=$TMP/system-bus
	mkdir -p "$TMP/services" "$TMP/rules" "$TMP/actions"
	cp "$DATA/org.netfil.policy" "$TMP/actions/"
	chmod 755 "$TMP" "${TMP%/*}" "${TMP%/*/*}"
	bus_configuration >"$TMP/bus.conf"
	start_bus
}

# The system's own, but for where it listens and what it starts.
bus_configuration() {
	sed -e '/<!--.*-->/d; /<!--/,/-->/d' \
		-e '\#<user>#d; \#<fork/>#d; \#<pidfile>#d; \#<syslog/>#d; \#<servicehelper>#d' \
		-e "s#<standard_system_servicedirs/>#<servicedir>$TMP/services</servicedir>#" \
		-e "s#<listen>.*</listen>#<listen>unix:path=$TMP/system-bus</listen>#" \
		-e "s#<includedir>.*system.d</includedir>##" \
		-e "s#</busconfig>#<include>$DATA/$NAME.conf</include>\n\
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
		mount --bind "$0/actions" /usr/share/polkit-1/actions
		mount --bind "$0/rules" /etc/polkit-1/rules.d
		exec /usr/lib/polkit-1/polkitd' "$TMP"
	await_name org.freedesktop.PolicyKit1
}

stop_polkit() {
	kill -KILL "${PIDS[polkit]}"
	finish polkit || true
}

await_name() { # BUS-NAME
	in_ns a gdbus wait --system --timeout "$PATIENCE" "$1"
}

# A rule for polkit, in force when polkitd starts: ACTION-PREFIX, and no, yes or auth_admin.
rule() {
	cat >"$TMP/rules/10-test.rules" <<-END
		polkit.addRule(function(action, subject) {
			if (action.id.indexOf("$1") == 0)
				return polkit.Result.${2^^};
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

as_root() { # COMMAND...
	in_ns a "$@"
}

# A call of the manager, with busctl's idea of arguments.
call() { # METHOD [SIGNATURE ARGUMENT...]
	busctl --system call $NAME /org/netfil/Netfil1 $NAME.Manager "$@"
}
export -f call
export NAME
