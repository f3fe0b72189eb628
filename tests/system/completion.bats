# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What may be typed: as netfil tells it, and as bash, zsh and fish make use of it.

load lib

COMPLETIONS=$REPOSITORY/data/completions

# Candidates, in their order; directives too.
candidates() { # WORD...
	netfil __complete "$@" | cut -f 1
}

joined() { # WORD...
	candidates "$@" | xargs
}

commands() {
	netfil --help | sed -n '/^Commands:/,/^$/s/^  \([^ ]*\) .*/\1/p'
}

@test "commands, and each one's options, are those of --help" {
	diff <(commands) <(candidates '')
	assert_equal described "$(netfil __complete '' | sed -n 's/^run\t//p')" "run a command under a cap"
	for command in $(commands); do
		diff <(netfil "$command" --help | sed -nE 's/^  (-.)?(, )?(--[a-z0-9-]+).*/\3/p' | sort) \
			<(candidates "$command" -- | sort) || fail "$command"
	done
	assert_equal "of the program" "$(joined -)" "--help --version"
	assert_equal "of no command" "$(joined nonsense '')" ""
}

@test "values that are words are taken as they are offered" {
	start_daemon
	netfil add it --interface net0 --total 1M
	for option in on-limit every warn free durability unlimited-until; do
		mapfile -t values < <(candidates set it "--$option" '')
		((${#values[@]} > 1)) || fail "little is offered for --$option"
		for value in "${values[@]}"; do
			case $value in
			kill | pause) netfil add "$value" --pid $$ --on-limit "$value" ;;
			*) netfil set it "--$option" "$value" ;;
			esac
		done
	done
	for option in proto user interface; do
		mapfile -t values < <(candidates add it "--$option" '')
		((${#values[@]} > 1)) || fail "little is offered for --$option"
		netfil add "$option" "${values[@]/#/--$option=}"
	done
	for value in $(candidates history --by ''); do
		netfil history --by "$value" --json >"$TMP/history"
	done
	for value in $(candidates history --from ''); do
		netfil history --from "$value" --json >"$TMP/history"
	done
}

@test "values: where they stand" {
	assert_equal apart "$(joined history --by '')" "hour day month cycle"
	assert_equal together "$(joined history --by=)" "--by=hour --by=day --by=month --by=cycle"
	assert_equal each "$(joined add it --each=)" \
		"--each=ip --each=user --each=exe --each=cgroup --each=interface"
	candidates add it --each -- | grep -qx -e --durability # and no value of --each
	assert_equal "what to sort by" "$(joined show it --members --sort '')" "total key in out refused"
	assert_equal "not of top" "$(joined top --sort '')" ""
	assert_equal "an option's value" "$(joined set x --on-limit --)" "$(joined set x --on-limit '')"
	assert_equal "of no option" "$(joined history --none=)" ""
	assert_equal "without a value" "$(joined list --json=)" "$(joined list --json=x)"
	assert_equal run "$(joined run --on-limit '')" "reject drop kill pause throttle=125k notify"
	assert_equal size "$(joined add x --total '')" ""
	assert_equal interfaces "$(candidates add x --interface '' | sort | xargs)" "lo net0"
	assert_equal files "$(joined run --report '')" ":files"
	assert_equal "files together" "$(joined run --report=/tm)" ":files --report="
	assert_equal "a list" "$(joined add x --ip-file '')" ":files"
	assert_equal program "$(joined add x --exe '')" ":programs"
	assert_equal "a new name" "$(joined add '')" ""
	assert_equal export "$(joined export '')" ":files"
	assert_equal apply "$(joined apply -n '')" ":files"
	assert_equal "after --" "$(joined list -- --)" ""
}

@test "control groups, units and processes are those that are there" {
	mkdir "$CGROUP/inside/deep.service" "$CGROUP/inside/deep.service/below"
	start sleeper in_cgroup sleep 1000
	assert_equal groups "$(candidates add x --cgroup "/nf-$ID/" | sort | xargs)" \
		"/nf-$ID/inside /nf-$ID/outside :nospace"
	assert_equal below "$(joined add x "--cgroup=$INSIDE/deep.service/")" "--cgroup=$INSIDE/deep.service/below :nospace"
	assert_equal file "$(joined add x --cgroup "$(cgroup2_mount)/x")" ":files"
	netfil __complete add x --unit '' >"$TMP/units"
	grep -xF "deep.service	$INSIDE/deep.service" "$TMP/units"
	netfil __complete add x --pid '' >"$TMP/processes"
	grep -xF "${PIDS[sleeper]}	sleep 1000" "$TMP/processes"
}

@test "another command's line begins where netfil's ends" {
	assert_equal "behind --" "$(joined run --total 1M -- '')" ":command 4"
	assert_equal later "$(joined run -- ls --a)" ":command 2"
	assert_equal "without --" "$(joined run --total 1M ls -)" ":command 3"
	assert_equal itself "$(joined run --quiet l)" ":command 2"
	assert_equal "its --" "$(joined run ls -- x)" ":command 1"
}

@test "sysctl keys" {
	diff <(netfil sysctl -aN) <(candidates sysctl '' | grep -v '^:')
	assert_equal status "$(joined sysctl -w net.netfil.ip.status=)" "net.netfil.ip.status=1 net.netfil.ip.status=0"
	assert_equal list "$(candidates sysctl net.netfil.interface.list= | sort | xargs)" \
		"net.netfil.interface.list=lo net.netfil.interface.list=net0"
	assert_equal file "$(joined sysctl -p '')" ":files"
	assert_equal "more files" "$(joined sysctl -p a.conf '')" ":files"
}

@test "filters' names, quietly" {
	assert_equal "without netfild" "$(netfil __complete show '' 2>&1)" ""
	[[ ! -e $TMP/run/netfild.pid ]] || fail "it started one"
	chmod 755 "$TMP" "${TMP%/*}" "${TMP%/*/*}"
	start_daemon
	netfil add beta --ip 192.0.2.1
	netfil add alpha --ip 192.0.2.2 --off
	assert_equal "described" "$(netfil __complete show '')" \
		$'alpha\toff, ip 192.0.2.2\nbeta\ton, ip 192.0.2.1'
	assert_equal "given once" "$(joined rm beta '')" "alpha"
	assert_equal "one is enough" "$(joined show beta '')" ""
	for command in set on off reset rm show history watch; do
		assert_equal "$command" "$(joined "$command" '')" "alpha beta"
	done
	assert_equal "an ordinary user's" "$(in_ns a setpriv --reuid=65534 --regid=65534 --clear-groups \
		netfil __complete show '' | cut -f 1 | xargs)" "alpha beta"
}

@test "a netfild that hangs is not waited for" {
	start_daemon
	kill -STOP "${PIDS[daemon]}"
	status=0
	in_ns a timeout 10 netfil __complete show '' >"$TMP/hung" || status=$?
	kill -CONT "${PIDS[daemon]}"
	assert_equal ended "$status" 142 # by SIGALRM
}

# What shells do is tried with names that they take apart, and with what they would run.
some_filters() {
	start_daemon
	netfil add hotspot --interface net0 --total 1M
	netfil add 'wan:a@b.c' --ip 192.0.2.1
	netfil add zeta-1 --ip 192.0.2.2
	netfil add zeta-2 --ip 192.0.2.3
	mkdir "$TMP/home" "$TMP/some where" "$TMP/bin"
	ln -s "$(command -v env)" "$TMP/bin/sudo" # shells complete only what is there
	: >"$TMP/some where/a file"
	mkdir "$CGROUP/inside/od\$(x) d"
}

# Types lines and tabs; each line's end is a "|".
typed() { # "SHELL..." SETUP LINE...
	in_ns a env HOME="$TMP/home" PATH="$TMP/bin:$PATH" XDG_DATA_DIRS=/usr/share "$REPOSITORY/tests/system/type-in.zsh" "$TMP" "$@"
}

# LINE and what it becomes, in turn.
becomes() { # "SHELL..." SETUP {LINE RESULT}...
	local shell=$1 setup=$2 lines=() i
	shift 2
	for ((i = 1; i <= $#; i += 2)); do
		lines+=("${!i}")
	done
	typed "$shell" "$setup" "${lines[@]}" >"$TMP/typed"
	while (($#)); do
		printf '%s|\n' "$2"
		shift 2
	done >"$TMP/expected"
	diff "$TMP/expected" "$TMP/typed"
}

# What bash and zsh make of a line alike.
in_both() {
	BOTH=(
		'netfil rm zeta-1 ze' 'netfil rm zeta-1 zeta-2 '
		'netfil rm z' 'netfil rm zeta-'
		'netfil list --j' 'netfil list --json '
		'sudo netfil show ho' 'sudo netfil show hotspot '
		'sudo netfil run -- netfil --ver' 'sudo netfil run -- netfil --version '
		'netfil history --by=mo' 'netfil history --by=month '
		'netfil history --by mo' 'netfil history --by month '
		'netfil set x --every month@' 'netfil set x --every month@14 '
		'netfil add x --on-limit=th' 'netfil add x --on-limit=throttle=125k '
		"netfil export $TMP/so" "netfil export $TMP/some\\ where/"
		"netfil run --report=$TMP/some\\ where/" "netfil run --report=$TMP/some\\ where/a\\ file "
		"netfil add x --cgroup $INSIDE/od" "netfil add x --cgroup $INSIDE/od\\\$\\(x\\)\\ d"
		'netfil run --total=1M -- netfil histo' 'netfil run --total=1M -- netfil history '
		'netfil run --total 1M netfil history --by=cy' 'netfil run --total 1M netfil history --by=cycle '
		'netfil sysctl net.netfil.socket.p' 'netfil sysctl net.netfil.socket.pid'
	)
}

@test "bash" {
	some_filters
	cat >"$TMP/bashrc" <<-END
		source /usr/share/bash-completion/bash_completion
		source $COMPLETIONS/netfil.bash
		source $COMPLETIONS/netfild.bash
		write_line() {
			printf '%s|\n' "\$READLINE_LINE" >$TMP/line.new
			mv $TMP/line.new $TMP/line
		}
		bind -x '"\C-t": write_line'
		PS1='READY>'
	END
	in_both
	becomes "bash --norc -i" "source $TMP/bashrc" \
		'netfil sh' 'netfil show ' \
		'netfil show ho' 'netfil show hotspot ' \
		'netfil show "ho' 'netfil show "hotspot" ' \
		"netfil show 'wan:" "netfil show 'wan:a@b.c' " \
		'netfil show wan' 'netfil show wan:a@b.c ' \
		'netfil show wan:a@' 'netfil show wan:a@b.c ' \
		"${BOTH[@]}" \
		'netfil show $(touch '"$TMP"'/ran) ho' 'netfil show $(touch '"$TMP"'/ran) ho' \
		'netfild --dur' 'netfild --durability='
	[[ ! -e $TMP/ran ]] || fail "it ran what was typed"
}

@test "zsh" {
	some_filters
	cat >"$TMP/zshrc" <<-END
		fpath=($COMPLETIONS \$fpath)
		autoload -U compinit
		compinit -u -D
		write_line() {
			print -r -- "\$BUFFER|" >$TMP/line.new
			mv $TMP/line.new $TMP/line
		}
		zle -N write_line
		bindkey '^T' write_line
		bindkey '^U' kill-whole-line
		PS1='READY>'
	END
	in_both
	becomes "zsh -f -i" "source $TMP/zshrc" \
		'netfil sh' 'netfil show ' \
		'netfil show ho' 'netfil show hotspot ' \
		'netfil show "ho' 'netfil show "hotspot" ' \
		'netfil show wan:' 'netfil show wan:a@b.c ' \
		"${BOTH[@]}" \
		'netfild --dur' 'netfild --durability='
}

# What fish offers for a line; it types by itself where one is left.
fish_offers() { # LINE
	in_ns a env HOME="$TMP/home" PATH="$TMP/bin:$PATH" XDG_DATA_DIRS=/usr/share XDG_CONFIG_HOME="$TMP/home" LINE="$1" fish -c "
		source $COMPLETIONS/netfil.fish
		source $COMPLETIONS/netfild.fish
		complete -C \$LINE" 2>&1
}

@test "fish" {
	some_filters
	while IFS='|' read -r line expected; do
		assert_equal "$line" "$(fish_offers "$line" | tr '\t\n' '  ' | sed 's/ *$//')" "$expected"
	done <<-END
		netfil sh|show all about one filter
		netfil show ho|hotspot on, interface net0
		netfil show "ho|hotspot on, interface net0
		netfil show wan:|wan:a@b.c on, ip 192.0.2.1
		netfil rm zeta-1 ze|zeta-2 on, ip 192.0.2.3
		netfil rm z|zeta-1 on, ip 192.0.2.2 zeta-2 on, ip 192.0.2.3
		netfil list --j|--json a JSON array
		sudo netfil show ho|hotspot on, interface net0
		sudo netfil run -- netfil --ver|--version print the version
		netfil history --by=mo|--by=month
		netfil history --by mo|month
		netfil set x --every month@|month@14 on the 14th, or another day
		netfil add x --on-limit=th|--on-limit=throttle=125k so many bytes a second go on
		netfil export $TMP/so|$TMP/some where/
		netfil run --report=$TMP/so|--report=$TMP/some where/
		netfil run --total=1M -- netfil histo|history what filters, or applications, moved by hour, day, month or cycle
		netfil run --total 1M netfil history --by=cy|--by=cycle
		netfil sysctl net.netfil.socket.p|net.netfil.socket.pid
		netfild --ver|--version print the version
	END
}

@test "completions are installed where each shell looks" {
	meson introspect --installed "$BUILD" | jq -r 'to_entries[] | "\(.key) \(.value)"' |
		sed -n "s|^$COMPLETIONS/||p" | sed 's| .*/share/| |' | sort >"$TMP/installed"
	diff - "$TMP/installed" <<-END
		_netfil zsh/site-functions/_netfil
		_netfild zsh/site-functions/_netfild
		netfil.bash bash-completion/completions/netfil
		netfil.fish fish/vendor_completions.d/netfil.fish
		netfild.bash bash-completion/completions/netfild
		netfild.fish fish/vendor_completions.d/netfild.fish
	END
}
