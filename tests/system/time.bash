# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# netfil's clock (src/engine/clock.h). It goes on at the machine's pace from where it is set.

# Seconds by which it is off from now on; at once, so that nobody reads half of it.
set_clock() { # SECONDS
	echo "$1" >"$TMP/clock.new"
	mv "$TMP/clock.new" "$NETFIL_CLOCK_OFFSET"
}

# "2026-01-31 23:59:58", in $TZ.
set_clock_to() { # TIME
	set_clock $(($(date -d "$1" +%s) - $(date +%s)))
}

move_clock() { # SECONDS
	set_clock $(($(cat "$NETFIL_CLOCK_OFFSET" 2>/dev/null || echo 0) + $1))
}

netfil_now() {
	echo $(($(date +%s) + $(cat "$NETFIL_CLOCK_OFFSET" 2>/dev/null || echo 0)))
}

# An instant that netfil tells in JSON, in $TZ.
local_time() { # ISO-TIME
	date -d "$1" '+%F %T'
}

cycle_started() { # NAME
	local_time "$(show "$1" .cycle.started)"
}

cycle_ends() { # NAME
	local_time "$(show "$1" .cycle.ends)"
}

cycle_seconds() { # NAME
	echo $(($(seconds "$(show "$1" .cycle.ends)") - $(seconds "$(show "$1" .cycle.started)")))
}

# Not jq's fromdate, which heeds $TZ.
seconds() { # ISO-TIME
	date -d "$1" +%s
}
