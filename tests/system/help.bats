# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# --help and the manual pages say the same, and the pages are well made. Commands and options
# are asked of the programs, so that one without a manual entry fails here.

load lib

setup() {
	TMP=$BATS_TEST_TMPDIR
	cd "$REPOSITORY/man" || return
}

teardown() {
	:
}

netfil() { # no daemon is needed
	command netfil "$@"
}

commands() {
	netfil --help | sed -n '/^Commands:/,/^$/s/^  \([^ ]*\) .*/\1/p'
}

# -x and --word, a line each.
options() { # COMMAND...
	"$@" --help | sed -nE 's/^  (-[A-Za-z0-9])?(, )?(--[a-z0-9-]+)?.*/\1 \3/p' | tr ' ' '\n' |
		grep '^-' | sort -u
}

# The options that the lists of a page have as items: of a section (.Sh), of a command's
# (.Ss netfil NAME), or of all of it.
documented() { # PAGE [SECTION]
	awk -v section="${2-}" '
		/^\.S[hs] / {
			title = substr($0, 5)
			inside = title == section
			count = split(title, parts, ", ")
			for (i = 1; i <= count; i++)
				inside = inside || parts[i] == section
		}
		/^\.It / && (section == "" || inside) {
			flag = 0
			for (i = 2; i <= NF; i++)
				if ($i ~ /^[A-Z][a-z]$/)
					flag = $i == "Fl"
				else if (flag && $i != "," && $i != "|")
					print "-" $i
		}' "$1" | sort -u
}

@test "each command is in the manual, with its options and no others" {
	mapfile -t all < <(commands)
	((${#all[@]} >= 16)) || fail "few commands: ${all[*]}"
	for command in "${all[@]}"; do
		grep -qE "^\.Cm (.* \| )?$command( |$)" <(sed -n '/^\.Sh SYNOPSIS/,/^\.Sh DESC/p' netfil.1) ||
			fail "netfil $command is not in the synopsis"
		grep -qE "^\.Ss (.*, )?netfil $command(,|$)" netfil.1 || fail "netfil $command has no section"
		diff --label "netfil $command --help" --label "netfil(1), netfil $command" -u \
			<(options netfil "$command" | grep -vx -e -h -e --help) \
			<(documented netfil.1 "netfil $command")
	done
}

@test "the manual has no commands that are not there" {
	commands | sort >"$TMP/commands"
	sed -n 's/^\.Ss netfil //p' netfil.1 | sed 's/, netfil /\n/g' | sort | diff "$TMP/commands" -
}

@test "what a filter takes is explained once" {
	for section in SELECTORS CAPS POLICY CYCLES; do
		documented netfil.1 "$section"
	done | sort >"$TMP/explained"
	uniq -d "$TMP/explained" | diff - /dev/null
	comm -13 <(options netfil add) "$TMP/explained" | diff - /dev/null
	# Those of add, set and run that are not are explained where they are listed.
	for command in add set run; do
		options netfil "$command" | grep -vx -e -h -e --help | comm -23 - "$TMP/explained" |
			while read -r option; do
				grep -qE "^\.It (Fl [^,]*, )*Fl -${option#--}( Ar [^,]*)?$" netfil.1 ||
					fail "$option of netfil $command is explained nowhere"
			done
	done
}

@test "netfild's options are in its manual, and no others" {
	diff -u <(options netfild) <(documented netfild.8)
	((7 <= $(options netfild | wc -l))) || fail "few options"
}

# Of a command's --help: its own examples, lines joined, up to what is another program's.
examples() { # COMMAND
	netfil "$1" --help | sed -n '/^Examples\?:$/,$p' | sed -e ':a' -e '/\\$/N; s/\\\n//; ta' |
		sed -nE "s/^  (sudo )?netfil $1( |\$)/ /p" | sed 's/ -- .*\| | .*\| >.*//'
}

@test "each command's --help has an example, of options that it has" {
	for command in $(commands); do
		examples "$command" >"$TMP/examples"
		[[ -s $TMP/examples ]] || fail "netfil $command --help has no example"
		options netfil "$command" >"$TMP/options"
		grep -oE '(^| )--?[A-Za-z][a-z-]*' "$TMP/examples" | tr -d ' ' | sort -u >"$TMP/used" || true
		comm -23 "$TMP/used" "$TMP/options" | diff - /dev/null || fail "examples of netfil $command"
	done
}

@test "--help fits on 100 columns" {
	for command in $(commands); do
		netfil "$command" --help | awk -v name="$command" \
			'length > 100 { print name ": " $0; long = 1 } END { exit long }'
	done
}

@test "each variable of the environment, and field of the journal, is in a page, and no others" {
	grep -rhoE '"NETFIL_[A-Z_]+"' "$REPOSITORY/src" | tr -d '"' | sort -u >"$TMP/variables"
	grep -ho 'NETFIL_[A-Z_]*' -- *.[1-9] | sort -u >"$TMP/explained"
	diff "$TMP/variables" "$TMP/explained"
	(($(wc -l <"$TMP/variables") >= 8)) || fail "few variables"
}

@test "pages have no mistakes" {
	for page in *.[1-9]; do
		mandoc -T lint -W warning "$page" >"$TMP/lint" || true
		mandoc -T utf8 "$page" >"$TMP/page"
		assert_equal "$page" "$(cat "$TMP/lint")" ""
		(($(wc -l <"$TMP/page") > 30)) || fail "$page is short"
	done
}

@test "what pages refer to is there" {
	for page in *.[1-9]; do
		sed -nE 's/^\.Xr (netfil[^ ]*) ([1-9]).*/\1.\2/p' "$page" | sort -u | while read -r other; do
			[[ -e $other ]] || fail "$page: there is no $other"
		done
		sed -nE 's/^\.(.* )?Sx ([^.,;:)]*[^.,;:) ]).*/\2/p' "$page" | sort -u | while read -r title; do
			grep -qxE "\.S[hs] $title" "$page" || fail "$page: there is no section $title"
		done
	done
}

@test "all pages are installed" {
	meson introspect --installed "$BUILD" | jq -r 'keys[] | select(contains("/man/"))' |
		sed 's|.*/||; s/\.gz$//' | sort | diff <(ls -- *.[1-9]) -
}
