#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# check.bash: has spin walk through purse.pml, one scene after the other, and prints TAP. A scene
# is walked through to its end. In a mutant a promise is broken on purpose, and spin has to find
# the assertion that fails. Two at a time, 0.7 GB of memory each at most.
set -euo pipefail

MODEL=$(realpath "${BASH_SOURCE[0]%/*}/purse.pml")
WORKERS=2
MEMORY=700 # MB
DEPTH=5000

# Name, what has to fail (-: nothing), and what is defined. Two units are the largest packet. Where
# a scene has no ANY_ROOM, no packet is refused that would fit.
SCENES='
three at the end of a cap: - WAYS=1 LIMIT_TOTAL=5 USED=1 CREDIT=1
both ways at the end of a cap: - PACKETS_IRQ=0 LIMIT_TOTAL=5 USED=1 CREDIT=1
caps out and in total: - PACKETS_IRQ=0 LIMIT_TOTAL=4 LIMIT_OUT=2 CREDIT=1
two packets each at the end: - WAYS=1 PACKETS_IRQ=0 PACKETS_0=2 PACKETS_1=2 LIMIT_TOTAL=5 CREDIT=1
other filters refuse: - UNDO=1 WAYS=1 LIMIT_TOTAL=5 CREDIT=1
lent and spent: - ANY_ROOM=1 LEND_ROOM=3 WAYS=1 PACKETS_IRQ=0 PACKETS_0=2 PACKETS_1=2 LIMIT_TOTAL=6
lent and spent, interrupted: - ANY_ROOM=1 LEND_ROOM=3 WAYS=1 PACKETS_0=2 LIMIT_TOTAL=6
lent and spent both ways: - ANY_ROOM=1 LEND_ROOM=3 PACKETS_IRQ=0 LIMIT_TOTAL=6 LIMIT_OUT=4
limit lowered and raised: - USER=1 ANY_ROOM=1 LEND_ROOM=3 WAYS=1 PACKETS_IRQ=0 LIMIT_TOTAL=6 LOW_TOTAL=2
limit lowered, interrupted: - USER=1 ANY_ROOM=1 LEND_ROOM=3 WAYS=1 PACKETS_1=0 LIMIT_TOTAL=6 LOW_TOTAL=0
limits out and in total lowered: - USER=1 ANY_ROOM=1 LEND_ROOM=3 WAYS=1 PACKETS_IRQ=0 LIMIT_TOTAL=6 LIMIT_OUT=5 LOW_OUT=1 LOW_TOTAL=2
limit lowered with credit lent: - USER=1 WAYS=1 PACKETS_1=0 LIMIT_TOTAL=6 LOW_TOTAL=2 USED=1 CREDIT=1
cap where none was: - USER=1 ANY_ROOM=1 WAYS=1 PACKETS_IRQ=0 LIMIT_TOTAL=NO_LIMIT LOW_TOTAL=1
reader: - USER=2 LEND_ROOM=3 WAYS=1 PACKETS_IRQ=0 LIMIT_TOTAL=8
reader, interrupted: - USER=2 LEND_ROOM=3 WAYS=1 PACKETS_1=0 LIMIT_TOTAL=8
mutant, no gather before refusing: unfit MUTANT_HOARD PACKETS_IRQ=0 LIMIT_TOTAL=5 USED=1 CREDIT=1
mutant, credit moves without the lock: unfit MUTANT_UNLOCKED WAYS=1 LIMIT_TOTAL=5 USED=1 CREDIT=1
mutant, lent under an old limit without the lock: passed MUTANT_UNLOCKED USER=1 ANY_ROOM=1 LEND_ROOM=3 WAYS=1 PACKETS_IRQ=0 PACKETS_0=2 PACKETS_1=0 LIMIT_TOTAL=6 LOW_TOTAL=0
mutant, lending without the floor: unfit MUTANT_FLOORLESS WAYS=1 LIMIT_TOTAL=5 USED=1 CREDIT=1
mutant, charge undone into a purse: unfit MUTANT_CREDITED UNDO=1 WAYS=1 LIMIT_TOTAL=5 CREDIT=1
mutant, limit not looked at again: passed MUTANT_STALE USER=1 WAYS=1 PACKETS_IRQ=0 PACKETS_1=0 LIMIT_TOTAL=6 LOW_TOTAL=1
mutant, limit lowered without gathering: passed MUTANT_HASTY USER=1 LEND_ROOM=3 WAYS=1 PACKETS_IRQ=0 PACKETS_0=2 PACKETS_1=0 LIMIT_TOTAL=6 LOW_TOTAL=0
mutant, reader without moves: seen MUTANT_BLIND USER=2 LEND_ROOM=3 WAYS=1 PACKETS_IRQ=0 LIMIT_TOTAL=8
mutant, purse spent by a plain subtraction: used MUTANT_PLAIN WAYS=1 LIMIT_TOTAL=5 USED=1 CREDIT=1
'

walk() { # FOLDER DEFINITION...
	local definitions=("${@:2}")
	cd "$1" || return
	spin -a "${definitions[@]/#/-D}" "$MODEL" >spin.out 2>&1 &&
		gcc -O0 -w -DSAFETY -DMEMLIM=$MEMORY -o pan pan.c >>spin.out 2>&1 || return
	./pan -m$DEPTH >pan.out 2>&1 || true
	rm -f pan pan.?
}

# As expected? Says why not.
judge() { # FOLDER WHAT-FAILS
	local errors
	errors=$(sed -n 's/.*errors: \([0-9]*\).*/\1/p' "$1/pan.out" 2>/dev/null)
	if [[ $2 == - ]]; then
		[[ $errors == 0 ]] && ! grep -qE 'Search not completed|too small|limit reached|MEMLIM bound' "$1/pan.out" ||
			cat "$1"/*.out
	else
		grep -q "assertion violated .*$2" "$1/pan.out" || cat "$1"/*.out
	fi
}

command -v spin >/dev/null || {
	echo '1..0 # SKIP spin is not installed'
	exit 0
}
WORK=$(mktemp --directory)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$WORK"' EXIT
trap 'exit 143' TERM INT

mapfile -t scenes < <(grep . <<<"$SCENES")
printf '1..%d\n' "${#scenes[@]}"
for i in "${!scenes[@]}"; do
	read -ra words <<<"${scenes[i]#*: }"
	mkdir "$WORK/$i"
	(($(jobs -rp | wc -l) < WORKERS)) || wait -n || true
	walk "$WORK/$i" "${words[@]:1}" &
done
wait
status=0
for i in "${!scenes[@]}"; do
	read -r fails _ <<<"${scenes[i]#*: }"
	why=$(judge "$WORK/$i" "$fails") || why=${why:-no result}
	printf '%s %d - %s\n' "$([[ $why ]] && echo 'not ok' || echo ok)" $((i + 1)) "${scenes[i]%%: *}"
	[[ -z $why ]] || status=1
	sed -n 's/^/# /p' <<<"$why" | grep -v '^# $' || true
done
exit $status
