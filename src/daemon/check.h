/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/* Looks at netfil.conf, filters.d and events.d and tells every mistake. A netfild that runs is
 * asked for what only it can know. Returns an exit status: 0, or 2 if something is wrong. */
int netfil_check(void);
