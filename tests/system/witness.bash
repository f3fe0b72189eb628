# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The independent witness: nftables counters in the peer's namespace.

# out: what reaches the peer, at its device, single frames as the wire has them;
# resets apart. in: what the peer sends (single segments if its offload is off).
# Bytes are those of the IP packet. Neighbour discovery, group reports and errors are
# no flow's. Every frame, of whatever kind: frames_out (without link headers) and
# frames_in (with them: a device's own tx counter lags and forgets them); those that `traffic
# packet-send` makes: experimental.
make_witness() { # [LETTER DEVICE [ADDRESS4 ADDRESS6]]: who looks where at whom
	local letter=${1:-b} device=${2:-net0} address4=${3:-$A4} address6=${4:-$A6}
	in_ns "$letter" nft -f - <<-END
		table netdev witness
		delete table netdev witness
		table inet witness
		delete table inet witness
		table netdev witness {
			counter out { }
			counter resets { }
			counter frames_out { }
			counter frames_in { }
			counter experimental { }
			chain arriving {
				type filter hook ingress device $device priority 0
				counter name frames_out
				ether type 0x88b5 counter name experimental
				ip saddr $address4 jump count
				ip6 saddr $address6 jump count
			}
			chain departing {
				type filter hook egress device $device priority 0
				counter name frames_in
			}
			chain count {
				ip protocol igmp return
				icmp type != { echo-request, echo-reply } return
				icmpv6 type != { echo-request, echo-reply } return
				tcp flags & rst == rst counter name resets return
				counter name out
			}
		}
		table inet witness {
			counter in { }
			counter resets_in { }
			chain leaving {
				type filter hook postrouting priority 0
				ip daddr $address4 jump count
				ip6 daddr $address6 jump count
				ip daddr 224.0.0.0/4 udp dport $PORT counter name in
				ip6 daddr ff00::/8 udp dport $PORT counter name in
			}
			chain count {
				icmp type != { echo-request, echo-reply } return
				icmpv6 type != { echo-request, echo-reply } return
				tcp flags & rst == rst counter name resets_in return
				counter name in
			}
		}
	END
}

# From 0: the kernel's group reports may be late on a slow machine, and precede the filters.
reset_witness() {
	in_ns b nft reset counters >/dev/null
}

# Bytes, or packets where asked for.
witness() { # out|in|total|resets|resets_in|frames_out|experimental [packets|bytes]
	local family=netdev
	case $1 in
	total)
		echo $(($(witness out "${2-}") + $(witness in "${2-}")))
		return
		;;
	in | resets_in) family=inet ;;
	esac
	in_ns "${WITNESS_NS:-b}" nft list counter "$family" witness "$1" |
		sed -n "s/.*${2:-bytes} \([0-9]*\).*/\1/p"
}

# Offload on: a capture at the peer, begun before the traffic and reckoned after it.
start_capture() {
	start capture in_ns b tcpdump --immediate-mode -i net0 -s 128 -B 32768 -U -w "$TMP/capture.pcap" tcp or udp
	wait_until grep -q 'listening on' "$TMP/capture.err"
}

# A last datagram each way (outside of the cgroup) shows that the capture has all.
stop_capture() {
	in_ns a "$TRAFFIC" udp-send "$B4" 9 1 9 >"$TMP/marks.out"
	in_ns b "$TRAFFIC" udp-send "$A4" 9 1 9 >>"$TMP/marks.out"
	wait_until marks_captured
	kill -INT "${PIDS[capture]}"
	finish capture
	grep -q '^0 packets dropped by kernel' "$TMP/capture.err" || fail "the capture has gaps"
}

marks_captured() {
	(($(tcpdump -n -r "$TMP/capture.pcap" 'udp dst port 9' 2>"$TMP/marks.err" | wc -l) == 2))
}

# Bytes on the wire from the capped side (out) or to it (in), as the capture tells.
reckoned() { # out|in 4|6 [UDP-SEGMENT]
	local from marks
	from=$([[ $1 == out ]] && side=A || side=B; name=$side$2; echo "${!name}")
	marks=$([[ $2 == 4 ]] && echo $((20 + 8 + 9)) || echo 0)
	"$BUILD/tests/system/pcap-bytes" "$TMP/capture.pcap" "$from" ${3+"$3"} |
		sed -n "s/bytes=\([0-9]*\).*/\1/p" | awk -v marks="$marks" '{ print $1 - marks }'
}

# Until every connection of either side has ended for good.
wait_closed() {
	wait_until connections_closed
}

connections_closed() {
	local letter
	for letter in a b; do
		[[ -z $(in_ns $letter ss -Htan state established state syn-sent state syn-recv \
			state fin-wait-1 state close-wait state last-ack state closing) ]] || return 1
	done
}
