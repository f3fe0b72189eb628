# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Traffic that goes on while something else happens.

# Senders that go on until end_load, at a pace that no queue between the two sides
# overflows at: what is lost there netfil has counted, and the witness has not seen.
start_load() {
	serve 0 "${1:-1}"
	start load capped --rate 20000000 --parallel "${1:-1}" tcp-send "$B4" "$PORT" 1000000000000
	under_load
}

# More has gone by since the last look.
under_load() {
	local before
	before=$(witness out)
	wait_until eval "((\$(witness out) > $before + 100000))"
}

end_load() {
	in_ns a pgrep --full 'traffic.* tcp-send' | while read -r pid; do
		[[ $(cat "/proc/$pid/cgroup") != *"nf-$ID/"* ]] || kill -USR1 "$pid"
	done
	finish load
	finish server
}

# The same in datagrams: when their sender is killed nothing of it goes on.
start_datagrams() { # NAME [RATE]
	start "$1" capped --rate "${2:-20000000}" --method sendto udp-send "$B4" 9 1000000000 1400
}

# As many bytes of IP as asked for, in as many datagrams as it takes.
move() { # BYTES
	local full=$(($1 / 1428)) rest=$(($1 % 1428))
	if ((rest && rest < 28)); then # no datagram is that small
		full=$((full - 1)) rest=$((rest + 714))
		datagrams 1 714 || return 1
	fi
	((full <= 0)) || datagrams "$full" 1428 || return 1
	((!rest)) || datagrams 1 "$rest"
}

datagrams() { # COUNT SIZE-OF-PACKET
	capped --method sendto udp-send "$B4" 9 "$1" $(($2 - 28)) >"$TMP/datagrams.out" ||
		fail "datagrams: $(cat "$TMP/datagrams.out")"
}
