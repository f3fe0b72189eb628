# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# A cap for each member: --each.

load lib

NET=198.18.0 # of the peer's further addresses

# The peer has NET.1 to NET.N, each with a counter of the witness for what it is sent and what
# it sends.
give_peer() { # N
	local i
	ip -n "nf-$ID-a" route add "$NET.0/24" via "$B4"
	in_ns b nft -f - <<-END
		table netdev members {
			chain arriving { type filter hook ingress device net0 priority 1; }
		}
		table inet members {
			chain leaving { type filter hook postrouting priority 1; }
		}
	END
	for ((i = 1; i <= $1; i++)); do
		ip -n "nf-$ID-b" address add "$NET.$i/32" dev lo
		in_ns b nft -f - <<-END
			add counter netdev members out$i
			add counter inet members in$i
			add rule netdev members arriving ip saddr $A4 ip daddr $NET.$i tcp flags & rst != rst counter name out$i
			add rule netdev members arriving ip saddr $A4 ip daddr $NET.$i ip protocol udp counter name out$i
			add rule inet members leaving ip saddr $NET.$i ip daddr $A4 tcp flags & rst != rst counter name in$i
			add rule inet members leaving ip saddr $NET.$i ip daddr $A4 ip protocol udp counter name in$i
		END
	done
}

# What the witness saw of the peer's address NET.I.
witness_of() { # out|in I
	local family=netdev
	[[ $1 == out ]] || family=inet
	in_ns b nft list counter $family members "$1$2" | sed -n 's/.*bytes \([0-9]*\).*/\1/p'
}

members() { # NAME JQ-EXPRESSION [OPTION...]
	netfil show "$1" --members --json "${@:3}" | jq -r "$2"
}

member() { # NAME KEY JQ-EXPRESSION
	members "$1" ".members[] | select(.key == \"$2\") | $3" --match "$2" --limit 1000
}

# They are counted each second.
has_members() { # NAME NUMBER
	(($(show "$1" .members) == $2))
}

is_member() { # NAME KEY in|out|total BYTES
	[[ $(member "$1" "$2" ".$3") == "$4" ]]
}

is_used() { # NAME in|out|total BYTES
	[[ $(used "$1" "$2") == "$3" ]]
}

# The peer takes all datagrams, so that nothing is answered to them.
listen() {
	start there peer udp-receive 0.0.0.0 "$PORT" 1000000
	ready there
}

send_to() { # I COUNT SIZE
	capped udp-send "$NET.$1" "$PORT" "$2" "$3"
}

# bats test_tags=kernels,ci
@test "each address has a cap of its own; both are counted to the byte" {
	give_peer 2
	start_daemon
	netfil add customers --ip "$NET.0/24" --each --out 100000 --on-limit drop
	listen
	send_to 1 200 1000 # 97 of 1,028 bytes fit
	send_to 2 50 1000
	wait_until is_member customers "$NET.1" out $((97 * 1028))
	wait_until is_member customers "$NET.2" out $((50 * 1028))
	assert_equal "witness 1" "$(witness_of out 1)" $((97 * 1028))
	assert_equal "witness 2" "$(witness_of out 2)" $((50 * 1028))
	wait_until is_used customers out $((147 * 1028))
	# The one is held at its cap while the other goes on.
	send_to 1 10 1000
	send_to 2 20 1000
	wait_until is_member customers "$NET.2" out $((70 * 1028))
	assert_equal "witness 1" "$(witness_of out 1)" $((97 * 1028))
	assert_equal "member 1" "$(member customers "$NET.1" '[.out, .refused.packets, .reached[0]] | @csv')" \
		"$((97 * 1028)),113,\"out\""
	wait_until has_members customers 2
	assert_equal members "$(show customers '[.each, .max_members, .members, .members_at_cap, .others.total] | @csv')" \
		'"ip",10000,2,1,0'
	assert_equal state "$(state customers)" on
	netfil list | grep -q '2 members, 1 at cap'
}

as() { # UID COMMAND...
	in_cgroup setpriv --reuid="$1" --regid="$1" --clear-groups "${@:2}"
}

sums_agree() { # NAME: of all members, and the filter's
	[[ $(members "$1" '[.members[] | [.in, .out]] | transpose | map(add) | @csv' --limit 1000) == \
		$(show "$1" '[.used.in, .used.out] | @csv') ]]
}

@test "bytes in are capped too, of TCP; the witness agrees to the byte" {
	offload software
	give_peer 2
	start_daemon
	netfil add customers --ip "$NET.0/24" --each --in 100000 --on-limit drop
	AT=$NET.1 serve 50000
	capped tcp-receive "$NET.1" "$PORT"
	finish server
	AT=$NET.2 serve 60000
	capped tcp-receive "$NET.2" "$PORT"
	finish server
	wait_closed
	wait_until is_member customers "$NET.1" in "$(witness_of in 1)"
	wait_until is_member customers "$NET.2" in "$(witness_of in 2)"
	wait_until is_member customers "$NET.2" out "$(witness_of out 2)"
	(($(witness_of in 2) > 60000)) || fail "no traffic"
	wait_until sums_agree customers
}

# bats test_tags=kernels
@test "reject: connections of the member at its cap end, those of others stay" {
	offload software
	give_peer 2
	start_daemon
	netfil add customers --ip "$NET.0/24" --each --out 300000
	start other_server peer tcp-serve "$NET.2" $((PORT + 1)) 0
	ready other_server
	start other capped --connected-gate "$(make_gate other)" \
		tcp-send "$NET.2" $((PORT + 1)) 150000
	ready other
	AT=$NET.1 serve
	fails capped tcp-send "$NET.1" "$PORT" 1000000 >"$TMP/client.out"
	grep -qE 'ECONNABORTED|ECONNRESET|EPIPE|EPERM' "$TMP/client.out" || fail "not ended"
	wait_until eval '[[ $(show customers .members_at_cap) == 1 ]]'
	assert_between "at its cap" "$(member customers "$NET.1" .out)" 298501 300000
	# A new one fails at once, and by its cap alone.
	fails capped tcp-send "$NET.1" "$PORT" 10 >"$TMP/again.out"
	assert_equal "a new one" "$(sed -n 's/.*error=\([A-Z]*\).*/\1/p' "$TMP/again.out")" EPERM
	open_gate other
	finish other || fail "the other member's connection was ended"
	finish other_server
	wait_closed
	wait_until is_member customers "$NET.2" out "$(witness_of out 2)"
}

@test "each user" {
	start_daemon
	netfil add users --user '*' --each --out 50000 --on-limit drop
	listen
	as 64101 "$TRAFFIC" udp-send "$B4" "$PORT" 100 1000
	as 64102 "$TRAFFIC" udp-send "$B4" "$PORT" 30 1000
	wait_until is_member users 64101 out $((48 * 1028))
	wait_until is_member users 64102 out $((30 * 1028))
	wait_until is_used users out "$(witness out)"
	wait_until has_members users 2
	as 64102 "$TRAFFIC" udp-send "$B4" "$PORT" 10 1000
	wait_until is_member users 64102 out $((40 * 1028))
	wait_until is_used users out "$(witness out)"
}

@test "each executable; one that is replaced goes on where it stood" {
	start_daemon
	cp "$TRAFFIC" "$TMP/one"
	cp "$TRAFFIC" "$TMP/two"
	netfil add programs --exe '*' --each --out 50000 --on-limit drop
	listen
	in_cgroup "$TMP/one" udp-send "$B4" "$PORT" 30 1000
	in_cgroup "$TMP/two" udp-send "$B4" "$PORT" 20 1000
	wait_until is_member programs "$TMP/one" out $((30 * 1028))
	wait_until is_member programs "$TMP/two" out $((20 * 1028))
	cp "$TRAFFIC" "$TMP/new"
	mv "$TMP/new" "$TMP/one"
	in_cgroup "$TMP/one" udp-send "$B4" "$PORT" 5 1000
	wait_until is_member programs "$TMP/one" out $((35 * 1028))
	wait_until has_members programs 2
	in_cgroup "$TMP/one" udp-send "$B4" "$PORT" 100 1000
	wait_until is_member programs "$TMP/one" out $((48 * 1028))
	wait_until is_used programs out "$(witness out)"
	wait_until sums_agree programs
}

in_group() { # NAME COMMAND...
	mkdir -p "$CGROUP/inside/$1"
	in_cgroup bash -c 'echo $$ >"$1"; exec "${@:2}"' bash "$CGROUP/inside/$1/cgroup.procs" "${@:2}"
}

# bats test_tags=kernels
@test "each control group; one that is made again goes on where it stood" {
	start_daemon
	netfil add groups --cgroup "$INSIDE" --each --out 50000 --on-limit drop
	listen
	in_group a "$TRAFFIC" udp-send "$B4" "$PORT" 30 1000
	in_group b "$TRAFFIC" udp-send "$B4" "$PORT" 20 1000
	wait_until is_member groups "$INSIDE/a" out $((30 * 1028))
	wait_until is_member groups "$INSIDE/b" out $((20 * 1028))
	rmdir "$CGROUP/inside/a"
	in_group a "$TRAFFIC" udp-send "$B4" "$PORT" 100 1000
	wait_until eval "(($(witness out) == \$(used groups out)))"
	# What went before netfild knew whose name it has is not taken back.
	wait_until eval "((\$(member groups $INSIDE/a .out) > $((47 * 1028))))"
	wait_until sums_agree groups
	wait_until has_members groups 2
}

# bats test_tags=kernels
@test "each interface, in frames" {
	start_daemon
	make_link a net1 b net1
	ip -n "nf-$ID-a" address add 198.19.0.1/30 dev net1
	ip -n "nf-$ID-b" address add 198.19.0.2/30 dev net1
	netfil add links --interface 'net*' --each --out 50000 --on-limit drop
	listen
	capped udp-send "$B4" "$PORT" 60 1000
	capped --interface net1 udp-send 198.19.0.2 "$PORT" 10 1000
	wait_until eval '(($(member links net0 .out) >= 47 * 1042))'
	assert_between net0 "$(member links net0 .out)" $((47 * 1042)) 50000
	wait_until eval '(($(member links net1 .out) >= 10 * 1042))'
	wait_until eval "((\$(member links net0 .out) == $(witness frames_out) + 14 * $(witness frames_out packets)))"
	wait_until sums_agree links
	wait_until has_members links 2
}

# bats test_tags=kernels
@test "more members than there may be: the others share one cap, and nothing is uncounted" {
	give_peer 20
	start_daemon
	netfil add customers --ip "$NET.0/24" --each --max-members 5 --out 50000 --on-limit drop
	listen
	for ((i = 1; i <= 20; i++)); do
		send_to "$i" 10 1000
	done
	wait_until has_members customers 5
	wait_until is_used customers out "$(($(witness out)))"
	assert_equal members "$(members customers '[.members[:-1][] | .out] | unique | @csv' --sort key)" $((10 * 1028))
	assert_equal others "$(show customers .others.out)" $((48 * 1028)) # of 150
	assert_equal "their line" "$(member customers '(others)' '[.out, .reached[0]] | @csv')" "$((48 * 1028)),\"out\""
	assert_equal "at their cap" "$(show customers .members_at_cap)" 0
	wait_until sums_agree customers
	netfil reset customers --member '(others)'
	send_to 20 1 1000
	wait_until eval '(($(show customers .others.out) == 1028))'
}

@test "pages, sorted and matched" {
	give_peer 20
	start_daemon
	netfil add customers --ip "$NET.0/24" --each
	listen
	for ((i = 1; i <= 20; i++)); do
		send_to "$i" $((i % 7 + 1)) 100
	done
	wait_until eval "((\$(used customers out) == $(witness out)))"
	# All pages together are all members, in order, each once.
	local after=() all="" next pages=0
	while :; do
		netfil show customers --members --json --limit 6 "${after[@]}" >"$TMP/page"
		all+=$(jq -r '.members[] | [.out, .key] | join(" ")' "$TMP/page")$'\n'
		assert_equal "those left" "$(jq .total "$TMP/page")" $((20 - 6 * pages))
		pages=$((pages + 1))
		next=$(jq -r '.next // ""' "$TMP/page")
		[[ -n $next ]] || break
		after=(--after "$next")
	done
	assert_equal pages "$pages" 4
	assert_equal order "$all" "$(for ((i = 1; i <= 20; i++)); do
		echo "$(((i % 7 + 1) * 128)) $NET.$i"
	done | sort -t' ' -k1,1nr -k2,2V)"$'\n'
	assert_equal "by key" "$(members customers '[.members[].key] | join(" ")' --sort key --limit 3)" \
		"$NET.1 $NET.2 $NET.3"
	assert_equal "by key, reversed" "$(members customers '[.members[].key] | join(" ")' --sort key --reverse --limit 2)" \
		"$NET.20 $NET.19"
	assert_equal "the least" "$(members customers '[.members[].out] | @csv' --reverse --limit 3)" 128,128,256
	assert_equal matched "$(members customers '[.total, .members[].key] | join(" ")' --match "$NET.1" --sort key --limit 3)" \
		"11 $NET.1 $NET.10 $NET.11"
	assert_equal "none matches" "$(netfil show customers --members --match x)" "No members."
	netfil show customers --members --limit 6 >"$TMP/text"
	grep -q "^14 more: --after '" "$TMP/text"
	fails netfil show customers --members --sort age 2>"$TMP/err"
	grep -q 'nothing to sort members by' "$TMP/err"
	fails netfil show customers --members --after 7 2>"$TMP/err"
	grep -q 'no place in a list' "$TMP/err"
	fails netfil show customers --sort in 2>"$TMP/err"
	grep -q 'are of --members' "$TMP/err"
	netfil add plain --ip 192.0.2.1
	fails netfil show plain --members 2>"$TMP/err"
	grep -q 'has no members' "$TMP/err"
}

@test "one member is reset, and the others are not" {
	give_peer 2
	start_daemon
	netfil add customers --ip "$NET.0/24" --each --out 50000 --on-limit drop
	listen
	send_to 1 100 1000
	send_to 2 100 1000
	wait_until eval '(($(show customers .members_at_cap) == 2))'
	wait_until is_used customers out $((96 * 1028))
	netfil reset customers --member "$NET.1"
	assert_equal used "$(used customers out)" $((48 * 1028))
	assert_equal "at their cap" "$(show customers .members_at_cap)" 1
	assert_equal "member 1" "$(member customers "$NET.1" .out)" 0
	send_to 1 7 1000
	send_to 2 7 1000
	wait_until is_member customers "$NET.1" out $((7 * 1028))
	assert_equal "member 2" "$(member customers "$NET.2" .out)" $((48 * 1028))
	assert_equal "witness" "$(witness_of out 1)" $((55 * 1028))
	wait_until is_used customers out $((55 * 1028))
	fails netfil reset customers --member 192.0.2.1 2>"$TMP/err"
	grep -q "no member '192.0.2.1'" "$TMP/err"
	fails netfil reset customers --member x 2>"$TMP/err"
	grep -q "no member 'x'" "$TMP/err"
}

@test "with netfild killed members are counted and capped, and it goes on where they stand" {
	give_peer 3
	start_daemon
	netfil add customers --ip "$NET.0/24" --each --out 50000 --on-limit drop
	listen
	send_to 1 30 1000
	wait_until is_member customers "$NET.1" out $((30 * 1028))
	kill_daemon
	send_to 1 100 1000
	send_to 2 10 1000
	start_daemon
	wait_until is_member customers "$NET.1" out $((48 * 1028))
	wait_until is_member customers "$NET.2" out $((10 * 1028))
	assert_equal used "$(used customers out)" $((58 * 1028))
	assert_equal counted "$(netfil metrics | sed -n 's/^netfil_filter_bytes_total{filter="customers",direction="out"} //p')" \
		$((58 * 1028))
	assert_equal "at their cap" "$(show customers .members_at_cap)" 1
	send_to 3 5 1000
	wait_until is_used customers out "$(witness out)"
	wait_until sums_agree customers
	kill_daemon
	start_daemon
	assert_equal "used again" "$(used customers out)" $((63 * 1028))
	wait_until has_members customers 3
}

# Of what is counted at the checkpoint a power cut takes nothing.
is_on_disk() { # NAME
	rm -rf "$TMP/look"
	cp -r "$TMP/shadow" "$TMP/look"
	"$BUILD/tests/system/ledger-used" "$TMP/look" >"$TMP/found"
	grep -q " $1 $(used "$1" in) $(used "$1" out)\b" "$TMP/found"
}

@test "a power cut keeps what members used" {
	use_lossy_disk
	give_peer 2
	start_daemon
	netfil add customers --ip "$NET.0/24" --each --out 50000 --on-limit drop
	netfil add users --user '*' --each
	netfil add groups --cgroup "$INSIDE" --each --out 1M
	listen
	send_to 1 30 1000
	send_to 2 10 1000
	in_group gone "$TRAFFIC" udp-send "$NET.2" "$PORT" 5 1000
	wait_until is_used customers out $((45 * 1028))
	wait_until is_used groups out $((45 * 1028))
	wait_until is_on_disk customers
	wait_until is_on_disk users
	wait_until is_on_disk groups
	rmdir "$CGROUP/inside/gone"
	power_cut
	start_daemon
	assert_equal customers "$(used customers out)" $((45 * 1028))
	assert_equal "member 1" "$(member customers "$NET.1" .out)" $((30 * 1028))
	assert_equal root "$(member users root .out)" $((45 * 1028))
	assert_equal "a group that is not there" "$(member groups "$INSIDE/gone" .out)" $((5 * 1028))
	reset_witness
	send_to 1 100 1000
	wait_until is_member customers "$NET.1" out $((48 * 1028))
	wait_until is_member users root out $((63 * 1028))
	in_group gone "$TRAFFIC" udp-send "$NET.2" "$PORT" 1 1000
	wait_until is_member groups "$INSIDE/gone" out $((6 * 1028))
	assert_equal witness "$(witness out)" $((19 * 1028))
	wait_until sums_agree customers
	wait_until sums_agree users
	kill_daemon
	start_daemon
	wait_until sums_agree customers
	wait_until sums_agree groups
}

@test "one that is there again before it moves has what it used, and once only" {
	use_lossy_disk
	start_daemon
	netfil add groups --cgroup "$INSIDE" --each --out 50000 --on-limit drop
	listen
	in_group back "$TRAFFIC" udp-send "$B4" "$PORT" 20 1000
	in_group gone "$TRAFFIC" udp-send "$B4" "$PORT" 10 1000
	wait_until is_used groups out $((30 * 1028))
	wait_until is_on_disk groups
	rmdir "$CGROUP/inside/back" "$CGROUP/inside/gone"
	power_cut
	start_daemon
	assert_equal "while it is not there" "$(used groups out) $(member groups "$INSIDE/back" .out)" \
		"$((30 * 1028)) $((20 * 1028))"
	mkdir "$CGROUP/inside/back"
	kill_daemon
	start_daemon
	assert_equal "once it is" "$(used groups out) $(member groups "$INSIDE/back" .out)" \
		"$((30 * 1028)) $((20 * 1028))"
	kill_daemon
	start_daemon
	sums_agree groups || fail "$(members groups .members)"
	reset_witness
	in_group back "$TRAFFIC" udp-send "$B4" "$PORT" 100 1000
	wait_until is_member groups "$INSIDE/back" out $((48 * 1028))
	assert_equal witness "$(witness out)" $((28 * 1028))
	wait_until is_used groups out $((58 * 1028))
	netfil reset groups --member "$INSIDE/gone"
	assert_equal "one that waits is reset" "$(used groups out)" $((48 * 1028))
	sums_agree groups || fail "$(members groups .members)"
}

@test "an executable that is replaced while netfild is away goes on where it stood" {
	start_daemon
	cp "$TRAFFIC" "$TMP/one"
	netfil add programs --exe '*' --each --out 50000 --on-limit drop
	listen
	in_cgroup "$TMP/one" udp-send "$B4" "$PORT" 30 1000
	wait_until is_member programs "$TMP/one" out $((30 * 1028))
	kill_daemon
	cp "$TRAFFIC" "$TMP/new"
	mv "$TMP/new" "$TMP/one"
	in_cgroup "$TMP/one" udp-send "$B4" "$PORT" 5 1000
	start_daemon
	wait_until is_member programs "$TMP/one" out $((35 * 1028))
	assert_equal used "$(used programs out)" "$(witness out)"
	has_members programs 1 || fail "$(members programs .members)"
	sums_agree programs || fail "$(members programs .members)"
	kill_daemon
	start_daemon
	assert_equal "used again" "$(used programs out)" "$(witness out)"
	sums_agree programs || fail "$(members programs .members)"
}

@test "netfild that is killed while it takes members up takes up all of them" {
	give_peer 1
	start_daemon
	netfil add customers --ip 10.0.0.0/8 --ip "$NET.0/24" --each --total 1G --max-members 100000
	listen
	send_to 1 10 1000
	wait_until has_members customers 1
	netfil reset customers # so that the counters are ahead of the usage
	stop_daemon
	umount "$TMP/bpf" # as after a restart of the machine
	mount -t bpf "nf-$ID" "$TMP/bpf"
	"$BUILD/tests/system/fill-members" "$TMP/state" customers 50000
	local sum=$((3 * 50000 * 49999 / 2))
	launch_daemon
	wait_until compgen -G "$NETFIL_BPFFS_DIR/maps-*/numbers-*" >"$TMP/pins"
	kill_daemon
	start_daemon
	assert_equal used "$(used customers total)" $sum
	assert_equal members "$(show customers .members)" 50000
	assert_equal "the largest" "$(members customers '.members[0] | [.key, .in, .out] | @csv' --limit 1)" \
		'"10.0.195.79",49999,99998'
	send_to 1 10 1000
	wait_until is_used customers total $((sum + 10 * 1028))
}

# Of all filters: how many the programs find, and how many are pinned.
pieces() {
	local maps
	maps=$(compgen -G "$NETFIL_BPFFS_DIR/maps-*")
	echo "$(bpftool map dump pinned "$maps/members" | sed -n 's/^Found \([0-9]*\) .*/\1/p')" \
		"$(compgen -G "$maps/members-*" | wc -l)"
}

@test "netfild that is killed while it makes room for members, or takes it away, leaves nothing behind" {
	local seed=${NETFIL_TEST_SEED:-$EPOCHSECONDS} i max
	echo "seed $seed"
	RANDOM=$seed
	give_peer 1
	start_daemon
	netfil add customers --ip "$NET.0/24" --each --max-members 1000
	netfil add behind --ip 198.19.0.0/16 --each --max-members 1000
	listen
	send_to 1 10 1000
	for ((i = 1; i <= 10; i++)); do
		netfil set customers --max-members $((i % 2 ? 900000 : 1000)) >"$TMP/set" 2>&1 &
		sleep "0.$(printf '%03d' $((RANDOM % 250)))"
		kill_daemon
		wait $! || : # it may be too late for it
		start_daemon
		max=$(show customers .max_members)
		assert_equal pieces "$(pieces)" "$((max / 4096 + 2)) $((max / 4096 + 2))"
		send_to 1 10 1000
		wait_until is_used customers out $(((i + 1) * 10 * 1028))
	done
	assert_equal witness "$(witness_of out 1)" $((110 * 1028))
	assert_equal members "$(show customers .members) $(show behind .members)" "1 0"
	netfil rm customers
	netfil rm behind
	assert_equal "pieces at the end" "$(pieces)" "0 0"
}

@test "netfild that ends writes down all members that moved, however many, heard of or not" {
	use_lossy_disk
	ip -n "nf-$ID-a" route add 198.19.0.0/16 via "$B4"
	start_daemon
	netfil add customers --ip 198.19.0.0/16 --each --max-members 60000
	kill -STOP "${PIDS[daemon]}"
	capped udp-send "$B4" "$PORT" 1 1 # the peer's link address is known then
	reset_witness
	in_cgroup "$BUILD/bench/bench-load" touch 198.19.0.0 9 60000
	kill -TERM "${PIDS[daemon]}"
	kill -CONT "${PIDS[daemon]}"
	finish daemon
	local sent
	sent=$(witness out)
	((sent >= 60000 * 28 && sent % 60000 == 0)) || fail "$sent bytes were sent"
	new_boot
	start_daemon
	assert_equal used "$(used customers out)" "$sent"
	assert_equal members "$(show customers .members)" 60000
	assert_equal "the least and the most" \
		"$(members customers '.members[0].out' --reverse --limit 1) $(members customers '.members[0].out' --limit 1)" \
		"$((sent / 60000)) $((sent / 60000))"
}

@test "a filter that was not added after all leaves no members behind" {
	start_daemon
	netfil add plain --ip 192.0.2.1
	stop_daemon
	cp -r "$TMP/state" "$TMP/before"
	start_daemon
	netfil add customers --ip "$NET.0/24" --each
	compgen -G "$NETFIL_BPFFS_DIR/maps-*/members-*" >"$TMP/pins" || fail "no members are pinned"
	kill_daemon
	rm -r "$TMP/state"
	mv "$TMP/before" "$TMP/state"
	start_daemon
	assert_equal filters "$(netfil list --json | jq -r '.[].name')" plain
	fails compgen -G "$NETFIL_BPFFS_DIR/maps-*/members-*"
}

@test "each member is topped up, for this cycle" {
	export TZ=Europe/Berlin
	set_clock_to '2026-11-23 10:30:00'
	give_peer 2
	start_daemon
	netfil add customers --ip "$NET.0/24" --each --out 50000 --every hour --on-limit drop
	listen
	send_to 1 100 1000
	send_to 2 10 1000
	wait_until is_member customers "$NET.1" out $((48 * 1028))
	netfil set customers --out +10000
	assert_equal limit "$(show customers '[.cap.out, .limit.out] | @csv')" 50000,60000
	wait_until eval '(($(show customers .members_at_cap) == 0))'
	send_to 1 100 1000
	wait_until is_member customers "$NET.1" out $((58 * 1028))
	wait_until eval '(($(show customers .members_at_cap) == 1))'
	kill_daemon
	start_daemon
	send_to 1 10 1000
	send_to 2 100 1000
	wait_until is_member customers "$NET.2" out $((58 * 1028))
	assert_equal "member 1" "$(member customers "$NET.1" .out)" $((58 * 1028))
	netfil set customers --out -20000
	send_to 2 1 1000
	assert_equal witness "$(witness_of out 2)" $((58 * 1028))
	set_clock_to '2026-11-23 11:00:00'
	wait_until is_used customers out 0
	assert_equal "the next cycle's" "$(show customers .limit.out)" 50000
	send_to 1 100 1000
	wait_until is_member customers "$NET.1" out $((48 * 1028))
	assert_equal "witness 1" "$(witness_of out 1)" $((106 * 1028))
}

@test "there may be more members, and fewer, and all of them go on" {
	give_peer 6
	start_daemon
	netfil add customers --ip "$NET.0/24" --each --max-members 3 --out 50000 --on-limit drop
	listen
	for i in 1 2 3 4; do
		send_to "$i" 10 1000
	done
	wait_until is_used customers out $((40 * 1028))
	assert_equal others "$(show customers .others.out)" $((10 * 1028))
	wait_until has_members customers 3
	refused "3 members are there" netfil set customers --max-members 2
	assert_equal "as before" "$(show customers '[.max_members, .members, .cap.out] | @csv')" 3,3,50000
	netfil set customers --max-members 5
	for i in 1 4 5 6; do
		send_to "$i" 100 1000
	done
	wait_until has_members customers 5
	wait_until is_used customers out "$(witness out)"
	assert_equal others "$(show customers .others.out)" $((48 * 1028))
	assert_equal "witness 1, 4, 5" "$(witness_of out 1) $(witness_of out 4) $(witness_of out 5)" \
		"$((48 * 1028)) $((58 * 1028)) $((48 * 1028))"
	assert_equal "witness 6" "$(witness_of out 6)" $((38 * 1028))
	sums_agree customers || fail "$(members customers .members)"
	kill_daemon
	start_daemon
	assert_equal "after a restart" "$(show customers '[.max_members, .members, .used.out, .others.out] | @csv')" \
		"5,5,$(witness out),$((48 * 1028))"
	netfil set customers --max-members 200
	netfil set customers --max-members 5
	send_to 2 100 1000
	wait_until is_member customers "$NET.2" out $((48 * 1028))
	wait_until is_used customers out "$(witness out)"
	netfil export >"$TMP/filters"
	sed 's/max-members=5/max-members=9/' "$TMP/filters" >"$TMP/changed"
	netfil apply "$TMP/changed"
	assert_equal applied "$(show customers .max_members)" 9
	sums_agree customers || fail "$(members customers .members)"
}

@test "a cycle's turn sets all members back; the closed cycle has their sum" {
	export TZ=Europe/Berlin
	set_clock_to '2026-11-23 10:30:00'
	give_peer 2
	start_daemon
	netfil add customers --ip "$NET.0/24" --each --out 50000 --every hour --on-limit drop
	listen
	send_to 1 100 1000
	send_to 2 10 1000
	wait_until is_used customers out $((58 * 1028))
	set_clock_to '2026-11-23 11:00:00'
	wait_until is_used customers out 0
	assert_equal "member 1" "$(member customers "$NET.1" .out)" 0
	assert_equal "at their cap" "$(show customers .members_at_cap)" 0
	assert_equal closed "$(periods customers cycle '.[0].out')" $((58 * 1028))
	send_to 1 20 1000
	wait_until is_member customers "$NET.1" out $((20 * 1028))
	netfil reset customers
	assert_equal reset "$(used customers out) $(member customers "$NET.1" .out)" "0 0"
	send_to 1 100 1000
	wait_until is_member customers "$NET.1" out $((48 * 1028))
	wait_until sums_agree customers
	kill_daemon
	start_daemon
	assert_equal "after a restart" "$(member customers "$NET.1" .out)" $((48 * 1028))
	wait_until sums_agree customers
}

@test "a cap that is set holds for all members at once, under traffic" {
	offload software
	give_peer 2
	start_daemon
	netfil add customers --ip "$NET.0/24" --each --out 100000 --on-limit drop
	AT=$NET.1 serve
	start client capped tcp-send "$NET.1" "$PORT" 1000000
	wait_until eval '(($(show customers .members_at_cap) == 1))'
	netfil set customers --out 400000
	wait_until eval "((\$(member customers $NET.1 .out) > 398500))"
	wait_until eval '(($(show customers .members_at_cap) == 1))'
	netfil set customers --out 0
	finish client
	finish server
	wait_closed
	wait_until is_member customers "$NET.1" out "$(witness_of out 1)"
	assert_equal "at their cap" "$(show customers .members_at_cap)" 0
	netfil set customers --out 200000
	listen
	send_to 1 5 1000
	wait_until eval '(($(show customers .members_at_cap) == 1))'
	assert_equal "witness" "$(member customers "$NET.1" .out)" "$(witness_of out 1)"
}

@test "free hours do not count to a member, and the end of a snooze caps it again" {
	export TZ=Europe/Berlin
	set_clock_to '2026-11-23 10:30:00'
	give_peer 1
	start_daemon
	netfil add customers --ip "$NET.0/24" --each --out 50000 --free 11:00-12:00 --on-limit drop
	listen
	send_to 1 20 1000
	wait_until is_member customers "$NET.1" out $((20 * 1028))
	set_clock_to '2026-11-23 11:00:00'
	wait_until eval '[[ $(show customers .free_until) != null ]]'
	send_to 1 100 1000
	wait_until eval "((\$(witness_of out 1) == 120 * 1028))"
	wait_until eval '[[ $(netfil metrics | sed -n "s/^netfil_filter_bytes_total{filter=\"customers\",direction=\"out\"} //p") == $((120 * 1028)) ]]'
	set_clock_to '2026-11-23 12:00:00'
	wait_until eval '[[ $(show customers .free_until) == null ]]'
	assert_equal used "$(used customers out) $(member customers "$NET.1" .out)" \
		"$((20 * 1028)) $((20 * 1028))"
	send_to 1 100 1000
	wait_until is_member customers "$NET.1" out $((48 * 1028))
	wait_until is_used customers out $((48 * 1028))
	assert_equal witness "$(witness_of out 1)" $((148 * 1028))
	netfil set customers --unlimited-until +1h
	send_to 1 10 1000
	wait_until is_member customers "$NET.1" out $((58 * 1028))
	netfil set customers --unlimited-until now
	send_to 1 10 1000
	assert_equal witness "$(witness_of out 1)" $((158 * 1028))
}

@test "warnings and reached caps are told with the member" {
	give_peer 2
	start_daemon
	netfil add customers --ip "$NET.0/24" --each --out 100000 --warn 50,90 --on-limit notify
	start watch in_ns a netfil watch --json
	wait_until test -s "$TMP/watch.out"
	listen
	send_to 1 60 1000
	wait_until grep -q '"warned"' "$TMP/watch.out"
	assert_equal warned "$(jq -r 'select(.event == "warned") | [.name, .member, .percent, .direction] | join(" ")' "$TMP/watch.out")" \
		"customers $NET.1 50 out"
	send_to 2 100 1000
	wait_until eval '(($(grep -c "\"warned\"" "$TMP/watch.out") == 3))'
	wait_until grep -q '"cap-reached"' "$TMP/watch.out"
	assert_equal reached "$(jq -r 'select(.event == "cap-reached") | [.name, .member, .direction] | join(" ")' "$TMP/watch.out")" \
		"customers $NET.2 out"
	wait_until is_member customers "$NET.2" out $((100 * 1028))
}

@test "hooks are told of the member" {
	mkdir -p "$NETFIL_CONFIG_DIR/events.d" "$TMP/out"
	chmod 777 "$TMP/out"
	chmod 755 "$BATS_RUN_TMPDIR"
	cat >"$NETFIL_CONFIG_DIR/events.d/50-record" <<-END
		#!/bin/bash
		env >$TMP/out/new && mv $TMP/out/new $TMP/out/\$NETFIL_EVENT
	END
	chmod 755 "$NETFIL_CONFIG_DIR/events.d/50-record"
	give_peer 1
	start_daemon
	netfil add customers --ip "$NET.0/24" --each --out 50000 --on-limit drop
	listen
	send_to 1 100 1000
	wait_until test -e "$TMP/out/cap-reached"
	assert_equal member "$(sed -n 's/^NETFIL_MEMBER=//p' "$TMP/out/cap-reached")" "$NET.1"
	fails grep -q '^NETFIL_MEMBER=' "$TMP/out/added"
}

@test "any owner, without members" {
	start_daemon
	netfil add owned --user '*' --out 50000 --on-limit drop
	netfil add programs --exe '*'
	netfil add groups --cgroup '*'
	listen
	as 64101 "$TRAFFIC" udp-send "$B4" "$PORT" 30 1000
	as 64102 "$TRAFFIC" udp-send "$B4" "$PORT" 30 1000
	assert_equal used "$(used owned out)" $((48 * 1028))
	assert_equal programs "$(used programs out)" $((48 * 1028))
	assert_equal groups "$(used groups out)" $((48 * 1028))
	assert_equal states "$(state owned) $(state programs) $(state groups)" "exhausted on on"
	assert_equal each "$(show owned .each)" null
}

refused() { # PART-OF-THE-MESSAGE COMMAND...
	fails "${@:2}" 2>"$TMP/err"
	grep -qF -- "$1" "$TMP/err" || fail "no \"$1\" in: $(cat "$TMP/err")"
	(($(wc -l <"$TMP/err") == 1))
}

@test "what does not go with --each is refused, with the reason" {
	start_daemon
	refused "no selector that each could be about" netfil add x --port 80 --each
	refused "several selectors could be meant" netfil add x --ip 10.0.0.0/8 --user '*' --each
	refused "nothing of which each could have a cap" netfil add x --ip 10.0.0.0/8 --each=port
	refused "takes traffic of nobody too" netfil add x --ip 10.0.0.0/8 --each=user
	refused "counts whole frames" netfil add x --interface net0 --each=ip
	refused "would be stopped for one" netfil add x --user '*' --each --total 1 --on-limit kill
	refused "would be stopped for one" netfil add x --user '*' --each --total 1 --on-limit pause
	refused "takes down all" netfil add x --interface net0 --each --total 1 --on-limit down
	refused "grants are made to whole filters" netfil add x --user '*' --each --total 1 --durability strict
	refused "leave out rollover" netfil add x --user '*' --each --total 1 --every day --rollover
	refused "from 1 to 1000000" netfil add x --user '*' --each --max-members 0
	refused "from 1 to 1000000" netfil add x --user '*' --each --max-members 1000001
	refused "has max-members, but no members" netfil add x --user '*' --max-members 5
	netfil add customers --ip 10.0.0.0/8 --each --total 5G --max-members 50
	refused "has no in cap to top up" netfil set customers --in +1G
	refused "each has its own usage" netfil set customers --used 1G
	refused "remove it and add it again" netfil set customers --each=user
	refused "remove it and add it again" netfil set customers --each=
	netfil export >"$TMP/filters"
	sed 's/each=ip/each=interface/' "$TMP/filters" >"$TMP/changed"
	refused "remove it and add it again" netfil apply "$TMP/changed"
	netfil apply "$TMP/filters"
	netfil set customers --total 6G --max-members 50 --each=ip
	assert_equal cap "$(show customers .cap.total)" 6000000000
	as 64101 bash -c 'true'
	assert_equal "filters" "$(netfil list --json | jq -r '[.[].name] | join(" ")')" customers
}

@test "netfild whose default is strict keeps members by checkpoints" {
	give_peer 1
	start_daemon --durability strict
	netfil add customers --ip "$NET.0/24" --each --out 50000 --on-limit drop
	listen
	send_to 1 100 1000
	wait_until is_member customers "$NET.1" out $((48 * 1028))
}

@test "addresses of both families, of any remote end, and none of loopback" {
	start_daemon
	netfil add ends --port "$PORT" --each=ip --out 50000 --on-limit drop
	listen
	start there6 peer udp-receive "$B6" "$PORT" 1000000
	ready there6
	capped udp-send "$B4" "$PORT" 100 1000
	capped udp-send "$B6" "$PORT" 10 1000
	capped udp-send 127.0.0.1 "$PORT" 10 1000 || true
	wait_until is_member ends "$B4" out $((48 * 1028))
	wait_until is_member ends "$B6" out $((10 * 1048))
	wait_until is_used ends out "$(witness out)"
	wait_until has_members ends 2
	netfil reset ends --member "$B6"
	assert_equal "that of IPv6" "$(member ends "$B6" .out)" 0
}

@test "everybody sees members; who may not change the filter resets none, and makes none" {
	chmod 755 "$BATS_RUN_TMPDIR"
	give_peer 1
	start_daemon
	netfil add customers --ip "$NET.0/24" --each --out 50000 --on-limit drop
	listen
	send_to 1 10 1000
	wait_until is_member customers "$NET.1" out $((10 * 1028))
	local nobody=(in_ns a setpriv --reuid=64101 --regid=64101 --clear-groups)
	"${nobody[@]}" netfil show customers --members --json >"$TMP/seen"
	assert_equal seen "$(jq '.members[0].out' "$TMP/seen")" $((10 * 1028))
	fails "${nobody[@]}" netfil reset customers --member "$NET.1" 2>"$TMP/err"
	grep -q 'org.netfil.manage' "$TMP/err"
	fails "${nobody[@]}" bash -c 'netfil add own --pid $$ --each=ip --total 1M' 2>"$TMP/err"
	grep -q 'org.netfil.manage' "$TMP/err"
	assert_equal used "$(member customers "$NET.1" .out)" $((10 * 1028))
	assert_equal filters "$(netfil list --json | jq length)" 1
}

@test "a filter that is removed leaves no members, and one of its name begins with none" {
	give_peer 1
	start_daemon
	netfil add customers --ip "$NET.0/24" --each --out 50000 --on-limit drop
	listen
	send_to 1 10 1000
	wait_until is_member customers "$NET.1" out $((10 * 1028))
	compgen -G "$NETFIL_BPFFS_DIR/maps-*/members-*" >"$TMP/pins" || fail "no members are pinned"
	netfil rm customers
	fails compgen -G "$NETFIL_BPFFS_DIR/maps-*/members-*"
	send_to 1 5 1000
	netfil add customers --ip "$NET.0/24" --each --out 50000 --on-limit drop
	wait_until has_members customers 0
	send_to 1 100 1000
	wait_until is_member customers "$NET.1" out $((48 * 1028))
	netfil off customers
	send_to 1 3 1000
	netfil on customers
	assert_equal "off, it did not count" "$(member customers "$NET.1" .out)" $((48 * 1028))
	assert_equal witness "$(witness_of out 1)" $((66 * 1028))
	stop_daemon
	in_ns a netfild --release
	fails compgen -G "$NETFIL_BPFFS_DIR/maps-*/members-*"
	send_to 1 3 1000
	start_daemon
	assert_equal "after a release" "$(member customers "$NET.1" .out)" $((48 * 1028))
}
