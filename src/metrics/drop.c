/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "drop.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/error.h"
#include "core/quote.h"

#define CAPABILITIES 64 /* the kernel has 41 by now */

static gboolean find_user(const char *name, uid_t *uid, gid_t *gid, GError **error)
{
	const struct passwd *entry = getpwnam(name);

	if (!entry)
		return netfil_set_invalid(error, name, -1, "is no user here: name one with --user");
	if (entry->pw_uid == 0)
		return netfil_set_invalid(error, name, -1,
					  "may do everything: name another one with --user");
	*uid = entry->pw_uid;
	*gid = entry->pw_gid;
	return TRUE;
}

static gboolean become(uid_t uid, gid_t gid)
{
	/* What no process below may have again; a container may not let us, and then has
	 * no_new_privs to rely on alone. */
	for (int capability = 0; capability < CAPABILITIES; capability++)
		prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
	return setgroups(0, NULL) == 0 && setresgid(gid, gid, gid) == 0 &&
	       setresuid(uid, uid, uid) == 0;
}

static gboolean clear_capabilities(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {0};

	return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) == 0 &&
	       syscall(SYS_capset, &header, none) == 0 &&
	       prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

gboolean netfil_drop_privileges(const char *user, GError **error)
{
	gboolean is_root = geteuid() == 0;
	uid_t uid = 0;
	gid_t gid = 0;

	if (!is_root && user) {
		g_set_error_literal(error, NETFIL_ERROR, NETFIL_ERROR_DENIED,
				    "only root may become another user: leave --user out");
		return FALSE;
	}
	if (is_root && !find_user(user ? user : "nobody", &uid, &gid, error))
		return FALSE;
	if ((!is_root || become(uid, gid)) && clear_capabilities() && setuid(0) < 0)
		return TRUE;
	g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_FAILED,
		    "cannot give up privileges (%s): start it as an ordinary user",
		    g_strerror(errno));
	return FALSE;
}
