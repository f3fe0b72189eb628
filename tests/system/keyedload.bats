# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# A million members.
# Takes long.

load lib

COUNT=1000000

# Twenty million calls of the kernel are more than a minute, where these are slow.
((${BATS_TEST_TIMEOUT:-300} >= 300)) || BATS_TEST_TIMEOUT=300

resident() { # kB
	sed -n 's/^VmRSS:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/${PIDS[daemon]}/status"
}

# As the kernel says what the maps of members take.
bytes_per_member() {
	cat "/proc/${PIDS[daemon]}"/fdinfo/* |
		awk -v count=$COUNT '
			/^map_type:/ { members = 0 }
			/^value_size:/ { members = $2 == 184 }
			/^max_entries:/ { members = members && $2 == 4096 || $2 == count }
			/^memlock:/ && members { bytes += $2 }
			END { print int(bytes / count) }'
}

milliseconds() { # COMMAND...
	local begun=${EPOCHREALTIME/./}
	"$@" >"$TMP/timed.out"
	echo $(((${EPOCHREALTIME/./} - begun) / 1000))
}

least() { # COLUMN
	cut -d ' ' -f "$1" | sort -n | head -n 1
}

@test "1,000,000 members: under 300 bytes each, netfild under 200 MB, and netfil list waits for none" {
	PATIENCE=120
	start_daemon
	netfil add customers --ip 10.0.0.0/8 --each --total 100G --max-members $COUNT
	local list page match resident each rounds i
	stop_daemon
	umount "$TMP/bpf" # as after a restart of the machine
	mount -t bpf "nf-$ID" "$TMP/bpf"
	"$BUILD/tests/system/fill-members" "$TMP/state" customers $COUNT
	local begun=${EPOCHREALTIME/./}
	start_daemon
	echo "start: $(((${EPOCHREALTIME/./} - begun) / 1000)) ms"
	assert_equal members "$(show customers .members)" $COUNT
	assert_equal used "$(used customers total)" $((3 * COUNT * (COUNT - 1) / 2))
	rounds=$(for ((i = 0; i < 5; i++)); do
		echo "$(milliseconds netfil list) $(milliseconds netfil show customers --members)"
	done)
	list=$(least 1 <<<"$rounds")
	page=$(least 2 <<<"$rounds")
	match=$(milliseconds netfil show customers --members --match 0.7.7)
	resident=$(resident)
	each=$(bytes_per_member)
	echo "list $list ms, a page $page ms, with --match $match ms, $resident kB, $each bytes each"
	# A page looks at every member. Were list to do so, or to wait for who does, it would take
	# as long; both in turn, so that a busy machine slows both.
	((2 * list < page)) || fail "netfil list takes $list ms, and a page of members $page ms"
	# Sanitizers take memory of their own.
	[[ ${NETFIL_SANITIZE-} ]] || ((resident < 200000000 / 1024)) || fail "netfild has $resident kB"
	((each > 184 && each < 300)) || fail "a member takes $each bytes"
	assert_equal "the largest" "$(netfil show customers --members --limit 1 --json |
		jq -r '.members[0] | [.key, .in, .out] | @csv')" '"10.15.66.63",999999,1999998'
	assert_equal "the smallest" "$(netfil show customers --members --limit 2 --sort key --json |
		jq -r '[.members[].key, .total] | @csv')" '"10.0.0.0","10.0.0.1",1000000'
	assert_equal "those of a subnet" "$(netfil show customers --members --match 10.3.2. --json |
		jq .total)" 256

	# A turn sets a million back, and nobody waits long for it.
	netfil reset customers
	assert_equal used "$(used customers total)" 0
	assert_equal members "$(netfil show customers --members --limit 1 --json | jq -c .members[0].total)" 0
	echo "rows went in $(milliseconds netfil list) ms"
}
