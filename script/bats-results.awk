# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# bats's TAP -> "ok|not ok|skip <tab> name <tab> reason" a line; what failed tests
# said goes to the file `failures`. A file that ends before its plan is fulfilled
# is a failure too.
/^1\.\.[0-9]+/ { planned = substr($1, 4) + 0; has_plan = 1; next }
/^(not )?ok / {
	result = /^not/ ? "not ok" : "ok"
	name = $0
	sub(/^(not )?ok [0-9]+ /, "", name)
	reason = ""
	if (match(name, / # skip.*/)) {
		result = "skip"
		reason = substr(name, RSTART + 8)
		name = substr(name, 1, RSTART - 1)
	}
	sub(/ in [0-9]+ms/, "", name)
	printf "%s\t%s: %s\t%s\n", result, file, name, reason
	if (result == "not ok")
		print "-- " file ": " name >>failures
	seen++
	next
}
result == "not ok" || !seen { print >>failures }
END {
	if (!has_plan || seen < planned) {
		printf "not ok\t%s: %d of %d tests did not come to an end\t\n", file, planned - seen, planned
	}
}
