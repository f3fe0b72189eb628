# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# netfil export and apply: a text file of filters, all of it or nothing.

load lib

setup() {
	make_world
	start_daemon
	reset_witness
}

write_file() { # LINES on standard input
	cat >"$TMP/filters.conf"
}

apply() { # OPTION...
	netfil apply "$@" "$TMP/filters.conf"
}

specs() {
	netfil list --json | jq -S 'map(del(.used, .refused, .resets))'
}

# The filters are as they were: settings, ids, and when their cycles began.
assert_untouched() { # COMMAND...
	specs >"$TMP/before"
	"$@"
	specs >"$TMP/after"
	diff "$TMP/before" "$TMP/after"
}

# FILE:LINE and parts of the messages, all there are; nothing changed.
refused() { # STATUS PART...
	local status=0 i lines
	local expected=$1
	shift
	specs >"$TMP/before"
	apply >"$TMP/out" 2>"$TMP/err" || status=$?
	assert_equal status "$status" "$expected"
	assert_equal output "$(cat "$TMP/out")" ""
	mapfile -t lines <"$TMP/err"
	assert_equal "mistakes: $(cat "$TMP/err")" "${#lines[@]}" $#
	for ((i = 0; i < $#; i++)); do
		[[ ${lines[i]} == "netfil: $TMP/filters.conf:"${*:i+1:1}* ]] || fail "${lines[i]}"
	done
	specs >"$TMP/after"
	diff "$TMP/before" "$TMP/after"
}

some_filters() {
	write_file <<-END
		# What the contract says.
		[hotspot]
		interface = wl* ; ww*
		total = 50G
		every = month@14
		warn = 80,95

		[tight]
		# Somebody's.
		ip=$B4;$B6
		out=1500k
		on-limit=drop
		on=false
	END
}

@test "adds what is not there; again: nothing" {
	some_filters
	assert_equal "told" "$(apply)" $'+ hotspot\n+ tight'
	assert_equal cap "$(show hotspot .limit.total)" 50000000000
	assert_equal state "$(state tight)" off
	assert_equal "told the second time" "$(assert_untouched apply)" ""
	assert_equal "told of another run" "$(assert_untouched apply --dry-run)" ""
}

@test "a dry run tells the difference and changes nothing" {
	some_filters
	netfil add hotspot --interface 'wl*' --interface 'ww*' --total 40G --warn 80,95 --every day
	netfil add tight --ip "$B4" --ip "$B6" --out 1500k --on-limit drop --off
	netfil add other --ip "$B4"
	assert_equal told "$(assert_untouched apply --dry-run)" "~ hotspot: total every"
	assert_equal told "$(assert_untouched apply -n --prune)" $'~ hotspot: total every\n- other'
	assert_equal told "$(apply)" "~ hotspot: total every"
	assert_equal other "$(state other)" on
	assert_equal told "$(apply --prune)" "- other"
	assert_equal names "$(netfil list --json | jq -r '.[].name' | xargs)" "hotspot tight"
}

@test "a dry run starts no daemon" {
	stop_daemon
	some_filters
	fails apply --dry-run 2>"$TMP/err"
	[[ $(cat "$TMP/err") == *"netfild is not running"* ]] || fail "$(cat "$TMP/err")"
}

@test "what is exported is the same file again, and changes nothing" {
	netfil add all --cgroup "$INSIDE" --user root --ip 192.0.2.0/24 --ip 2001:db8::1 --port 80 \
		--port 8000-8080 --proto tcp --interface net0 --except 192.0.2.7 --in 1500k --out 25M \
		--total 18446744073709551615 --on-limit throttle=125k --warn 80,95 --every month@14 \
		--rollover --free 01:00-07:00 --durability strict --loopback --off
	netfil add plain --exe "$(realpath "$(command -v bash)")"
	mkdir "$TMP/a;b\\c "
	echo 192.0.2.1 >"$TMP/a;b\\c /list;"
	netfil add odd --ip-file "$TMP/a;b\\c /list;" --unit 'a\x2db@c.service'
	netfil add process --pid "$$"
	netfil export "$TMP/first.conf"
	netfil export >"$TMP/second.conf"
	diff "$TMP/first.conf" "$TMP/second.conf"
	netfil export - | assert_untouched netfil apply -
	netfil rm all plain odd process
	assert_equal told "$(netfil apply - <"$TMP/first.conf" | xargs)" "+ all + odd + plain + process"
	netfil export "$TMP/third.conf"
	diff "$TMP/first.conf" "$TMP/third.conf"
}

@test "export takes a file's place as a whole, and nothing else's" {
	netfil add some --ip 192.0.2.1
	echo old >"$TMP/real"
	ln -s real "$TMP/link"
	netfil export "$TMP/link"
	[[ -L $TMP/link ]] || fail "the link is replaced"
	[[ $(cat "$TMP/real") == *"[some]"* ]] || fail "it leads to something else"
	mkfifo "$TMP/pipe"
	fails netfil export "$TMP/pipe" 2>"$TMP/err"
	[[ -p $TMP/pipe ]] || fail "the pipe is replaced"
	fails netfil export "$TMP" 2>"$TMP/err"
	fails netfil export "$TMP/none/file" 2>"$TMP/err"
	assert_equal lines "$(wc -l <"$TMP/err")" 1
}

frames_out() {
	echo $(($(witness frames_out) + 14 * $(witness frames_out packets)))
}

@test "usage is kept, to the byte, under traffic" {
	offload software
	netfil add open --cgroup "$INSIDE"
	netfil add other --ip "$B4" --out 1P
	netfil add packets --cgroup "$INSIDE" --port "$PORT"
	netfil add wire --interface net0 --except 192.0.2.1
	before=$(($(frames_out) - $(used wire out))) # the link's own, before there was a filter
	start_load
	for turn in 1 2 3 4 5 6; do
		write_file <<-END
			[open]
			cgroup=$INSIDE
			total=${turn}T
			[other]
			ip=$B4;192.0.2.$turn
			out=$((turn + 1))P
			[packets]
			cgroup=$INSIDE;/none/$turn
			port=$PORT;$turn
			[wire]
			interface=net0
			except=192.0.2.$((turn + 1))
			[new$turn]
			ip=$B4
		END
		assert_equal told "$(apply --prune | LC_ALL=C sort | xargs)" "$(
			echo -n "+ new$turn "
			((turn == 1)) || echo -n "- new$((turn - 1)) "
			echo -n "~ open: total ~ other: ip out ~ packets: cgroup port ~ wire: except"
		)"
		under_load
	done
	end_load
	assert_exact open out in total
	assert_exact other out in total
	assert_exact packets out in total
	assert_equal wire "$(used wire out)" $(($(frames_out) - before))
	((0 < $(used new6 out) && $(used new6 out) < $(used other out))) || fail "new6 has not begun"
}

@test "processes and their sockets that are there already" {
	offload software
	start_load
	printf '[%s]\npid='"${PIDS[load]}"'\n' one two | netfil apply -
	under_load
	before=$(used one out)
	((before > 0)) || fail "its socket is not counted"
	printf '[%s]\npid='"${PIDS[load]}"'\nport='"$PORT"'\n' one two | netfil apply -
	under_load
	(($(used one out) > before && $(used two out) > before)) || fail "they do not count any more"
	end_load
	printf '[gone]\npid=%d\n[one]\nip=%s\n' "${PIDS[load]}" "$B4" >"$TMP/filters.conf"
	refused 1 '1: there is no process'
	netfil apply - <<<"[one]"$'\n'"pid=${PIDS[load]}"$'\n'"port=$PORT" # it stays, as it is
}

@test "at a spent cap a higher one lets traffic on, and a lower one is spent at once" {
	offload software
	netfil add tight --ip "$B4" --out 100000 --on-limit drop
	serve
	start client capped tcp-send "$B4" "$PORT" 150000
	wait_until is_state tight exhausted
	printf '[tight]\nip=%s\nout=1M\non-limit=drop\n' "$B4" | netfil apply -
	finish client
	assert_exact tight out
	before=$(used tight out)
	printf '[tight]\nip=%s\nout=100k\n' "$B4" | netfil apply -
	is_state tight exhausted
	assert_equal used "$(used tight out)" "$before"
}

@test "all mistakes are told with their lines, and nothing is changed" {
	netfil add good --ip 192.0.2.1
	write_file <<-END
		user=root
		[good]
		ip=192.0.2.300
		totl=1M

		[bad name]
		ip=192.0.2.1
		[good]
		ip=192.0.2.2
		[x]
		total=12XB
		hello
		[y]
		total=1M
	END
	refused 2 '1: "user" stands before' '3: "192.0.2.300"' '4: "totl"' '6: "bad name"' \
		'8: "good" is there twice' '11: "12XB"' '12: "hello"' '13: filter y has no selector'
}

@test "what is not there is told with its line, and nothing is changed" {
	netfil add frames --interface net0
	echo rubbish >"$TMP/list"
	write_file <<-END
		[fine]
		ip=192.0.2.1
		[exe]
		port=80
		exe=/nonexistent;/neither
		[user]
		user=root;no-such-user
		[frames]
		ip=192.0.2.1
		[list]
		ip-file=$TMP/list
	END
	refused 1 '5: /nonexistent' '5: /neither' '7: there is no user' "8: 'frames' would count" \
		"11: $TMP/list:1: \"rubbish\""
}

@test "what fails half-way is taken back" {
	offload software
	netfil add open --cgroup "$INSIDE" --total 1G
	netfil add elsewhere --interface none0 --total 1M
	netfil add spare --port "$PORT" --total 1G
	for i in {1..15}; do
		netfil add "frame$i" --interface net0 --on-limit drop
	done
	serve
	capped tcp-send "$B4" "$PORT" 100000
	assert_exact open out
	start holder in_cgroup bash -c "exec 5<>/dev/udp/$B4/9 && exec sleep 1000"
	wait_until eval '[[ $(readlink "/proc/${PIDS[holder]}/exe") == */sleep ]]'
	write_file <<-END
		[new]
		cgroup=$INSIDE
		[open]
		total=1k
		on-limit=kill
		cgroup=$INSIDE
		[spare]
		port=2
		on=false
		[elsewhere]
		interface=*
		on-limit=drop
		[frame1]
		interface=net*
		on-limit=drop
		[one-too-many]
		interface=net0
	END
	specs >"$TMP/before"
	fails apply 2>"$TMP/err"
	[[ $(cat "$TMP/err") == *"interface net0 has 16 filters"* ]] || fail "$(cat "$TMP/err")"
	specs >"$TMP/after"
	diff "$TMP/before" "$TMP/after"
	sed -i '/one-too-many/,$d' "$TMP/filters.conf"
	netfil add frame16 --interface net0 --on-limit drop
	specs >"$TMP/before"
	fails apply 2>"$TMP/err" # elsewhere is one too many now
	[[ $(cat "$TMP/err") == *"interface net0 has 16 filters"* ]] || fail "$(cat "$TMP/err")"
	specs >"$TMP/after"
	diff "$TMP/before" "$TMP/after"
	new_server
	capped tcp-send "$B4" "$PORT" 100000
	assert_exact open out
	assert_exact spare out
	kill -0 "${PIDS[holder]}" # nothing was killed for a cap that was taken back
	kill_daemon
	start_daemon
	specs | jq -S 'map(del(.state))' >"$TMP/after"
	jq -S 'map(del(.state))' <"$TMP/before" | diff - "$TMP/after"
}

new_server() {
	finish server
	serve
}

@test "a disk that is full takes all of it back" {
	stop_daemon
	mount -t tmpfs -o size=1M "nf-$ID" "$TMP/state"
	start_daemon
	netfil add open --cgroup "$INSIDE" --total 1G
	specs >"$TMP/before"
	dd if=/dev/zero of="$TMP/state/filler" bs=4k status=none || true
	for i in {1..500}; do
		printf '[f%d]\nip=10.9.%d.%d\n' "$i" $((i / 250)) $((i % 250))
	done | cat - <(printf '[open]\ncgroup=%s\ntotal=2G\n' "$INSIDE") |
		fails netfil apply - 2>"$TMP/err"
	specs >"$TMP/after"
	diff "$TMP/before" "$TMP/after"
	# `set` is as good: neither the cap nor the new selector is left behind.
	fails netfil set open --port 9 --total 2G 2>"$TMP/err"
	move 10000 # of datagrams to port 9; and to another:
	capped udp-send "$B4" 10 10 972 >"$TMP/datagrams.out"
	specs >"$TMP/after"
	diff "$TMP/before" "$TMP/after"
	assert_equal used "$(used open out)" 20000
	rm "$TMP/state/filler"
	assert_equal again "$(printf '[open]\ncgroup=%s\ntotal=2G\n' "$INSIDE" | netfil apply -)" \
		"~ open: total"
}

@test "a file that cannot be read, or is none" {
	fails netfil apply "$TMP/none" 2>"$TMP/err"
	assert_equal lines "$(wc -l <"$TMP/err")" 1
	fails netfil apply "$TMP" 2>"$TMP/err"
	assert_equal lines "$(wc -l <"$TMP/err")" 1
	write_file <"$BUILD/src/cli/netfil"
	fails apply 2>"$TMP/err"
	(($(wc -l <"$TMP/err") <= 1000)) || fail "it goes on and on"
	fails grep -qP '[\x00-\x09\x0b-\x1f\x7f]' "$TMP/err"
}
