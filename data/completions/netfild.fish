# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# fish completion for netfild(8): its --help has all there is.

function __netfild_complete
    command netfild --help | string match --regex --groups-only '^  (?:-\w, )?(--[\w-]+)(?:=\S+)? *(.*)$' |
        while read --local option
            read --local description
            printf '%s\t%s\n' $option $description
        end
end

complete --command netfild --no-files --arguments '(__netfild_complete)'
