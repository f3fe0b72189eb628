/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "core/status.h"

/* The status line that `netfil run` keeps on a terminal while the command runs. */
typedef struct {
	gboolean drawn;
	guint64 used; /* at the last draw, for the rate */
	gint64 at;
} NetfilRunScreen;

/* Nothing is drawn where stderr is no terminal, or is in other hands. */
void netfil_run_screen_draw(NetfilRunScreen *screen, const NetfilStatus *status);
void netfil_run_screen_clear(NetfilRunScreen *screen);
