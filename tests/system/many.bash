# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Many filters, and what commands cost with them.

# Limits are ratios: milliseconds are those of a machine that does the work of pace_once(), which
# makes many small things as a list does, in so many microseconds of CPU time.
PACE=40000

pace_once() {
	jq -n '[range(100000) | tostring] | length'
}

# In microseconds on this machine, as it is now. Sanitizers take their time.
limit_of() { # MILLISECONDS
	local i pace
	for ((i = 0; i < 5; i++)); do
		least pace "$(cpu_of pace_once)"
	done
	((pace > PACE)) || pace=$PACE
	[[ -z ${NETFIL_SANITIZE-} ]] || pace=$((5 * pace))
	echo $(($1 * 1000 * pace / PACE))
}

# The best of RUNS, told on the side. Tests have neighbours: so where it is less than the wall
# time, CPU time counts, of netfil or netfild, whichever takes more. They work at the same time, as
# List has pages.
assert_within() { # MILLISECONDS RUNS COMMAND...
	local cost limit
	limit=$(limit_of "$1")
	ENOUGH=$limit best_of "${@:2}"
	cost=$((CLIENT > DAEMON ? CLIENT : DAEMON))
	cost=$((cost < WALL ? cost : WALL))
	echo "# ${*:3:2}: CPU $((CLIENT / 1000)) and $((DAEMON / 1000)) ms, wall $((WALL / 1000)) ms, of $((limit / 1000))" >&3
	((cost < limit)) || fail "${*:3:2}: $((cost / 1000)) ms, of $((limit / 1000))"
}

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
