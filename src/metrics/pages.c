/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "pages.h"

#include <string.h>

#include "accept.h"

static const char landing[] = "<!DOCTYPE html>\n"
			      "<html lang=\"en\">\n"
			      "<meta charset=\"utf-8\">\n"
			      "<title>netfil</title>\n"
			      "<h1>netfil " NETFIL_VERSION "</h1>\n"
			      "<p><a href=\"/metrics\">Metrics</a> for Prometheus</p>\n"
			      "</html>\n";

/* A connection is for one request: see http.c. */
static struct MHD_Response *page(struct MHD_Response *response, const char *type)
{
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
	MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	return response;
}

static struct MHD_Response *fixed(const char *text, const char *type)
{
	return page(
	    MHD_create_response_from_buffer(strlen(text), (void *)text, MHD_RESPMEM_PERSISTENT),
	    type);
}

static void unref_bytes(void *bytes)
{
	g_bytes_unref(bytes);
}

struct MHD_Response *netfil_page_metrics(GBytes *text, NetfilExposition exposition)
{
	gsize size;
	gconstpointer data = g_bytes_get_data(text, &size);

	return page(MHD_create_response_from_buffer_with_free_callback_cls(
			size, (void *)data, unref_bytes, g_bytes_ref(text)),
		    netfil_exposition_content_type(exposition));
}

struct MHD_Response *netfil_page_landing(void)
{
	return fixed(landing, "text/html; charset=utf-8");
}

struct MHD_Response *netfil_page_not_found(void)
{
	return fixed("There is /metrics here, and nothing else.\n", "text/plain; charset=utf-8");
}

struct MHD_Response *netfil_page_not_allowed(void)
{
	struct MHD_Response *response =
	    fixed("GET and HEAD are all there is.\n", "text/plain; charset=utf-8");

	MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	return response;
}
