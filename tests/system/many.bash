# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Many filters, and what commands cost with them.

# Sanitizers take their time.
# shellcheck disable=SC2034 # of tests
SLOWER=${NETFIL_SANITIZE:+5}
SLOWER=${SLOWER:-1}

# Processes that only wait, for filters to name: MANY_PIDS.
start_processes() { # COUNT
	# shellcheck disable=SC2016 # expanded there
	start many in_cgroup bash -c 'for ((i = 0; i < $0; i++)); do
		sleep infinity & echo $!
	done
	echo ready >"$TRAFFIC_READY"
	wait' "$1"
	ready many
	mapfile -t MANY_PIDS <"$TMP/many.out"
}

names() { # COUNT
	seq -f 'f%04.0f' 0 $(($1 - 1))
}

# A file for `netfil apply`. ip: a prefix each; pid: a process each, as far as there are; user:
# a user each; mix: these, control groups and units.
write_filters() { # ip|pid|user|mix COUNT TOTAL
	local i kind
	local -a mix=(ip pid user cgroup unit)
	for ((i = 0; i < $2; i++)); do
		kind=$1
		[[ $kind != mix ]] || kind=${mix[i % 5]}
		printf '[f%04d]\ntotal = %s\n' "$i" "$3"
		case $kind in
		ip) printf 'ip = 10.%d.%d.0/24\n' $((i / 250 + 100)) $((i % 250)) ;;
		pid) printf 'pid = %d\n' "${MANY_PIDS[i % ${#MANY_PIDS[@]}]}" ;;
		user) printf 'user = %d\n' $((i + 20000)) ;;
		cgroup) printf 'cgroup = %s/%d\n' "$INSIDE" "$i" ;;
		unit) printf 'unit = nf-%d.service\n' "$i" ;;
		esac
	done
}

# The least of COUNT runs, in microseconds: WALL, and CPU time of the command (CLIENT) and of
# netfild (DAEMON). What waits or works beside it only adds. BEFORE: what is done before each.
# ENOUGH: a run is the last if it takes less.
best_of() { # COUNT COMMAND...
	local count=$1 i
	shift
	WALL='' CLIENT='' DAEMON=''
	for ((i = 0; i < count; i++)); do
		[[ -z ${BEFORE-} ]] || $BEFORE >/dev/null
		run_once "$@"
		((WALL >= ${ENOUGH-0} && (CLIENT >= ${ENOUGH-0} || DAEMON >= ${ENOUGH-0}))) || break
	done
}

run_once() { # COMMAND...
	local both start end client
	both=$(cpu_of_both)
	start=${EPOCHREALTIME/./}
	client=$(cpu_of "$@")
	end=${EPOCHREALTIME/./}
	both=$(($(cpu_of_both) - both))
	least WALL $((end - start))
	least CLIENT "$client"
	least DAEMON $((both > client ? both - client : 0))
}

least() { # VARIABLE VALUE
	[[ -n ${!1} ]] && ((${!1} <= $2)) || printf -v "$1" %s "$2"
}

# User and system time; nsenter's, too.
cpu_of() { # COMMAND...
	local TIMEFORMAT='%3U %3S'
	{ time "$@" >"$TMP/many.told" 2>&1; } 2>&1 | awk '{ printf "%d", ($1 + $2) * 1000000 }'
}

# netfild's and netfil's, of which netfild's threads and netfil's end meanwhile.
cpu_of_both() {
	awk '$1 == "usage_usec" { print $2 }' "$CGROUP/outside/cpu.stat"
}
