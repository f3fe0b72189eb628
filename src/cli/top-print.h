/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "terminal.h"
#include "top-model.h"

/* Lines of `netfil top`, just as wide as the terminal. Callers free. */
char *netfil_top_title(const NetfilTop *top, NetfilTopGroup group, NetfilTopSort sort,
		       const NetfilTerminal *terminal);
char *netfil_top_heads(NetfilTopGroup group, const NetfilTerminal *terminal);
char *netfil_top_line(const NetfilTopRow *row, NetfilTopGroup group,
		      const NetfilTerminal *terminal);
