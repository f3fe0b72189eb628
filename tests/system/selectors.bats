# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Each selector counts what it should, and nothing else.

load lib

setup() {
	make_world
	offload software
	start_daemon
}

# A transfer of the capped side, to where and as whom the variables say.
exchange() { # [BYTES]
	AT=${AT:-$B4} serve 20000
	${AS:-capped} tcp-send "${AT:-$B4}" "$PORT" "${1:-10000}"
	finish server
	wait_closed
}

# The first filters counted everything, the others (after --) nothing.
assert_counted() { # NAME... -- NAME...
	local name expected=all
	for name in "$@"; do
		if [[ $name == -- ]]; then
			expected=none
		elif [[ $expected == all ]]; then
			assert_exact "$name" out in
		else
			assert_equal "$name" "$(used "$name" total)" 0
		fi
	done
}

@test "process: itself and what it starts, not its siblings" {
	start one capped --gate "$(make_gate one)" spawn fork tcp-send "$B4" "$PORT" 10000
	start other capped --gate "$(make_gate other)" tcp-send "$B4" "$PORT" 10
	netfil add one --pid "${PIDS[one]}"
	netfil add other --pid "${PIDS[other]}"
	netfil add either --pid "${PIDS[one]}" --pid "${PIDS[other]}"
	serve
	open_gate one
	finish one
	assert_counted one either -- other
}

@test "process: a number that is used again is another process" {
	start first capped --gate "$(make_gate first)" tcp-send "$B4" "$PORT" 10
	pid=${PIDS[first]}
	netfil add gone --pid "$pid"
	kill -KILL "$pid"
	finish first || true
	wait_until is_state gone waiting
	# In a pid namespace of its own nobody else takes the number in between.
	again_as "$pid" || skip "the number was taken by somebody else"
	assert_equal used "$(used gone total)" 0
}

# Runs a transfer as process PID; fails if another one got the number.
again_as() { # PID
	serve
	in_cgroup bash -c '
		for try in 1 2 3 4 5 6 7 8 9; do
			echo $(($1 - 1)) >/proc/sys/kernel/ns_last_pid
			"$2" tcp-send "$3" "$4" 10000 >/dev/null &
			pid=$!
			wait $pid && [ $pid = $1 ]
			exit $?
		done' again "$1" "$TRAFFIC" "$B4" "$PORT"
}

@test "executable" {
	cp "$TRAFFIC" "$TMP/copy"
	ln -s "$TRAFFIC" "$TMP/link"
	netfil add image --exe "$TRAFFIC"
	netfil add link --exe "$TMP/link"
	netfil add copy --exe "$TMP/copy"
	netfil add either --exe "$TMP/copy" --exe "$TRAFFIC"
	exchange
	assert_counted image link either -- copy
}

@test "executable: what it was when the socket was made" {
	netfil add shell --exe "$(command -v bash)"
	netfil add tool --exe "$TRAFFIC"
	serve
	in_cgroup bash -c 'exec 5<>"/dev/tcp/$1/$2"; exec "$3" use-descriptor 5 10000' \
		shell "$B4" "$PORT" "$TRAFFIC"
	finish server
	assert_counted shell
}

@test "user" {
	netfil add root --user root
	netfil add number --user 0
	netfil add nobody --user 65534
	netfil add either --user nobody --user root
	exchange
	assert_counted root number either -- nobody
}

as_nobody() {
	in_cgroup setpriv --reuid=65534 --regid=65534 --clear-groups "$TRAFFIC" "$@"
}

@test "another user" {
	chmod -R a+rX "$TMP"
	install -m 755 "$TRAFFIC" "$TMP/traffic"
	TRAFFIC=$TMP/traffic
	chmod 755 "${TMP%/*}" "${TMP%/*/*}"
	netfil add root --user root
	netfil add nobody --user nobody
	AS=as_nobody exchange
	assert_counted nobody -- root
}

@test "cgroup: itself and what is below" {
	mkdir -p "$CGROUP/inside/a/b" "$CGROUP/inside/ab"
	netfil add top --cgroup "$INSIDE"
	netfil add a --cgroup "$INSIDE/a"
	netfil add b --cgroup "$CGROUP/inside/a/b" # as the file system calls it
	netfil add like --cgroup "$INSIDE/ab"
	netfil add later --cgroup "$INSIDE/a/b/later"
	AS=in_b exchange
	assert_counted top a b -- like later
}

in_b() {
	in_cgroup bash -c 'echo $$ >"$0/a/b/cgroup.procs"; exec "$@"' "$CGROUP/inside" "$TRAFFIC" "$@"
}

@test "cgroup: one that is made later" {
	netfil add later --cgroup "$INSIDE/a/b"
	assert_equal state "$(state later)" waiting
	mkdir -p "$CGROUP/inside/a/b"
	AS=in_b exchange
	assert_counted later
	wait_until is_state later on
}

@test "unit: the cgroup of that name, wherever it is" {
	netfil add unit --unit demo.service
	netfil add short --unit demo
	netfil add other --unit emo.service
	mkdir -p "$CGROUP/inside/system.slice/demo.service/inner"
	AS=in_unit exchange
	assert_counted unit short -- other
}

in_unit() {
	in_cgroup bash -c 'echo $$ >"$0/system.slice/demo.service/inner/cgroup.procs"; exec "$@"' \
		"$CGROUP/inside" "$TRAFFIC" "$@"
}

@test "unit: stopped and started again" {
	netfil add unit --unit demo.service
	for _ in 1 2; do
		mkdir -p "$CGROUP/inside/system.slice/demo.service/inner"
		AS=in_unit exchange
		rmdir "$CGROUP/inside/system.slice/demo.service/inner" \
			"$CGROUP/inside/system.slice/demo.service"
	done
	assert_counted unit
}

@test "addresses and prefixes" {
	netfil add address --ip "$B4"
	netfil add prefix --ip "${B4%.*}.0/24"
	netfil add all4 --ip 0.0.0.0/0
	netfil add all6 --ip ::/0
	netfil add other --ip 192.0.2.0/24 --ip 2001:db8::/32
	netfil add either --ip 192.0.2.0/24 --ip "$B4"
	netfil add own --ip "$A4"
	exchange
	assert_counted address prefix all4 either -- all6 other own
}

@test "IPv6 addresses and prefixes" {
	netfil add address --ip "$B6"
	netfil add prefix --ip fd00::/8
	netfil add all6 --ip ::/0
	netfil add all4 --ip 0.0.0.0/0
	netfil add both --ip 192.0.2.0/24 --ip "$B6"
	AT=$B6 exchange
	assert_counted address prefix all6 both -- all4
}

@test "the longest prefix does not hide the shorter ones" {
	netfil add wide --ip 10.0.0.0/8
	netfil add middle --ip "${B4%.*}.0/24"
	netfil add narrow --ip "$B4"
	netfil add beside --ip "$A4"
	exchange
	assert_counted wide middle narrow -- beside
}

# bats test_tags=kernels,ci
@test "list files: plain and PeerGuardian, both families, ranges" {
	cat >"$TMP/plain" <<-END
		# what follows counts
		192.0.2.0/24   # and a comment
		$B4
	END
	printf '%s\r\n' "Some Company, Inc. #7:192.0.2.0-192.0.2.255" "Peer:${B4%.*}.0-$B4" >"$TMP/peer"
	printf '%s\n' fd00::/16 >"$TMP/six"
	printf '%s\n' 198.51.100.0-198.51.100.9 >"$TMP/other"
	netfil add plain --ip-file "$TMP/plain"
	netfil add peer --ip-file "$TMP/peer"
	netfil add six --ip-file "$TMP/six"
	netfil add other --ip-file "$TMP/other"
	netfil add several --ip-file "$TMP/other" --ip-file "$TMP/six" --ip "$B4"
	exchange
	assert_counted plain peer several -- six other
}

@test "a list of 20,000 prefixes" {
	awk 'BEGIN { for (i = 0; i < 20000; i++) printf "100.%d.%d.0/25\n", 64 + i / 256, i % 256 }' \
		>"$TMP/long"
	echo "$B4" >>"$TMP/long"
	netfil add long --ip-file "$TMP/long"
	exchange
	assert_counted long
}

@test "ports: remote, local, ranges" {
	netfil add remote --port "$PORT"
	netfil add range --port "4000-$PORT"
	netfil add several --port 1 --port "$PORT" --port 65535
	netfil add other --port 1-80 --port 5002
	exchange
	assert_counted remote range several -- other
	netfil add local --port 6001
	start server capped tcp-serve "$A4" 6001 100
	ready server
	before=$(witness out)
	peer tcp-send "$A4" 6001 100
	finish server
	wait_closed
	wait_until eval "((\$(used local out) == \$(witness out) - $before))"
}

@test "protocols" {
	netfil add tcp --proto tcp
	netfil add six --proto 6
	netfil add udp --proto udp
	netfil add icmp --proto icmp
	netfil add several --proto icmp --proto tcp
	exchange
	assert_counted tcp six several -- udp icmp
}

@test "different kinds narrow" {
	netfil add all --cgroup "$INSIDE" --ip "$B4" --port "$PORT" --proto tcp --user root \
		--exe "$TRAFFIC" --interface net0
	netfil add not-user --ip "$B4" --user nobody
	netfil add not-port --cgroup "$INSIDE" --port 80
	netfil add not-ip --cgroup "$INSIDE" --ip 192.0.2.1
	netfil add not-proto --exe "$TRAFFIC" --proto udp
	netfil add not-interface --ip "$B4" --interface lo
	exchange
	assert_counted all -- not-user not-port not-ip not-proto not-interface
}

@test "loopback counts for filters that ask for it, each way" {
	netfil add plain --cgroup "$INSIDE"
	netfil add asked --cgroup "$INSIDE" --loopback
	netfil add named --ip 127.0.0.0/8
	netfil add other --ip 127.0.0.0/8 --port 80
	start server capped tcp-serve 127.0.0.1 "$PORT" 20000
	ready server
	capped tcp-send 127.0.0.1 "$PORT" 10000
	finish server
	assert_equal plain "$(used plain total)" 0
	assert_equal other "$(used other total)" 0
	# Both ends are in the cgroup: what one sends the other receives.
	wait_until eval '(($(used asked in) == $(used asked out) && $(used asked out) > 30000))'
	assert_equal named "$(used named total)" "$(used asked total)"
}

@test "IPv6 loopback" {
	netfil add plain --cgroup "$INSIDE"
	netfil add named --ip ::1
	start server capped tcp-serve ::1 "$PORT" 20000
	ready server
	capped tcp-send ::1 "$PORT" 10000
	finish server
	assert_equal plain "$(used plain total)" 0
	wait_until eval '(($(used named in) == $(used named out) && $(used named out) > 30000))'
}

@test "an own address spoken to by way of loopback is loopback" {
	netfil add plain --cgroup "$INSIDE"
	start server capped tcp-serve "$A4" "$PORT" 20000
	ready server
	capped tcp-send "$A4" "$PORT" 10000
	finish server
	assert_equal plain "$(used plain total)" 0
}

@test "on and off, each alone" {
	netfil add one --cgroup "$INSIDE"
	netfil add two --cgroup "$INSIDE" --off
	netfil add three --ip "$B4"
	assert_equal two "$(state two)" off
	exchange
	assert_counted one three -- two
	netfil off one
	netfil on two three
	was=$(used one total)
	before=$(witness total)
	exchange
	wait_until eval "((\$(used two total) == \$(witness total) - $before))"
	assert_equal one "$(used one total)" "$was"
	assert_exact three out in
}

@test "changing a selector takes effect at once, and usage goes on" {
	netfil add moving --ip 192.0.2.1
	exchange
	assert_counted -- moving
	before=$(witness total)
	netfil set moving --ip "$B4"
	exchange
	wait_until eval "((\$(used moving total) == \$(witness total) - $before))"
	was=$(used moving total)
	netfil set moving --ip= --port 80
	exchange
	assert_equal used "$(used moving total)" "$was"
}

@test "a hundred filters of all kinds: those that match count alike" {
	for i in $(seq 15); do
		netfil add "yes$i" --ip "$B4" --port "$((PORT - i))-$((PORT + i))" --user root
	done
	for i in $(seq 85); do
		netfil add "no$i" --ip "192.0.2.$i" --port "$i"
	done
	exchange
	assert_exact yes1 out in
	assert_equal "different counts of those that match" \
		"$(netfil list --json | jq '[.[] | select(.name | test("yes")) | .used] | unique | length')" 1
	assert_equal "counts of the others" \
		"$(netfil list --json | jq '[.[] | select(.name | test("no")) | .used.total] | add')" 0
}

@test "more filters on one packet than can be: refused and said so" {
	for i in $(seq 16); do
		netfil add "yes$i" --ip "$B4"
	done
	exchange
	assert_exact yes16 out in
	netfil add yes17 --ip "$B4"
	serve
	fails capped tcp-send "$B4" "$PORT" 1000
	wait_until eval 'netfil list | grep -q "^Refused because more than 16 filters matched: [1-9]"'
	assert_equal "admitted" "$(used yes17 total)" 0
}

@test "watch --json tells of usage and of the cap" {
	netfil add tight --cgroup "$INSIDE" --out 5000
	start watch in_ns a netfil watch tight --json --interval 0.1
	wait_until test -s "$TMP/watch.out"
	serve
	fails capped tcp-send "$B4" "$PORT" 100000
	wait_until grep -q cap-reached "$TMP/watch.out"
	jq -es 'map(select(.event == "cap-reached" and .name == "tight" and .direction == "out")) |
		length == 1' "$TMP/watch.out"
	wait_until eval 'jq -es "map(select(.filter.used.out > 3000)) | length > 0" "$TMP/watch.out"'
	kill -INT "${PIDS[watch]}"
	finish watch || true
}

@test "list and show for people" {
	netfil add tight --cgroup "$INSIDE" --out 25M
	netfil list | grep -q 'tight'
	netfil show tight | grep -q '25'
	assert_equal "as JSON" "$(netfil list --json | jq -r '.[0].name')" tight
}

@test "changing another selector keeps the processes of one that has ended" {
	start parent in_cgroup bash -c '"$@" & echo $! >"$0"; wait' "$TMP/pid" \
		"$TRAFFIC" --gate "$(make_gate orphan)" tcp-send "$B4" "$PORT" 10000
	wait_until test -s "$TMP/pid"
	netfil add tree --pid "${PIDS[parent]}"
	kill -KILL "${PIDS[parent]}"
	finish parent || true
	netfil set tree --port "$PORT"
	serve
	open_gate orphan
	finish server
	wait_until_equal tree out
}

# A process that sends as many bytes as are written to its gate, on one socket.
start_talker() { # NAME
	start "$1" in_cgroup bash -c 'exec 3<>"/dev/udp/$1/$2" 4<>"$3"
		while read -r -u 4 bytes; do printf "%${bytes}s" >&3; done' "$1" "$B4" "$PORT" "$(make_gate "$1")"
}

talk() { # NAME BYTES
	echo "$2" >"$TMP/$1.gate"
}

@test "a filter's number is given again: who had it is not counted, however sockets are walked" {
	start there peer udp-receive 0.0.0.0 "$PORT" 1000000
	ready there
	start_talker first
	start_talker second
	for without in nothing map_iterators; do
		stop_daemon
		NETFIL_WITHOUT=$without start_daemon
		before=$(witness out)
		netfil add old --pid "${PIDS[first]}"
		talk first 100
		wait_until eval '[[ $(used old out) == 128 ]]'
		netfil rm old
		netfil add new --pid "${PIDS[second]}"
		talk first 100
		wait_until eval '(($(witness out) == before + 2 * 128))'
		talk second 50
		wait_until eval '[[ $(used new out) == 78 ]]'
		assert_equal "of the second alone" "$(used new out)" 78
		netfil rm new
	done
}
