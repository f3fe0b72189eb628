# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What it takes to load N caps, to list them, and to keep them: wall time of the commands, the
# least of some rounds, and memory. What a command costs that does nothing is in each.

COMMANDS=(true-1 netfil-100 netfil-1000 nft-rules-100 nft-rules-1000 nft-rules-10000 nft-map-1000
	nft-map-10000 nft-map-100000 iptables-100 iptables-1000)

# The least of COMMAND_ROUNDS, in ms. BEFORE: what is done before each.
least_ms() { # COMMAND...
	local round begin end least=''
	for ((round = 0; round < COMMAND_ROUNDS; round++)); do
		[[ -z ${BEFORE-} ]] || $BEFORE >/dev/null
		begin=${EPOCHREALTIME/./}
		"$@" >"$TMP/listed"
		end=${EPOCHREALTIME/./}
		[[ -n $least ]] && ((least <= end - begin)) || least=$((end - begin))
	done
	awk -v us="$least" 'BEGIN { printf "%.1f", us / 1000 }'
}

forget_filters() {
	: >"$TMP/none.conf"
	netfil apply --prune "$TMP/none.conf"
}

forget_rules() {
	in_ns a nft flush ruleset
}

# Memory of the maps that netfild holds, in KB: what the kernel charges for them.
map_kilobytes() {
	local -A ids=()
	local file id size total=0
	for file in "/proc/${PIDS[daemon]}"/fdinfo/*; do
		read -r id size < <(awk '$1 == "map_id:" { id = $2 } $1 == "memlock:" { size = $2 }
			END { print id + 0, size + 0 }' "$file" 2>/dev/null) || continue
		((id)) && [[ -z ${ids[$id]-} ]] || continue
		ids[$id]=1
		total=$((total + size))
	done
	echo $((total / 1024))
}

command_figures() { # VARIANT LOAD-MS LIST-MS [MAPS-KB DAEMON-KB]
	jq -cn --arg variant "$1" --arg kind "${1%-*}" --argjson count "${1##*-}" --argjson load "$2" \
		--argjson list "$3" --argjson maps "${4:-null}" --argjson daemon "${5:-null}" '
		{variant: $variant, kind: $kind, count: $count, load_ms: $load, list_ms: $list,
		 maps_kb: $maps, daemon_kb: $daemon}'
}

commands_true() {
	command_figures true-1 "$(least_ms in_ns a true)" "$(least_ms in_ns a true)"
}

commands_netfil() { # COUNT
	local load list maps resident
	netfil_file "$1" >"$TMP/load"
	start_daemon
	load=$(BEFORE=forget_filters least_ms netfil apply "$TMP/load")
	list=$(least_ms netfil list)
	maps=$(map_kilobytes)
	resident=$(awk '/VmRSS/ { print $2 }' "/proc/${PIDS[daemon]}/status")
	end_netfil
	command_figures "netfil-$1" "$load" "$list" "$maps" "$resident"
}

commands_nft() { # rules|map COUNT
	local load list
	"nft_$1" "$2" >"$TMP/load"
	load=$(BEFORE=forget_rules least_ms in_ns a nft -f "$TMP/load")
	list=$(least_ms in_ns a nft list ruleset)
	forget_rules
	command_figures "nft-$1-$2" "$load" "$list"
}

commands_iptables() { # COUNT
	local load list
	iptables_file "$1" >"$TMP/load"
	load=$(BEFORE=forget_rules least_ms in_ns a iptables-nft-restore "$TMP/load")
	list=$(least_ms in_ns a iptables-nft-save)
	forget_rules
	command_figures "iptables-$1" "$load" "$list"
}

run_commands() {
	local what
	for what in "${COMMANDS[@]}"; do
		progress "commands: $what"
		case $what in
		true-*) commands_true ;;
		netfil-*) commands_netfil "${what##*-}" ;;
		nft-rules-*) commands_nft rules "${what##*-}" ;;
		nft-map-*) commands_nft map "${what##*-}" ;;
		iptables-*) commands_iptables "${what##*-}" ;;
		esac >>"$DATA/commands"
	done
}
