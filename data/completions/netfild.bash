# bash completion for netfild(8)                            -*- shell-script -*-
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Its --help has all there is.
complete -F _longopt netfild
