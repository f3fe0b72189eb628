#!/usr/bin/zsh -f
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# type-in.zsh FOLDER "SHELL..." SETUP LINE...: types each LINE and a tab into an interactive shell, and
# prints what its line has become. SETUP, a command of the shell, has control-t write the line
# to FOLDER/line; the prompt is "READY>".
zmodload zsh/zpty zsh/zselect zsh/datetime
folder=$1 shell=$2 setup=$3
shift 3

give_up() {
	print -u 2 "type-in: waited in vain for $1; the shell said: $said"
	zpty -d shell
	exit 1
}

said=
zpty -b shell ${=shell}
until_says() { # TEXT
	local part until=$((EPOCHSECONDS + 15))
	said=
	until [[ $said == *$1* ]]; do
		zpty -r -t shell part && said+=$part || zselect -t 1
		((EPOCHSECONDS < until)) || give_up $1
	done
}

until_written() {
	local part until=$((EPOCHSECONDS + 15))
	until [[ -s $folder/line ]]; do
		zpty -r -t shell part && said+=$part || zselect -t 1
		((EPOCHSECONDS < until)) || give_up line
	done
}

zpty -w shell $setup
until_says 'READY>'
for line; do
	rm -f $folder/line
	zpty -wn shell $line$'\t\x14'
	until_written
	cat $folder/line
	zpty -wn shell $'\x15'
done
zpty -d shell
