# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What a results file of script/bench comes to.

def quantile(q): sort | if length == 0 then null else
	((length - 1) * q) as $at | .[$at | floor] as $low | .[$at | ceil] as $high
	| $low + ($high - $low) * ($at - ($at | floor)) end;
def median: quantile(0.5);

def fixed(digits): if . == null then "–" else
	pow(10; digits) as $scale
	| ((if . < 0 then -. else . end) * $scale | round) as $n
	| ($n / $scale | floor | tostring) as $whole
	| (if . < 0 and $n > 0 then "-" else "" end) + $whole
	+ (if digits > 0 then "." + ("000000" + ($n % $scale | tostring))[-digits:] else "" end) end;
def thousands: if . == null then "–" else tostring
	| [while(length > 0; .[:-3]) | .[-3:]] | reverse | join(",") end;

def row: "| " + join(" | ") + " |";
def table(head): [(head | row), (head | map("---") | row)] + map(row) | join("\n");

def workloads: [
	{key: "tcp", label: "TCP", name: "TCP, Gbit/s", scale: 1e-9, digits: 1},
	{key: "udp", label: "UDP", name: "UDP, k/s", scale: 1e-3, digits: 0},
	{key: "spread", label: "UDP, spread", name: "spread, k/s", scale: 1e-3, digits: 0},
	{key: "rr", label: "request/response", name: "request/response, k/s", scale: 1e-3, digits: 1},
	{key: "connect", label: "connections", name: "connections, k/s", scale: 1e-3, digits: 1}];

def name_of($variant; $all): first($all.variants[] | select(.key == $variant) | .value);

# {variant: {workload: [sample of each round]}}
def by_variant: reduce .samples[] as $s ({}; .[$s.variant][$s.workload] += [$s]);

# What `field` of "nothing" was around a sample of the same round: the mean of the visits
# right before and right after it.
def around($base; $sample; $field):
	[$base[]? | select(.round == $sample.round)] as $same
	| [([$same[] | select(.visit < $sample.visit)] | max_by(.visit)),
	   ([$same[] | select(.visit > $sample.visit)] | min_by(.visit))]
	| map(select(.) | .[$field] | select(.)) | if length > 0 then add / length else null end;

# Of each sample: [its, that of nothing around it].
def pairs($mine; $base; $field): [$mine[]? as $s | around($base; $s; $field) as $b
	| select($b and $s[$field]) | [$s[$field], $b]];

def figures($variants; $name; $workload):
	$variants[$name][$workload] as $mine
	| $variants.nothing[$workload] as $base
	| (pairs($mine; $base; "rate") | map(.[0] / .[1])) as $ratios
	| (pairs($mine; $base; "cpu_ns") | map(.[0] - .[1])) as $over
	| {rate: ($mine // [] | map(.rate) | median), ratio: ($ratios | median), ratios: $ratios,
	   over_ns: ($over | median), over: $over,
	   cpu_ns: ($mine // [] | map(.cpu_ns | select(.)) | median),
	   stat_ns: ($mine // [] | map(.stat_ns | select(.)) | median)};

def names: . as $all | by_variant as $v | $all.variants | map(.key) | map(select($v[.]));

# "nothing" among the others of its kind says nothing: nothing-again does.
def rate_cell(w; $n): if .rate == null then "–" else (.rate * w.scale | fixed(w.digits)) +
	if $n == "nothing" then "" else " (\(.ratio | fixed(3)))" end end;
def over_cell($n): if $n == "nothing" then "–" else .over_ns | fixed(0) end;

def rates: . as $all | by_variant as $v | workloads as $w
	| [names[] as $n | [name_of($n; $all)] + [$w[] as $w | figures($v; $n; $w.key) | rate_cell($w; $n)]]
	| table(["variant"] + ($w | map(.name)));

def costs: . as $all | by_variant as $v
	| [names[] as $n | [name_of($n; $all)] + [("udp", "spread", "connect") as $w
		| figures($v; $n; $w) | (.cpu_ns | fixed(0)), over_cell($n)]
		+ [(figures($v; $n; "udp").stat_ns | fixed(0)),
		   ($v[$n].programs // [] | map(.ns) | median | fixed(0)),
		   ($v[$n].programs // [] | map(.runs) | median | fixed(2))]]
	| table(["variant", "UDP, ns", "over nothing", "spread, ns", "over nothing",
		"connection, ns", "over nothing", "UDP, system and softirq, ns",
		"BPF, ns", "BPF runs"]);

# Others on the machine only ever slow things down: so of all rounds the quarter that was least
# disturbed, against that of nothing.
def best($all; field; $q): $all // [] | map(field | select(.)) | quantile($q);
def rate_of_best($v; $n; $w): best($v[$n][$w]; .rate; 0.75) as $mine
	| best($v.nothing[$w]; .rate; 0.75) as $base
	| if $mine and $base then $mine / $base else null end;
def over_of_best($v; $n; $w): best($v[$n][$w]; .cpu_ns; 0.25) as $mine
	| best($v.nothing[$w]; .cpu_ns; 0.25) as $base
	| if $mine and $base then $mine - $base else null end;

def undisturbed: . as $all | by_variant as $v | workloads as $w
	| [names[] | select(. != "nothing") as $n | [name_of($n; $all)]
		+ [$w[] | rate_of_best($v; $n; .key) | fixed(3)]
		+ [("udp", "spread", "connect") as $k | over_of_best($v; $n; $k) | fixed(0)]]
	| table(["variant"] + ($w | map(.label))
		+ ["UDP, ns over nothing", "spread, ns", "connection, ns"]);

def noise: by_variant as $v | [workloads[] as $w | figures($v; "nothing-again"; $w.key)
	| select(.ratio) | [$w.name, (.ratio | fixed(3)), (.ratios | min | fixed(3)),
		(.ratios | max | fixed(3)), (.over | if length > 0 then min else null end | fixed(0)),
		(.over | if length > 0 then max else null end | fixed(0))]]
	| table(["nothing against nothing", "ratio", "least", "most", "CPU ns, least", "CPU ns, most"]);

def grouped: group_by([.peer, .traffic]) | map({first: .[0], all: .});
def worst(f): map(f | select(. != null)) | if length > 0 then max else null end;

def precision_rows: .precision as $p
	| reduce $p[] as $s ([]; if any(.[]; .peer == $s.peer) then . else . + [{peer: $s.peer, name: $s.name}] end)
	| map(. as $peer | {name: $peer.name} + ([("tcp", "udp") as $t
		| [$p[] | select(.peer == $peer.peer and .traffic == $t)]
		| {key: $t, value: {over: worst(.over), unused: worst(.unused), stop_ms: worst(.stop_ms),
			lost: worst(.lost_between)}}] | from_entries));

def precision_table: precision_rows
	| map([.name] + [(.tcp, .udp) | (.over | thousands), (.unused | thousands), (.stop_ms | fixed(1))])
	| table(["peer", "TCP: over, bytes", "unused, bytes", "to the stop, ms",
		"UDP: over, bytes", "unused, bytes", "to the stop, ms"]);

def kind_name: {"true": "(a command that does nothing)", "netfil": "netfil",
	"nft-rules": "nftables, rules", "nft-map": "nftables, a map", "iptables": "iptables"}[.];

def commands_table: .commands | map([(.kind | kind_name),
		(if .kind == "true" then "–" else .count | thousands end),
		(.load_ms | fixed(1)), (.list_ms | fixed(1)), (.maps_kb | thousands), (.daemon_kb | thousands)])
	| table(["", "caps", "load, ms", "list, ms", "kernel maps, KB", "daemon, KB"]);

def quartiles: "\(.quartiles[0] | fixed(1)) to \(.quartiles[1] | fixed(1))";

def packet_table: .packet | map([(if .program == "empty" then "an empty program" else
			"filters: \(.filters), matching: \(.matching)\(if .apps then ", with applications" else "" end)\(if (.members // 0) > 0 then ", of \(.members) members" else "" end)" end),
		(.ns | fixed(1)), (.over_empty | fixed(1)),
		quartiles, (.least | fixed(1))]
		+ (.together // {} | [(.over_empty | fixed(1)), (if .quartiles then quartiles else "–" end),
			(.least | fixed(1))]))
	| table(["netfil on a cached connection", "ns a packet", "over empty", "quartiles",
		"least", "on all CPUs at once, over empty", "quartiles", "least"]);

def busy: .machine | (.end.all - .begin.all) as $all
	| "\((1 - (.end.idle - .begin.idle) / $all) * 100 | fixed(0)) % busy, "
	+ "\((.end.steal - .begin.steal) / $all * 100 | fixed(1)) % stolen";

def machine: .machine as $m | "\($m.begin.date), commit \($m.commit): \($m.system), \($m.kernel), "
	+ "\($m.cpus) CPUs (\($m.cpu)\(if $m.hypervisor != "" then ", under \($m.hypervisor)" else "" end)), \($m.memory). "
	+ "\($m.tools | join(", ")). \(.rounds) rounds of \(.seconds) s each; \(.took_seconds) s in all, "
	+ "in which the CPUs were \(busy). Load before: \($m.begin.load); after: \($m.end.load).";

def skipped_list: .skipped | map("- Left out: \(.what): \(.reason).") | join("\n");

def section(title; body): "### \(title)\n\n\(body)";

def tables: [machine]
	+ (if .samples != [] then [section("Rates, and their ratio to nothing"; rates),
		section("The least disturbed quarter of the rounds, beside that of nothing"; undisturbed),
		section("CPU time"; costs), section("Noise"; noise)] else [] end)
	+ (if .precision != [] then [section("Precision, the worst of all runs"; precision_table)] else [] end)
	+ (if .commands != [] then [section("Commands and memory"; commands_table)] else [] end)
	+ (if .packet != [] then [section("A packet (bench-packet)"; packet_table)] else [] end)
	+ (if .skipped != [] then [skipped_list] else [] end) | join("\n\n");

# For gnuplot, by tabs.
def cost_lines($kind): by_variant as $v | def cost: figures($v; .; "udp").cpu_ns | select(.);
	if $kind == "nothing" then "nothing" | cost | "1\t\(.)", "100000\t\(.)"
	else names[] | select(test("^\($kind)-[0-9]+$")) | "\(split("-") | last)\t\(cost)" end;

def rate_lines: by_variant as $v | workloads as $w | (["variant"] + ($w | map(.label)) | join("\t")),
	(names[] | select(. != "nothing") as $n
		| [$n] + [$w[] as $w | figures($v; $n; $w.key).ratio // "-"] | map(tostring) | join("\t"));

def precision_lines: (["peer", "TCP: over", "TCP: unused", "UDP: over", "UDP: unused"] | join("\t")),
	(precision_rows[] | [.name, .tcp.over, .tcp.unused, .udp.over, .udp.unused]
		| map(if . == 0 then "-" else tostring end) | join("\t"));
