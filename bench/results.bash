# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The figures of script/bench: as JSON, as tables, as pictures. Tables and pictures are made
# of the JSON alone (summary.jq), so that both say what was measured.

BEGIN_MARK='<!-- figures: script/bench -'
END_MARK='<!-- end of figures -->'

# The machine, as it was at the beginning and at the end.
note_machine() { # begin|end
	jq -cn --arg when "$1" --arg load "$(cut -d ' ' -f 1-3 /proc/loadavg)" \
		--argjson ticks "$(awk '$1 == "cpu" {
			for (i = 2; i <= 9; i++) all += $i
			print "[" all "," $5 + $6 "," $9 "]" }' /proc/stat)" \
		--arg date "$(date -u +%FT%TZ)" \
		'{($when): {date: $date, load: $load, all: $ticks[0], idle: $ticks[1], steal: $ticks[2]}}' \
		>>"$DATA/machine"
}

of_cpu() { # KEY
	lscpu | sed -n "s/^$1: *//p" | head -n 1
}

describe_machine() {
	jq -s --arg kernel "$(uname -sr)" --arg cpu "$(of_cpu 'Model name')" \
		--argjson cpus "$(nproc)" --arg hypervisor "$(of_cpu 'Hypervisor vendor')" \
		--arg memory "$(awk '$1 == "MemTotal:" { printf "%.0f GB", $2 / 1e6 }' /proc/meminfo)" \
		--arg system "$(. /etc/os-release && echo "$PRETTY_NAME")" \
		--arg commit "$(git describe --always --dirty 2>/dev/null)" \
		--arg nft "$(nft --version | sed 's/ (.*//')" \
		--arg iptables "$(iptables-nft --version)" \
		--arg iperf "$(iperf3 --version | sed -n '1s/ (.*//p')" \
		--arg sockperf "sockperf $(dpkg-query --show --showformat '${Version}' sockperf)" '
		add | {kernel: $kernel, system: $system, cpu: $cpu, cpus: $cpus, memory: $memory,
			hypervisor: $hypervisor, commit: $commit,
			tools: [$nft, $iptables, $iperf, $sockperf], "begin": .begin, "end": .end}' "$DATA/machine"
}

as_list() { # FILE
	if [[ -e $1 ]]; then jq -s . "$1"; else echo '[]'; fi
}

names_of_variants() {
	local variant
	for variant in "${VARIANTS[@]}"; do
		jq -n --arg key "$variant" --arg value "$(describe "$variant")" '{key: $key, value: $value}'
	done | jq -s .
}

write_results() { # FILE
	local part
	for part in samples precision commands skipped; do
		as_list "$DATA/$part" >"$DATA/$part.list"
	done
	[[ -e $DATA/packet.json ]] || echo '[]' >"$DATA/packet.json"
	jq -cn --argjson rounds "$ROUNDS" --argjson seconds "$TIME" --arg took "$SECONDS" \
		--argjson machine "$(describe_machine)" --argjson names "$(names_of_variants)" \
		--slurpfile samples "$DATA/samples.list" --slurpfile precision "$DATA/precision.list" \
		--slurpfile commands "$DATA/commands.list" --slurpfile skipped "$DATA/skipped.list" \
		--slurpfile packet "$DATA/packet.json" '
		{format: 1, rounds: $rounds, seconds: $seconds, took_seconds: ($took | tonumber),
		 machine: $machine, variants: $names, skipped: $skipped[0], precision: $precision[0],
		 commands: $commands[0], packet: $packet[0], samples: $samples[0]}' >"$1"
}

summary() { # FILE FUNCTION
	jq -r -L bench "include \"summary\"; $2" "$1"
}

# Markdown: on stdout, and in the page.
results_table() { # FILE
	summary "$1" tables
}

results_docs() { # FILE
	local page=docs/performance.md file
	grep -qF -- "$BEGIN_MARK" $page && grep -qF -- "$END_MARK" $page || {
		echo "bench: $page has no place for figures" >&2
		return 1
	}
	file=$(mktemp)
	awk -v begin="$BEGIN_MARK" -v end="$END_MARK" -v tables="$(results_table "$1")" \
		-v from="script/bench --docs ${1#"$PWD"/}" '
		index($0, end) { inside = 0 }
		!inside
		index($0, begin) { inside = 1; printf "\nMade by `%s`.\n\n%s\n\n", from, tables }
		' $page >"$file"
	cat "$file" >$page
	rm "$file"
}

style='set terminal svg size 960,520 font "sans-serif,13" background "#ffffff"
set border 3; set tics nomirror; set grid ytics lc "#dddddd"
set key above maxrows 1 samplen 2 width -1 noenhanced font ",11"
set datafile missing "-"; set datafile separator "\t"'
columns='set style data histograms; set style histogram clustered gap 1; set style fill solid
set xtics rotate by -30 noenhanced font ",11"'

plot_cost() { # FILE
	local kind title colour lines curves='$nothing using 1:2 with lines lw 2 dt 2 lc "#7f7f7f" title "nothing"'
	printf '$nothing << END\n%s\nEND\n' "$(summary "$1" 'cost_lines("nothing")')"
	while IFS='|' read -r kind title colour; do
		lines=$(summary "$1" "cost_lines(\"$kind\")")
		[[ -n $lines ]] || continue
		printf '$%s << END\n%s\nEND\n' "${kind//-/_}" "$lines"
		curves+=", \$${kind//-/_} using 1:2 with linespoints lw 2 pt 7 lc \"$colour\" title \"$title\""
	done <<-END
		nft-rules|nftables, rules|#d62728
		iptables|iptables, rules|#ff7f0e
		nft-map|nftables, a map|#9467bd
		netfil|netfil, filters|#1f77b4
		netfil-each|netfil, members|#17becf
	END
	cat <<-END
		set title "CPU time of a UDP datagram"
		set xlabel "caps configured, of which one matches"; set ylabel "ns"
		set logscale xy; set format "%.0f"; set yrange [100:]
		plot $curves
	END
}

plot_rates() { # FILE
	printf '$rates << END\n%s\nEND\n' "$(summary "$1" rate_lines)"
	cat <<-END
		$columns
		set title "Rates, as shares of those without any cap in the same round"
		set yrange [0:]
		plot for [i=2:6] \$rates using i:xtic(1) title columnheader(i)
	END
}

plot_precision() { # FILE
	printf '$over << END\n%s\nEND\n' "$(summary "$1" precision_lines)"
	cat <<-END
		$columns
		set title "A cap of 10,000,000 bytes: how far each ends from it"
		set ylabel "bytes"; set logscale y; set format y "%.0f"; set yrange [1:]; set rmargin 20
		plot for [i=2:5] \$over using i:xtic(1) title columnheader(i)
	END
}

results_plot() { # FILE
	local picture
	command -v gnuplot >/dev/null || die 1 'gnuplot is missing: script/setup bench'
	for picture in cost rates precision; do
		{
			printf '%s\nset output "docs/img/bench-%s.svg"\n' "$style" $picture
			"plot_$picture" "$1"
		} | gnuplot
		echo "docs/img/bench-$picture.svg"
	done
}
