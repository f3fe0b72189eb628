# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Questions to netfil, and comparisons with the witness.

show() { # NAME JQ-EXPRESSION
	netfil show "$1" --json | jq -r "$2"
}

used() { # NAME in|out|total
	show "$1" ".used.$2"
}

state() { # NAME
	show "$1" .state
}

is_state() { # NAME STATE
	[[ $(state "$1") == "$2" ]]
}

periods() { # NAME hour|day|month|cycle JQ-EXPRESSION
	netfil history "$1" --by "$2" --from 2000-01-01 --json | jq -r "$3"
}

# Of all periods, the one that is not over included.
sum_of() { # NAME hour|day|month|cycle in|out|total
	periods "$1" "$2" "map(.$3) | add // 0"
}

assert_equal() { # WHAT ACTUAL EXPECTED
	[[ $2 == "$3" ]] || fail "$1: $2, where $3 was expected"
}

assert_between() { # WHAT ACTUAL LEAST MOST
	(($2 >= $3 && $2 <= $4)) || fail "$1: $2 is not within $3 to $4"
}

# The filter counted what the witness saw, to the byte, and the flow went well: no
# reset, some traffic. The last packets may still be on their way: asks again
# until both agree.
assert_exact() { # NAME DIRECTION...
	local name=$1 direction
	shift
	wait_closed
	for direction in "${@:-out}"; do
		wait_until_equal "$name" "$direction"
		(($(witness "$direction") > 0)) || fail "$name $direction: no traffic"
	done
	assert_equal "resets seen" "$(witness resets packets)" 0
}

# Equal, but for resets: one that still fitted is in use, and one that the kernel
# answered for a socket that is no more is not; the witness has them apart.
wait_until_equal() { # NAME DIRECTION [WITNESSED-BEFORE]
	local deadline=$((SECONDS + 3)) ours theirs resets
	while :; do
		theirs=$(($(witness "$2") - ${3-0})) resets=$(witness "$([[ $2 == in ]] && echo resets_in || echo resets)")
		ours=$(used "$1" "$2")
		((ours < theirs || ours > theirs + resets)) || return 0
		if ((SECONDS > deadline)); then
			fail "$1 $2: netfil counted $ours, the witness $theirs ($((ours - theirs)))" \
				"and $resets of resets"
			return 1
		fi
		sleep 0.02
	done
}

# Against the capture, but for a reset that still fitted.
assert_reckoned() { # NAME out [4|6]
	local seen
	seen=$(reckoned "$2" "${3-4}")
	assert_between "$1 $2 beside the capture" "$(used "$1" "$2")" "$seen" \
		$((seen + $(witness resets)))
}

# The same with a capture for a witness.
assert_exact_capture() { # NAME 4|6 [UDP-SEGMENT]
	local direction
	wait_closed
	stop_capture
	for direction in in out; do
		assert_equal "$1 $direction" "$(used "$1" "$direction")" \
			"$(reckoned "$direction" "${@:2}")"
	done
}

feature() { # NAME present|used
	netfil doctor --json | jq --arg name "$1" ".features[] | select(.name == \$name).$2"
}

# How much of what another process sends first with a socket is still its maker's: none where
# packets tell who sends, or trampolines before; else one call.
first_unnoticed() {
	if [[ $(feature sock_length present) != true || $(feature casts present) == true ]]; then
		echo 0
	else
		echo 1
	fi
}

# Skips a test of what this kernel cannot do: it takes one of these features. Asks where no
# netfild is: one that fails to load a program would say that the feature is not there.
needs() { # FEATURE...
	local features name lost
	features=$(NETFIL_RUNTIME_DIR=$TMP/nowhere netfil doctor --json |
		jq -c '[.features[] | {(.name): .}] | add')
	for name in "$@"; do
		jq -e --arg name "$name" 'has($name)' <<<"$features" >/dev/null ||
			fail "doctor knows no feature $name"
		[[ $(jq --arg name "$name" '.[$name].present' <<<"$features") != true ]] || return 0
		lost+="; $name: $(jq -r --arg name "$name" '.[$name].lost' <<<"$features")"
	done
	skip "the kernel lacks ${lost#; }"
}
