# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What script/bench compares: each variant is set up, measured, and taken away again.
#
# All traffic goes from 198.19.255.253 to TARGET, 198.19.255.254; the rest of 198.18.0.0/15
# (a range for benchmarks) is the peer's, too. Of a variant with N filters, rules or
# elements the last one is TARGET's, and the others are of the range's first addresses. Each
# counts both directions together, against a cap that is never reached.

RANGE=198.18.0.0/15
TARGET=198.19.255.254
MUCH_MB=1000000

VARIANTS=(nothing nothing-again empty netfil-1 netfil-100 netfil-1000 netfil-no-apps-1
	netfil-no-apps-1000 netfil-each-10000 netfil-each-100000 nft-rules-1 nft-rules-10
	nft-rules-100 nft-rules-1000 nft-rules-10000 nft-map-1 nft-map-100 nft-map-10000
	nft-map-100000 iptables-1 iptables-100 poller)

describe() { # VARIANT
	local count=${1##*-}
	case $1 in
	nothing) echo 'nothing' ;;
	nothing-again) echo 'nothing, once more (A/A)' ;;
	empty) echo 'empty BPF programs, in and out' ;;
	netfil-each-*) echo "netfil, a filter of $count members" ;;
	netfil-no-apps-*) echo "netfil, filters: $count, apps=no" ;;
	netfil-*) echo "netfil, filters: $count" ;;
	nft-rules-*) echo "nftables, quota rules: $count" ;;
	nft-map-*) echo "nftables, a map of quotas: $count" ;;
	iptables-*) echo "iptables, quota rules: $count" ;;
	poller) echo 'a poller in user space' ;;
	esac
}

# The range's address number I, and the last of COUNT.
address_of() { # I COUNT
	if (($1 == $2 - 1)); then
		echo $TARGET
	else
		echo "198.$((18 + ($1 >> 16))).$(($1 >> 8 & 255)).$(($1 & 255))"
	fi
}

addresses() { # COUNT
	awk -v count="$1" -v target=$TARGET 'BEGIN {
		for (i = 0; i < count - 1; i++)
			printf "198.%d.%d.%d\n", 18 + int(i / 65536), int(i / 256) % 256, i % 256
		print target
	}'
}

netfil_file() { # COUNT
	addresses "$1" | awk -v much="${MUCH_MB}M" '{
		printf "[f%06d]\nip = %s/32\ntotal = %s\n", NR, $1, much }'
}

nft_rules() { # COUNT
	addresses "$1" | awk -v much=$MUCH_MB '
		{
			quotas = quotas sprintf("quota q%d { over %d mbytes; }\n", NR, much)
			out = out sprintf("ip daddr %s quota name \"q%d\" drop\n", $1, NR)
			into = into sprintf("ip saddr %s quota name \"q%d\" drop\n", $1, NR)
		}
		END {
			print "table ip bench {"
			print quotas
			printf "chain out {\ntype filter hook output priority 0\n%s}\n", out
			printf "chain into {\ntype filter hook input priority 0\n%s}\n}\n", into
		}'
}

nft_map() { # COUNT
	addresses "$1" | awk -v much=$MUCH_MB '
		BEGIN { print "table ip bench {" }
		{ printf "quota q%d { over %d mbytes; }\n", NR, much; elements[NR] = $1 }
		END {
			printf "map caps {\ntype ipv4_addr : quota\nelements = {\n"
			for (i = 1; i <= NR; i++)
				printf "%s : \"q%d\"%s\n", elements[i], i, i < NR ? "," : ""
			print "}\n}"
			print "chain out {\ntype filter hook output priority 0"
			print "quota name ip daddr map @caps drop\n}"
			print "chain into {\ntype filter hook input priority 0"
			print "quota name ip saddr map @caps drop\n}\n}"
		}'
}

# One quota for both directions, in a chain of its own.
iptables_file() { # COUNT
	addresses "$1" | awk -v much=$MUCH_MB '
		BEGIN { print "*filter" }
		{
			printf ":cap%d - [0:0]\n", NR
			rules = rules sprintf("-A OUTPUT -d %s -j cap%d\n", $1, NR)
			rules = rules sprintf("-A INPUT -s %s -j cap%d\n", $1, NR)
			rules = rules sprintf("-A cap%d -m quota ! --quota %d000000 -j DROP\n", NR, much)
		}
		END { printf "%sCOMMIT\n", rules }'
}

# What cannot be measured here, and why; nothing said if it can.
why_not() { # VARIANT
	case $1 in
	netfil-each-*)
		netfil add --help 2>&1 | grep -q -- --each || echo 'this netfil has no filters with --each'
		;;
	esac
}

# Filters of addresses, from a file.
apply_filters() { # VARIANT COUNT
	local file=$TMP/filters-$2
	[[ -e $file ]] || netfil_file "$2" >"$file"
	case $1 in
	netfil-no-apps-*) start_daemon --no-apps ;;
	*) start_daemon ;;
	esac
	netfil apply "$file" >/dev/null
}

# A member for each address that something was sent to.
add_each() { # COUNT
	start_daemon
	netfil add customers --ip $RANGE --each --total ${MUCH_MB}M --max-members "$1" >/dev/null
	in_cgroup "$LOAD" touch 198.18.0.0 9 $(($1 - 1)) >/dev/null
	in_cgroup "$LOAD" touch $TARGET 9 1 >/dev/null
}

attach_empty() {
	mkdir "$TMP/bpf/empty"
	bpftool prog loadall "$BUILD/bench/empty.bpf.o" "$TMP/bpf/empty"
	bpftool cgroup attach "$CGROUP/inside" egress pinned "$TMP/bpf/empty/empty" multi
	bpftool cgroup attach "$CGROUP/inside" ingress pinned "$TMP/bpf/empty/empty_in" multi
}

detach_empty() {
	bpftool cgroup detach "$CGROUP/inside" egress pinned "$TMP/bpf/empty/empty"
	bpftool cgroup detach "$CGROUP/inside" ingress pinned "$TMP/bpf/empty/empty_in"
	rm -r "$TMP/bpf/empty"
}

set_up() { # VARIANT
	local count=${1##*-} file=$TMP/rules-$1
	case $1 in
	nothing*) ;;
	empty) attach_empty ;;
	netfil-each-*) add_each "$count" ;;
	netfil-*) apply_filters "$1" "$count" ;;
	nft-rules-* | nft-map-*)
		[[ -e $file ]] || "$(tr - _ <<<"${1%-*}")" "$count" >"$file"
		in_ns a nft -f "$file"
		;;
	iptables-*)
		[[ -e $file ]] || iptables_file "$count" >"$file"
		in_ns a iptables-nft-restore "$file"
		;;
	poller)
		start poller in_ns a "$BUILD/bench/bench-poller" net0 0
		ready poller
		;;
	esac
}

take_down() { # VARIANT
	case $1 in
	empty) detach_empty ;;
	netfil-*) end_netfil ;;
	nft-* | iptables-*) in_ns a nft flush ruleset ;;
	poller)
		kill -TERM "${PIDS[poller]}"
		finish poller
		;;
	esac
	wait_until is_bare
}

# netfild, its caps, its programs and its ledger.
end_netfil() {
	stop_daemon
	in_ns a netfild --release >"$TMP/release.out" 2>&1 || fail "$(tail -n 1 "$TMP/release.out")"
	rm -rf "$NETFIL_STATE_DIR"
	mkdir "$NETFIL_STATE_DIR"
}

# Nothing is left that the next variant would be charged for.
is_bare() {
	[[ $(bpftool cgroup show "$CGROUP/inside" -j) =~ ^(\[\])?$ && -z $(in_ns a nft list ruleset) ]]
}
