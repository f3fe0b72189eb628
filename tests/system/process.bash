# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Processes inside and outside of the cap, and waiting for them.

# Turns this (sub)shell into COMMAND, in a cgroup and a namespace of this test.
# nsenter leaves the mounts alone, where `ip netns exec` would hide /sys/fs/cgroup.
become() { # inside|outside LETTER COMMAND...
	echo "$BASHPID" >"$CGROUP/$1/cgroup.procs" || exit 125
	exec nsenter --net="/run/netns/nf-$ID-$2" -- "${@:3}" 3>&-
}

# For a command in a PID namespace of its own. LeakSanitizer stops threads by the numbers that
# /proc shows, which are other ones there, and would take what they hold for lost.
# shellcheck disable=SC2034 # of tests
NEW_PIDS="env ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0 unshare --pid --fork"

in_ns() { # LETTER COMMAND...
	(become outside "$@")
}

in_cgroup() { # COMMAND...
	(become inside a "$@")
}

# The capped side's traffic tool, and the peer's.
capped() {
	in_cgroup "$TRAFFIC" "$@"
}

peer() {
	in_ns b "$TRAFFIC" "$@"
}

declare -gA PIDS=() READY_FDS=()
declare -ga UNDER=()

# Starts in_cgroup, in_ns, capped or peer with what follows in the background as
# NAME: its words go to $TMP/NAME.out and .err, ${PIDS[NAME]} is the command's own
# pid, `ready NAME` waits until it says so, `finish NAME` for its end.
start() { # NAME in_cgroup|in_ns|capped|peer ...
	local name=$1 how=$2 fd
	shift 2
	case $how in
	in_cgroup) set -- inside a "$@" ;;
	in_ns) set -- outside "$@" ;;
	capped) set -- inside a "$TRAFFIC" "$@" ;;
	peer) set -- outside b "$TRAFFIC" "$@" ;;
	*) fail "start $name: $how is no way to start" ;;
	esac
	rm -f "$TMP/$name.ready"
	mkfifo -m 666 "$TMP/$name.ready" # some run as other users
	exec {fd}<>"$TMP/$name.ready"
	READY_FDS[$name]=$fd
	(TRAFFIC_READY=$TMP/$name.ready become "$@") {fd}>&- >"$TMP/$name.out" 2>"$TMP/$name.err" &
	PIDS[$name]=$!
}

# Leaves in READY_PID the pid of the process that spoke.
ready() { # NAME
	read -r -t "$PATIENCE" -u "${READY_FDS[$1]}" READY_PID ||
		fail "$1 is not ready: $(cat "$TMP/$1.out" "$TMP/$1.err")"
}

# Its exit status.
finish() { # NAME
	local fd=${READY_FDS[$1]} status=0
	wait "${PIDS[$1]}" || status=$?
	exec {fd}>&-
	return "$status"
}

is_running() { # NAME
	kill -0 "${PIDS[$1]}" 2>/dev/null
}

# A FIFO to give to `traffic --gate`; open_gate lets the waiting one through.
make_gate() { # NAME
	mkfifo "$TMP/$1.gate"
	printf '%s' "$TMP/$1.gate"
}

open_gate() { # NAME
	timeout "$PATIENCE" bash -c ": >$TMP/$1.gate" || fail "nobody waits at gate $1"
}

# What a finished traffic tool said: sent, received or error.
told() { # NAME KEY
	sed -n "s/.*\b$2=\([^ ]*\).*/\1/p" "$TMP/$1.out" | tail -n 1
}

# The peer serves one TCP connection (or CONNECTIONS) and is ready when this returns.
serve() { # [BYTES-TO-SEND [CONNECTIONS]] ; $AT: its address
	start server peer tcp-serve "${AT:-$B4}" "$PORT" "$@"
	ready server
}

netfil() {
	in_ns "$HOME_NS" netfil "$@"
}

# netfild, ready when this returns; as `finish daemon` knows it. UNDER: what runs it.
start_daemon() { # [ARGUMENTS]
	launch_daemon "$@"
	ready daemon
	[[ $READY_PID == ready ]] || fail "netfild: $READY_PID"
}

launch_daemon() { # [ARGUMENTS]
	start daemon in_ns "$HOME_NS" "${UNDER[@]}" \
		bash -c 'exec netfild --ready-fd 9 "$@" 9>"$TRAFFIC_READY"' netfild "$@"
}

kill_daemon() {
	kill -KILL "${PIDS[daemon]}"
	finish daemon || true
}

stop_daemon() {
	kill -TERM "${PIDS[daemon]}"
	finish daemon
}
