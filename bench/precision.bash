# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# How well a cap of CAP bytes is kept, by netfil and its peers: the same senders against each,
# watched by an nftables counter and a capture where the peer's device takes packets in. Single
# segments cross the wire there, while the capped side's stack makes large packets.

CAP=10000000
DATAGRAM=1400  # bytes of payload
QUIET_tcp=2500 # ms without a packet after which it is over: TCP tries again sooner
QUIET_udp=1000
LONGEST=20     # seconds
MTU=1500

PRECISION=(netfil netfil-drop netfil-each nft iptables poller-immediate poller)

describe_precision() { # PEER
	case $1 in
	netfil) echo 'netfil (reject)' ;;
	netfil-drop) echo 'netfil (drop)' ;;
	netfil-each) echo 'netfil, a member' ;;
	nft) echo 'nftables quota' ;;
	iptables) echo 'iptables quota' ;;
	poller-immediate) echo 'poller, each packet at once' ;;
	poller) echo 'poller, buffered for up to a second' ;;
	esac
}

set_cap() { # PEER
	CAPPED=()
	case $1 in
	netfil | netfil-drop)
		start_daemon
		netfil add cap --ip $TARGET --out $CAP \
			--on-limit "$([[ $1 == netfil ]] && echo reject || echo drop)" >/dev/null
		;;
	netfil-each)
		start_daemon
		netfil add cap --ip $RANGE --each --out $CAP --max-members 100 >/dev/null
		;;
	nft)
		in_ns a nft -f - <<-END
			table ip bench {
				quota cap { over $CAP bytes; }
				chain out {
					type filter hook output priority 0
					ip daddr $TARGET quota name "cap" drop
				}
			}
		END
		;;
	iptables)
		in_ns a iptables-nft-restore <<-END
			*filter
			-A OUTPUT -d $TARGET -m quota ! --quota $CAP -j DROP
			COMMIT
		END
		;;
	poller) CAPPED=("$BUILD/bench/bench-poller" --out net0 "$CAP") ;;
	poller-immediate) CAPPED=("$BUILD/bench/bench-poller" --immediate --out net0 "$CAP") ;;
	esac
}

lift_cap() { # PEER
	case $1 in
	netfil*) end_netfil ;;
	nft | iptables) in_ns a nft flush ruleset ;;
	esac
	wait_until is_bare
}

start_tcp() {
	start server peer tcp-serve $TARGET "$PORT" 0
	ready server
	start sender in_cgroup "${CAPPED[@]}" "$TRAFFIC" tcp-send $TARGET "$PORT" 100000000000
}

start_udp() {
	start sender in_cgroup "${CAPPED[@]}" "$TRAFFIC" --method sendto udp-send $TARGET 9 \
		1000000000 $DATAGRAM
}

# Until nothing more comes.
wait_silent() { # tcp|udp
	local quiet=QUIET_$1 now before='' since=${EPOCHREALTIME/./} begin=${EPOCHREALTIME/./}
	while ((${EPOCHREALTIME/./} - begin < LONGEST * 1000000)); do
		now=$(witness frames_out)
		[[ $now == "$before" ]] || since=${EPOCHREALTIME/./}
		before=$now
		((${EPOCHREALTIME/./} - since < ${!quiet} * 1000)) || return 0
		sleep 0.1
	done
}

# The sender, and what else it started, are all that is inside. A connection that outlives it
# would go on in the next run.
end_traffic() {
	local name
	echo 1 >"$CGROUP/inside/cgroup.kill"
	for name in sender server; do
		[[ -n ${PIDS[$name]-} ]] || continue
		kill -KILL "${PIDS[$name]}" 2>/dev/null || true
		finish "$name" 2>/dev/null || true
		unset "PIDS[$name]"
	done
	wait_until connections_ended
}

connections_ended() {
	in_ns a ss -HtnK state all "( dport = :$PORT )" >/dev/null
	[[ -z $(in_ns a ss -Htn state all "( dport = :$PORT )") ]]
}

start_watching() {
	rm -f "$TMP/capture.pcap"
	start capture in_ns b tcpdump --immediate-mode -i net0 -s 96 -B 131072 -w "$TMP/capture.pcap" \
		"src host $A4"
	wait_until grep -q 'listening on' "$TMP/capture.err"
}

stop_watching() {
	kill -INT "${PIDS[capture]}"
	finish capture
}

# Datagrams that queues between the two sides lost were admitted, and not seen.
dropped_between() {
	in_ns a ip -j -s link show net0 | jq '.[0].stats64.tx.dropped'
}

precision() { # PEER tcp|udp
	local seen gaps lost
	set_cap "$1"
	reset_witness
	start_watching
	lost=$(dropped_between)
	"start_$2"
	wait_silent "$2"
	seen=$(witness out)
	lost=$(($(dropped_between) - lost))
	stop_watching
	gaps=$(sed -n 's/ packets* dropped by kernel.*//p' "$TMP/capture.err")
	end_traffic
	lift_cap "$1"
	"$BUILD/bench/bench-stop" "$TMP/capture.pcap" "$A4" $CAP >"$TMP/stop.json"
	jq -cn --arg peer "$1" --arg name "$(describe_precision "$1")" --arg traffic "$2" \
		--argjson cap $CAP --argjson seen "$seen" --argjson lost "$lost" \
		--argjson gaps "${gaps:-0}" --slurpfile stop "$TMP/stop.json" '
		{peer: $peer, name: $name, traffic: $traffic, cap: $cap, seen: $seen,
		 over: ([$seen - $cap, 0] | max), unused: ([$cap - $seen, 0] | max),
		 stop_ms: (if $stop[0].bytes == $seen then $stop[0].stop_ms else null end),
		 captured: $stop[0].bytes, capture_gaps: $gaps, resets: $stop[0].resets,
		 lost_between: $lost}'
}

# What netfil promises: never over, and less than a segment short.
check_precision() { # FILE
	local broken
	broken=$(jq -r --argjson mtu $MTU '.precision[] | select((.peer | startswith("netfil"))
		and (.over > 0 or .unused >= $mtu)) | "\(.name), \(.traffic): \(.over) over, \(.unused) unused"' "$1")
	[[ -z $broken ]] || die 1 "netfil did not keep its cap: ${broken//$'\n'/; }"
}

run_precision() {
	local round peer traffic reason
	offload software
	make_witness
	for ((round = 1; round <= PRECISION_ROUNDS; round++)); do
		for peer in "${PRECISION[@]}"; do
			reason=$([[ $peer != netfil-each ]] || why_not netfil-each-1)
			if [[ -n $reason ]]; then
				((round > 1)) || skip "precision: $(describe_precision "$peer")" "$reason"
				continue
			fi
			for traffic in tcp udp; do
				progress "precision, round $round of $PRECISION_ROUNDS: $peer, $traffic"
				precision "$peer" $traffic >>"$DATA/precision"
			done
		done
	done
	in_ns b nft flush ruleset
	offload on
}
