# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# 1,000 filters: what commands may cost, and what netfild may hold.

load lib
load many

setup() {
	make_world
	start_daemon
}

remove_all() {
	: >"$TMP/none.conf"
	netfil apply --prune "$TMP/none.conf"
	assert_equal "left over" "$(netfil list --json | jq length)" 0
}

told() { # SIGN COUNT
	assert_equal "lines with $1" "$(grep -c "^$1 f" "$TMP/many.told")" "$2"
}

resident_kilobytes() {
	awk '/VmRSS/ { print $2 }' "/proc/${PIDS[daemon]}/status"
}

# Sanitizers keep what was freed.
is_small() {
	[[ -n ${NETFIL_SANITIZE-} ]] || (($(resident_kilobytes) < 40000))
}

@test "1,000 filters of all kinds are applied and listed at a machine's pace" {
	start_processes 200
	write_filters mix 1000 1G >"$TMP/one.conf"
	write_filters mix 1000 2G >"$TMP/two.conf"
	BEFORE=remove_all assert_within 1000 5 netfil apply "$TMP/one.conf"
	told + 1000
	assert_within 1000 5 netfil apply "$TMP/one.conf"
	assert_equal "with nothing to do" "$(cat "$TMP/many.told")" ""
	BEFORE="netfil apply $TMP/one.conf" assert_within 1000 5 netfil apply "$TMP/two.conf"
	told '~' 1000
	assert_within 100 30 netfil list
	assert_equal lines "$(wc -l <"$TMP/many.told")" 1000
	assert_within 100 30 netfil metrics
	assert_equal samples "$(grep -c '^netfil_filter_used_bytes{.*direction="in"' "$TMP/many.told")" 1000
	netfil list >"$TMP/many.told"
	assert_equal "that wait" "$(grep -c waiting "$TMP/many.told")" 400
	netfil export "$TMP/exported"
	# shellcheck disable=SC2046 # a word a name
	BEFORE="netfil apply $TMP/exported" assert_within 1000 5 netfil rm $(names 1000)
	netfil apply "$TMP/exported" >"$TMP/told"
	netfil export | diff "$TMP/exported" -
	# What was long is given back soon.
	wait_until is_small
	netfil reload
	wait_until is_small
	echo "# resident: $(resident_kilobytes) kB" >&3
}

@test "1,000 filters: who watches hears of a change at once" {
	local limit least="" i from took
	limit=$(($(limit_of 100) / 1000))
	write_filters ip 1000 1G >"$TMP/one.conf"
	netfil apply "$TMP/one.conf" >"$TMP/told"
	start watch in_ns a netfil watch --json f0500
	wait_until grep -q f0500 "$TMP/watch.out"
	for ((i = 0; i < 10 && ${least:-limit} >= limit; i++)); do
		from=${EPOCHREALTIME/./}
		netfil set f0500 --total "$((5000 + i))"
		wait_until grep -q "\"total\":$((5000 + i))" "$TMP/watch.out"
		took=$(((${EPOCHREALTIME/./} - from) / 1000))
		least least "$took"
	done
	echo "# heard after $least ms, of $limit" >&3
	((least < limit)) || fail "it takes $least ms"
}

@test "all or none are switched, reset and removed" {
	netfil add one --ip "$B4" --total 1G
	netfil add two --ip "$B4" --total 1G
	move 10000
	for verb in off reset rm; do
		fails netfil "$verb" one none two 2>"$TMP/err"
		grep -q "'none'" "$TMP/err"
	done
	assert_equal "of one" "$(show one '[.state, .used.out] | @csv')" '"on",10000'
	netfil off one two one
	assert_equal states "$(netfil list --json | jq -r 'map(.state) | @csv')" '"off","off"'
	netfil on one two
	move 10000
	netfil reset two one
	assert_equal used "$(netfil list --json | jq -r 'map(.used.total) | @csv')" 0,0
	netfil rm two one
	assert_equal left "$(netfil list --json | jq length)" 0
}
