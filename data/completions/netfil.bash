# bash completion for netfil(1)                             -*- shell-script -*-
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# What may be typed is netfil's to say: "netfil __complete" (src/cli/complete.h). Here it is put
# in the shell's terms. Needs bash-completion.

# As typed, without quotes.
_netfil_plain()
{
	printf '%s' "${1//[\"\'\\]/}"
}

# Words that the shell breaks at "=", ":" and "@" and netfil does not.
_netfil_breaks()
{
	local sign
	for sign in = : @; do
		[[ $COMP_WORDBREAKS != *"$sign"* ]] || printf '%s' "$sign"
	done
}

# One candidate, less what the shell takes for words before this one.
_netfil_offer() # CANDIDATE TYPED
{
	local candidate=$1 breaks
	[[ $candidate == "$2"* ]] || return 0
	if [[ $cur != [\"\']* ]]; then
		breaks=$(_netfil_breaks)
		[[ -z $breaks ]] || candidate=${candidate#"${2%"${2##*["$breaks"]}"}"}
		printf -v candidate '%q' "$candidate"
	fi
	COMPREPLY+=("$candidate")
}

_netfil_leave() # files|programs BEFORE
{
	cur=${cur#"$2"}
	if [[ $1 == programs && $cur != */* ]]; then
		mapfile -t COMPREPLY < <(compgen -c -- "$cur" | sort -u)
	else
		_filedir
	fi
	[[ $(_netfil_breaks) == *=* ]] || COMPREPLY=("${COMPREPLY[@]/#/$2}")
}

# Another command's line begins at word N behind "netfil".
_netfil_command() # N
{
	local i joined offset=0
	for ((i = 0; i <= $1; i++)); do
		joined=
		while [[ $joined != "${words[i]}" ]]; do
			((offset < COMP_CWORD)) || return 0
			joined+=${COMP_WORDS[offset++]}
		done
	done
	_command_offset "$offset"
}

_netfil()
{
	# shellcheck disable=SC2034 # prev is _init_completion's
	local cur prev words cword line typed word
	local -a before=()
	_init_completion -n '=:@' || return
	for word in "${words[@]:1:cword-1}"; do
		before+=("$(_netfil_plain "$word")")
	done
	typed=$(_netfil_plain "$cur")
	while IFS= read -r line; do
		case $line in
		:files* | :programs*)
			line=${line#:}
			_netfil_leave "${line%% *}" "${line#* }"
			;;
		:command*) _netfil_command "${line#* }" ;;
		:nospace) compopt -o nospace ;;
		*) _netfil_offer "${line%%$'\t'*}" "$typed" ;;
		esac
	done < <(command netfil __complete "${before[@]}" "$typed" 2>/dev/null)
}

complete -F _netfil netfil
