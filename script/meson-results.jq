# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# A record of meson's testlog.json -> "ok|not ok|skip <tab> name <tab> reason" for
# each TAP line of a test program, or for the program if it speaks no TAP. One
# that broke off without a "not ok" of its own is a failure more.
def tap_lines:
  [(.stdout // "") | split("\n")[]
   | capture("^(?<result>ok|not ok) +[0-9]*[ -]*(?<name>[^#]*?) *(# *(?<mark>[A-Za-z]*) *(?<reason>.*))?$")
   | [if (.mark // "" | ascii_upcase) == "SKIP" then "skip" else .result end,
      .name, .reason // ""]];

(.name | sub("^.* / "; "")) as $program
| .result as $result
| tap_lines as $lines
| (if $result == "OK" then
     if $lines == [] then [["ok", "", ""]] else $lines end
   elif $result == "SKIP" and $lines == [] then
     [["skip", "", "the whole program"]]
   elif $result == "SKIP" or any($lines[]; .[0] == "not ok") then
     $lines
   else
     $lines + [["not ok", "\($result)", ""]]
   end)[]
| [.[0], ([$program, .[1]] | map(select(. != "")) | join(": ")), .[2]]
| @tsv
