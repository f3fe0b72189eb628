/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "terminal.h"
#include "top-model.h"

/* The full screen of `netfil top`. */
typedef struct {
	NetfilTerminal terminal;
	NetfilTopGroup group;
	NetfilTopSort sort;
	char *search;  /* NULL: none */
	char *message; /* in the last line; NULL: none */
	gboolean is_error;
	char *selected; /* what tells the chosen row, whatever line it is on; NULL: the first */
	guint first;    /* row on the first line */

	/* A question in the last line; NULL: none. */
	char *question;
	GString *answer;
	gboolean help;
} NetfilTopScreen;

/* NETFIL_ERROR_FAILED: the terminal cannot do it. */
NetfilTopScreen *netfil_top_screen_open(GError **error);
void netfil_top_screen_close(NetfilTopScreen *screen);

/* Draws what has changed. */
void netfil_top_screen_draw(NetfilTopScreen *screen, NetfilTop *top);

/* The terminal has another size. */
void netfil_top_screen_resize(NetfilTopScreen *screen);

void netfil_top_screen_say(NetfilTopScreen *screen, gboolean is_error, const char *text);

/* The chosen row; NULL: there is none. The model's. */
const NetfilTopRow *netfil_top_screen_row(NetfilTopScreen *screen, NetfilTop *top);

/* From now on the row that is chosen stays so, though others pass it. */
void netfil_top_screen_hold(NetfilTopScreen *screen, NetfilTop *top);
/* It, as long as it is there; else NULL. */
const NetfilTopRow *netfil_top_screen_held(NetfilTopScreen *screen, NetfilTop *top);

typedef enum {
	NETFIL_TOP_NO_KEY,   /* none waits */
	NETFIL_TOP_DONE_KEY, /* it was for the screen */
	NETFIL_TOP_QUIT,
	NETFIL_TOP_ANSWERED, /* the answer to a question is there; ask again, or forget it */
	NETFIL_TOP_ASK_CAP,
} NetfilTopKey;

/* Reads a key, and does what is the screen's. */
NetfilTopKey netfil_top_screen_key(NetfilTopScreen *screen, NetfilTop *top);

/* Takes over the question. */
void netfil_top_screen_ask(NetfilTopScreen *screen, char *question);
/* Ends it. The answer; caller frees. */
char *netfil_top_screen_answer(NetfilTopScreen *screen);
