/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "run-screen.h"

#include <unistd.h>

#include "bar.h"
#include "print.h"
#include "terminal.h"

#define BAR_MAX_WIDTH 20
#define TEXT_WIDTH 50 /* of what stands beside the bar */

static guint bar_width(const NetfilTerminal *terminal, double fraction)
{
	if (fraction < 0 || terminal->width <= TEXT_WIDTH)
		return 0;
	return MIN(terminal->width - TEXT_WIDTH, BAR_MAX_WIDTH);
}

/* In the background, writing could stop us and would disturb who is in front. */
static gboolean is_ours(const NetfilTerminal *terminal)
{
	return terminal->interactive && tcgetpgrp(STDERR_FILENO) == getpgrp();
}

static char *rate_text(NetfilRunScreen *screen, const NetfilStatus *status)
{
	guint64 used = status->used[NETFIL_TOTAL];
	gint64 now = g_get_monotonic_time();
	double seconds = (double)(now - screen->at) / G_USEC_PER_SEC;
	double rate = screen->at && seconds > 0 ? (double)(used - screen->used) / seconds : 0;

	screen->used = used;
	screen->at = now;
	return netfil_print_rate(rate);
}

void netfil_run_screen_draw(NetfilRunScreen *screen, const NetfilStatus *status)
{
	NetfilTerminal terminal = netfil_terminal(STDERR_FILENO);
	double fraction = netfil_status_fraction(status);
	g_autoptr(GString) line = NULL;
	g_autofree char *bar = NULL, *percent = NULL, *amount = NULL, *rate = NULL;
	g_autofree char *text = NULL, *fitted = NULL;

	if (!is_ours(&terminal))
		return;
	bar = netfil_bar(fraction, bar_width(&terminal, fraction), terminal.unicode);
	percent = netfil_bar_percent(fraction);
	amount = netfil_print_amount(status);
	rate = rate_text(screen, status);
	text = g_strdup_printf("netfil: %s %s  %s  %s", bar, percent, amount, rate);
	fitted = netfil_text_fit(&terminal, text, MIN(terminal.width - 1, 72));
	line = g_string_new("\r");
	netfil_terminal_append(line, &terminal, netfil_print_colour(status), g_strchomp(fitted));
	/* Back to the start, so that the command writes over it and not behind it. */
	g_printerr("%s\033[K\r", line->str);
	screen->drawn = TRUE;
}

void netfil_run_screen_clear(NetfilRunScreen *screen)
{
	if (screen->drawn)
		g_printerr("\r\033[K");
	screen->drawn = FALSE;
}
