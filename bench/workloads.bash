# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What script/bench measures of each variant. Each prints a JSON object of numbers. The sender
# is on one CPU, the peer on another; the peers' servers run all the time.

IPERF_PORT=5201
SOCKPERF_PORT=11111
SIZE=64         # bytes of a datagram's payload
SPREAD=1000     # addresses, in turn
RR_SIZE=64      # of a request, and of its answer

WORKLOADS=(tcp udp spread rr connect programs)

choose_cpus() {
	local -a cpus
	mapfile -t cpus < <(taskset -pc $$ | sed 's/.*: //' | tr , '\n' |
		awk -F - '{ for (i = $1; i <= ($2 == "" ? $1 : $2); i++) print i }')
	SENDER_CPU=${cpus[0]}
	PEER_CPU=${cpus[1]-${cpus[0]}}
}

start_servers() {
	start sink in_ns b taskset -c "$PEER_CPU" "$LOAD" serve $TARGET "$PORT"
	start iperf in_ns b taskset -c "$PEER_CPU" iperf3 --server --bind $TARGET --port $IPERF_PORT
	start sockperf in_ns b taskset -c "$PEER_CPU" sockperf server --tcp --ip $TARGET \
		--port $SOCKPERF_PORT
	wait_until serves "$PORT"
	wait_until serves $IPERF_PORT
	wait_until serves $SOCKPERF_PORT
}

serves() { # PORT
	[[ -n $(in_ns b ss -Htln "sport = :$1") ]]
}

sender() { # COMMAND...
	in_cgroup taskset -c "$SENDER_CPU" timeout --signal KILL 30 "$@"
}

# iperf3 and sockperf take whole seconds alone.
whole_seconds() {
	awk -v seconds="$TIME" 'BEGIN { print seconds < 1 ? 1 : int(seconds + 0.5) }'
}

measure_tcp() {
	sender iperf3 --client $TARGET --port $IPERF_PORT --time "$(whole_seconds)" --json \
		>"$TMP/iperf.json"
	jq -c '.end | {rate: .sum_received.bits_per_second, retransmits: .sum_sent.retransmits,
		sender_cpu_percent: .cpu_utilization_percent.host_total}' "$TMP/iperf.json"
}

measure_udp() {
	sender "$LOAD" datagrams $TARGET "$PORT" "$TIME" $SIZE
}

measure_spread() {
	sender "$LOAD" spread 198.18.0.0 "$PORT" "$TIME" $SIZE $SPREAD
}

measure_connect() {
	sender "$LOAD" connections $TARGET "$PORT" "$TIME"
}

# sockperf tells the half of a round trip.
measure_rr() {
	sender sockperf ping-pong --tcp --ip $TARGET --port $SOCKPERF_PORT --msg-size $RR_SIZE \
		--time "$(whole_seconds)" >"$TMP/sockperf.out" 2>&1
	awk '
		/avg-latency=/ { sub(/.*avg-latency=/, ""); sub(/ .*/, ""); average = 2 * $0 }
		/---> percentile 50.000/ { middle = 2 * $NF }
		/---> percentile 99.000/ { late = 2 * $NF }
		END {
			if (!average)
				exit 1
			printf "{\"rate\": %.1f, \"round_trip_us\": %.3f, \"median_us\": %.3f, \"p99_us\": %.3f}\n",
				1e6 / average, average, middle, late
		}' "$TMP/sockperf.out"
}

# What the kernel itself says of the programs' time, for a short while: it costs.
measure_programs() {
	local count before after
	count=$(attached_programs | wc -l)
	((count)) || return 0
	sysctl -qw kernel.bpf_stats_enabled=1
	before=$(program_times)
	measure_udp >"$TMP/load.json"
	after=$(program_times)
	sysctl -qw "kernel.bpf_stats_enabled=$STATS_BEFORE"
	jq -cn --argjson before "$before" --argjson after "$after" --slurpfile load "$TMP/load.json" '
		[$after[] as $a | $before[] | select(.id == $a.id)
			| {name, runs: ($a.runs - .runs), ns: ($a.ns - .ns)} | select(.runs > 0)]
		| {ns: (map(.ns) | add / $load[0].count), runs: (map(.runs) | add / $load[0].count),
			programs: map({(.name): {ns: (.ns / .runs), runs: (.runs / $load[0].count)}}) | add}'
}

# Their ids: those of the control group, and what netfild holds.
attached_programs() {
	{
		bpftool cgroup show "$CGROUP/inside" -j | jq -r '.[]?.id'
		[[ -z ${PIDS[daemon]-} || ! -e /proc/${PIDS[daemon]} ]] ||
			sed -n 's/^prog_id:[[:space:]]*//p' "/proc/${PIDS[daemon]}"/fdinfo/* 2>/dev/null
	} | sort -un
}

program_times() {
	bpftool prog show -j | jq -c --arg ids "$(attached_programs | tr '\n' ' ')" '
		($ids | split(" ") | map(select(. != "") | tonumber)) as $ids
		| [.[] | select(.id | IN($ids[])) | {id, name, ns: (.run_time_ns // 0), runs: (.run_cnt // 0)}]'
}
