/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "handshake.h"

#include <string.h>

#define LINE_MAX_BYTES 512
#define LINES_MAX 16
#define PATIENCE_SECONDS 10

typedef struct {
	GSocket *socket;
	GCancellable *cancellable;
	gint64 deadline;
} Peer;

/* One at a time: what follows the greeting is not ours. */
static gboolean read_byte(const Peer *peer, char *byte)
{
	return g_get_monotonic_time() < peer->deadline &&
	       g_socket_receive(peer->socket, byte, 1, peer->cancellable, NULL) == 1;
}

/* Without its end. FALSE: there is none, or it is too long. */
static gboolean read_line(const Peer *peer, char line[LINE_MAX_BYTES])
{
	gsize length = 0;

	while (length < LINE_MAX_BYTES && read_byte(peer, &line[length])) {
		if (line[length] == '\n' && length && line[length - 1] == '\r') {
			line[length - 1] = '\0';
			return strlen(line) == length - 1;
		}
		length++;
	}
	return FALSE;
}

static gboolean say(const Peer *peer, const char *word, const char *rest)
{
	g_autofree char *line = g_strconcat(word, *rest ? " " : "", rest, "\r\n", NULL);
	gssize length = (gssize)strlen(line);

	return g_socket_send(peer->socket, line, (gsize)length, peer->cancellable, NULL) == length;
}

static const char *after(const char *line, const char *word)
{
	gsize length = strlen(word);

	if (!g_str_has_prefix(line, word) || (line[length] && line[length] != ' '))
		return NULL;
	return line + length + (line[length] == ' ');
}

/* Answers a line. Who a peer says it is does not matter: in a user namespace it does not
 * know its own number, and the kernel has told who it is. */
static gboolean answer(const Peer *peer, const char *line, const char *guid,
		       gboolean *authenticated)
{
	const char *identity = after(line, "AUTH EXTERNAL");

	if (g_str_equal(line, "NEGOTIATE_UNIX_FD"))
		return say(peer, "ERROR", "descriptors are not taken");
	if (identity && !*identity)
		return say(peer, "DATA", ""); /* it tells with the next line */
	*authenticated = identity || after(line, "DATA");
	return *authenticated ? say(peer, "OK", guid) : say(peer, "REJECTED", "EXTERNAL");
}

gboolean netfil_handshake(GSocket *socket, const char *guid, GCancellable *cancellable)
{
	const Peer peer = {socket, cancellable,
			   g_get_monotonic_time() + PATIENCE_SECONDS * G_USEC_PER_SEC};
	gboolean authenticated = FALSE;
	char line[LINE_MAX_BYTES];
	gboolean begun = FALSE;

	g_socket_set_timeout(socket, PATIENCE_SECONDS);
	if (!read_byte(&peer, line) || line[0] != '\0')
		return FALSE;
	for (guint i = 0; i < LINES_MAX && !begun && read_line(&peer, line); i++) {
		if (g_str_equal(line, "BEGIN"))
			begun = authenticated;
		else if (!answer(&peer, line, guid, &authenticated))
			break;
	}
	g_socket_set_timeout(socket, 0);
	return begun;
}
