# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# fish completion for netfil(1). What may be typed is netfil's to say: "netfil __complete"
# (src/cli/complete.h). Here it is put in the shell's terms.

# What the word is without its quotes, also where one is still open.
function __netfil_plain
    string unescape -- $argv[1]
    or string replace --regex '^[\'"]' '' -- $argv[1]
end

# Files behind BEFORE.
function __netfil_files # BEFORE WORD
    set -l from (math (string length -- "$argv[1]") + 1)
    for path in (__fish_complete_path (string sub --start $from -- "$argv[2]"))
        printf '%s%s\n' "$argv[1]" "$path"
    end
end

function __netfil_complete
    set -l tokens (commandline -opc)
    set -l current (commandline -ct)
    set -l word (__netfil_plain "$current")
    set -e tokens[1]
    for line in (command netfil __complete $tokens "$word" 2>/dev/null)
        set -l rest (string replace --regex '^:\w+ ?' '' -- $line)
        switch $line
            case ':files*'
                __netfil_files "$rest" "$word"
            case ':programs*'
                __netfil_files "$rest" "$word"
                string match --quiet '*/*' -- "$word"
                or complete -C (string sub --start (math (string length -- "$rest") + 1) -- "$word") |
                    string replace --regex -- '^' "$rest"
            case ':command*'
                set -l command
                test $rest -lt (count $tokens)
                and set command (string escape -- $tokens[(math $rest + 1)..-1])
                complete -C (string join ' ' -- $command "$current")
            case ':nospace'
            case '*'
                echo $line
        end
    end
end

complete --command netfil --no-files --keep-order --arguments '(__netfil_complete)'
