# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Messages that are not as they should be, by the thousand, to a netfild with sanitizers in
# it (script/test --fuzz). FUZZ_SEED and FUZZ_TIMES: others, and more of them (script/fuzz).

load ../system/lib

WIRE=$BUILD/tests/fuzz/fuzz-wire
SEED=${FUZZ_SEED:-1}
TIMES=${FUZZ_TIMES:-1}

setup() {
	make_world
	chmod 755 "$TMP" "${TMP%/*}" "${TMP%/*/*}"
	start_daemon
	netfil add good --ip 192.0.2.1 --total 1M
	netfil list --json >"$TMP/before"
}

# It goes by itself, with nothing that a sanitizer would tell.
well() {
	stop_daemon || fail "netfild ended with status $?"
	fails grep -E 'ERROR: |runtime error' "$TMP/daemon.err"
}

wire() { # bytes|calls root|UID COUNT
	in_ns a "$WIRE" "$NETFIL_RUNTIME_DIR/bus" "$1" "$2" "$SEED" $(($3 * TIMES))
}

@test "messages with changed bytes, by a user" {
	wire bytes 65534 6000
	netfil list --json | diff "$TMP/before" -
	well
}

@test "calls with changed arguments, by a user" {
	wire calls 65534 3000
	netfil list --json | diff "$TMP/before" -
	well
}

# Filters come and go; what is left is the same to all who ask, and is kept.
@test "calls with changed arguments, and bytes, by root" {
	local name
	wire calls root 800
	wire bytes root 800
	netfil export >"$TMP/exported"
	netfil list --json | jq -r '.[].name' | sort >"$TMP/listed"
	sed -n 's/^\[\(.*\)\]$/\1/p' "$TMP/exported" | sort | diff "$TMP/listed" -
	while read -r name; do
		[[ $(show "$name" .name) == "$name" ]]
	done <"$TMP/listed"
	well
	"$BUILD/tests/system/ledger-used" "$TMP/state" >"$TMP/ledger"
	fails grep '#' "$TMP/ledger" # damaged
	start_daemon
	netfil export | diff "$TMP/exported" -
	well
}
