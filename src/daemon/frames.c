/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "frames.h"

#include <fcntl.h>
#include <gio/gunixinputstream.h>
#include <gio/gunixoutputstream.h>
#include <string.h>
#include <unistd.h>

/* The part of a message's header that has a fixed length. */
#define HEAD 16
#define AT_BODY_LENGTH 4
#define AT_FIELDS_LENGTH 12

typedef struct {
	GUnixInputStream parent;
	guint32 message_max;
	guint8 head[HEAD];
	guint32 got;  /* of the head */
	guint64 left; /* of the message behind it */
} NetfilFrames;

typedef GUnixInputStreamClass NetfilFramesClass;

static GType netfil_frames_get_type(void);
G_DEFINE_TYPE(NetfilFrames, netfil_frames, G_TYPE_UNIX_INPUT_STREAM)

static guint32 number(const guint8 *head, gsize at)
{
	guint32 value;

	memcpy(&value, head + at, sizeof(value));
	return head[0] == 'B' ? GUINT32_FROM_BE(value) : GUINT32_FROM_LE(value);
}

/* Behind the head: the fields, filled up to eight bytes, and the body. */
static guint64 length_behind(const guint8 *head)
{
	return (((guint64)number(head, AT_FIELDS_LENGTH) + 7) & ~(guint64)7) +
	       number(head, AT_BODY_LENGTH);
}

/* FALSE: a message is too long. */
static gboolean follow(NetfilFrames *frames, const guint8 *bytes, gsize n)
{
	while (n) {
		gsize part = frames->left ? MIN(n, frames->left) : MIN(n, HEAD - frames->got);

		if (frames->left) {
			frames->left -= part;
		} else {
			memcpy(frames->head + frames->got, bytes, part);
			frames->got += part;
		}
		bytes += part;
		n -= part;
		if (frames->got < HEAD)
			continue;
		frames->got = 0;
		frames->left = length_behind(frames->head);
		if (frames->left > frames->message_max)
			return FALSE;
	}
	return TRUE;
}

static gssize read_frames(GInputStream *stream, void *buffer, gsize count,
			  GCancellable *cancellable, GError **error)
{
	gssize n = G_INPUT_STREAM_CLASS(netfil_frames_parent_class)
		       ->read_fn(stream, buffer, count, cancellable, error);

	if (n <= 0 || follow((NetfilFrames *)stream, buffer, (gsize)n))
		return n;
	g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_MESSAGE_TOO_LARGE,
			    "the message is too long");
	return -1;
}

static void netfil_frames_class_init(NetfilFramesClass *class)
{
	G_INPUT_STREAM_CLASS(class)->read_fn = read_frames;
}

static void netfil_frames_init(NetfilFrames *frames)
{
	(void)frames;
}

GIOStream *netfil_frames_new(GSocket *socket, guint32 message_max)
{
	int in = fcntl(g_socket_get_fd(socket), F_DUPFD_CLOEXEC, 0);
	int out = in < 0 ? -1 : fcntl(in, F_DUPFD_CLOEXEC, 0);
	g_autoptr(GInputStream) input = NULL;
	g_autoptr(GOutputStream) output = NULL;

	if (out < 0) {
		if (in >= 0)
			close(in);
		return NULL;
	}
	input = g_object_new(netfil_frames_get_type(), "fd", in, "close-fd", TRUE, NULL);
	output = g_unix_output_stream_new(out, TRUE);
	((NetfilFrames *)input)->message_max = message_max;
	return g_simple_io_stream_new(input, output);
}
