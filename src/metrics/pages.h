/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <microhttpd.h>

#include "text.h"

/* What is answered. Each is to be MHD_destroy_response()d. `text`: netfil_metrics_text()'s. */
struct MHD_Response *netfil_page_metrics(GBytes *text, NetfilExposition exposition);
struct MHD_Response *netfil_page_landing(void);
struct MHD_Response *netfil_page_not_found(void);
struct MHD_Response *netfil_page_not_allowed(void);
