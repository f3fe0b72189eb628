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

least_of() { # TIMES COMMAND...
	local i
	for ((i = 0; i < $1; i++)); do
		milliseconds "${@:2}"
	done | sort -n | head -n 1
}

@test "1,000,000 members: under 300 bytes each, netfild under 200 MB, and netfil list waits for none" {
	PATIENCE=120
	start_daemon
	netfil add customers --ip 10.0.0.0/8 --each --total 100G --max-members $COUNT
	local without list page match resident each
	without=$(least_of 5 netfil list)
	stop_daemon
	umount "$TMP/bpf" # as after a restart of the machine
	mount -t bpf "nf-$ID" "$TMP/bpf"
	"$BUILD/tests/system/fill-members" "$TMP/state" customers $COUNT
	local begun=${EPOCHREALTIME/./}
	start_daemon
	echo "start: $(((${EPOCHREALTIME/./} - begun) / 1000)) ms"
	assert_equal members "$(show customers .members)" $COUNT
	assert_equal used "$(used customers total)" $((3 * COUNT * (COUNT - 1) / 2))
	list=$(least_of 5 netfil list)
	page=$(least_of 3 netfil show customers --members)
	match=$(least_of 3 netfil show customers --members --match 0.7.7)
	resident=$(resident)
	each=$(bytes_per_member)
	echo "list $list ms, $without ms without members, a page $page ms, with --match $match ms, $resident kB, $each bytes each"
	# Sanitizers take time and memory of their own.
	[[ ${NETFIL_SANITIZE-} ]] || ((list <= 3 * without)) ||
		fail "netfil list takes $list ms, and $without ms without members"
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
