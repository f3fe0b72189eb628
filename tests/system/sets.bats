# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Large lists of prefixes, and lists that change under traffic.

load lib
load many

setup() {
	make_world
	start_daemon
}

# A list of COUNT different prefixes, /24, /28 and /32 in turn, far from sorted; and the peer.
write_list() { # COUNT FACTOR (odd)
	awk -v count="$1" -v factor="$2" -v peer="$B4" 'BEGIN {
		print peer
		for (i = 1; count > 1; i++) {
			block = i * factor % 16777216
			first = int(block / 65536)
			if (first == 10 || first == 127)
				continue
			printf "%d.%d.%d.", first, block / 256 % 256, block % 256
			print i % 3 == 0 ? "0/24" : i % 3 == 1 ? i % 16 * 16 "/28" : i % 256
			count--
		}
	}'
}

list_of() { # NAME JQ-EXPRESSION
	show "$1" ".lists[0]$2"
}

has_prefixes() { # NAME COUNT
	[[ $(list_of "$1" .prefixes) == "$2" ]]
}

has_problem() { # NAME WORDS
	[[ $(list_of "$1" .problem) == *"$2"* ]]
}

peak_kilobytes() {
	awk '/VmHWM/ { print $2 }' "/proc/${PIDS[daemon]}/status"
}

# To an address that all lists have: a connection, whose verdict is kept, and datagrams.
start_both() {
	offload software
	start_load
	start_datagrams datagrams 5000000
}

end_both() {
	kill -KILL "${PIDS[datagrams]}"
	finish datagrams || true
	end_load
}

@test "a list is replaced 20 times under traffic, by set, and no byte is missed or counted twice" {
	write_list 20000 1640531 >"$TMP/even"
	write_list 20000 10498333 >"$TMP/odd"
	netfil add list --ip-file "$TMP/even"
	netfil add lists --ip-file "$TMP/even" --ip-file "$TMP/odd" --ip "${B4%.*}.0/24"
	start_both
	for i in {1..10}; do
		netfil set list --ip-file "$TMP/odd"
		netfil set list --ip-file "$TMP/even"
		under_load
	done
	end_both
	assert_exact list out
	assert_exact lists out
	assert_equal prefixes "$(list_of list .prefixes)" 20000
	netfil set list --ip 192.0.2.1 --ip-file ''
	assert_equal lists "$(show list '.lists | length')" 0
}

# bats test_tags=kernels
@test "a list's file is replaced 6 times under traffic, and no byte is missed or counted twice" {
	write_list 2000 1640531 >"$TMP/even"
	write_list 2001 10498333 >"$TMP/odd"
	cp "$TMP/even" "$TMP/list"
	netfil add list --ip-file "$TMP/list"
	start_both
	for i in {1..3}; do
		cp "$TMP/odd" "$TMP/new"
		mv "$TMP/new" "$TMP/list"
		wait_until has_prefixes list 2001
		cat "$TMP/even" >"$TMP/list"
		wait_until has_prefixes list 2000
	done
	end_both
	assert_exact list out
}

@test "a new version with a mistake, or none at all, leaves the old one in force and is told" {
	echo "$B4" >"$TMP/list"
	netfil add list --ip-file "$TMP/list"
	assert_equal problem "$(list_of list .problem)" null
	printf '%s\n' "$B4" 192.0.2.1 192.0.2.300 >"$TMP/list"
	wait_until has_problem list "list:3:"
	assert_equal prefixes "$(list_of list .prefixes)" 1
	netfil show list >"$TMP/shown"
	cat "$TMP/shown"
	grep -q "its present version is not: $TMP/list:3: \"192.0.2.300\"" "$TMP/shown"
	grep -q "the new version of $TMP/list is not in force: .*list:3" "$TMP/daemon.err"
	rm "$TMP/list"
	wait_until has_problem list "no such file"
	move 10000
	wait_until_equal list out
	assert_equal used "$(used list out)" 10000
	printf '%s\n' 192.0.2.1 192.0.2.0/24 192.0.2.1 >"$TMP/list"
	wait_until has_prefixes list 2
	assert_equal problem "$(list_of list .problem)" null
	move 10000
	assert_equal used "$(used list out)" 10000
}

@test "a list that comes, or becomes right, while a filter waits for it" {
	echo "$B4" >"$TMP/list"
	netfil add list --ip-file "$TMP/list"
	kill_daemon
	echo nonsense >"$TMP/list"
	start_daemon
	assert_equal state "$(state list)" waiting
	wait_until has_problem list "list:1:"
	echo "$B4" >"$TMP/list"
	wait_until is_state list on
	move 10000
	assert_equal used "$(used list out)" 10000
}

# Takes long
@test "1,000,000 prefixes: netfild stays small, list fast, and a swap misses no byte" {
	write_list 1000000 1640531 >"$TMP/even"
	write_list 1000000 10498333 >"$TMP/odd"
	netfil add other --ip 192.0.2.1 --total 1G
	(netfil add big --ip-file "$TMP/even" && touch "$TMP/added") &
	while [[ ! -e $TMP/added ]]; do
		run_once netfil list
		[[ -e $TMP/added ]] || meanwhile=$((${meanwhile-0} + 1))
		((WALL <= ${longest-0})) || longest=$WALL
		WALL=
	done
	echo "# while it is loaded, list is answered $meanwhile times, within $((longest / 1000)) ms" >&3
	assert_equal prefixes "$(list_of big .prefixes)" 1000000
	assert_between "bytes each" "$(list_of big .bytes_per_prefix)" 72 144
	netfil show big | grep -q ": 1,000,000 prefixes in force, 1[0-9][0-9] MB in the kernel"
	start_both
	netfil set big --ip-file "$TMP/odd"
	under_load
	netfil set big --ip-file "$TMP/even"
	end_both
	assert_exact big out
	assert_within 100 30 netfil list
	echo "# peak: $(peak_kilobytes) kB" >&3
	[[ -n ${NETFIL_SANITIZE-} ]] || assert_between "peak in kB" "$(peak_kilobytes)" 1 200000
	kill_daemon
	start_daemon
	assert_equal prefixes "$(list_of big .prefixes)" 1000000
	move 10000
	assert_exact big out
	[[ -n ${NETFIL_SANITIZE-} ]] || assert_between "peak in kB" "$(peak_kilobytes)" 1 200000
	netfil rm big
	assert_equal left "$(netfil list --json | jq length)" 1
}
