/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * bus-call CONTRACT SOCKET PATH INTERFACE.METHOD [ARGUMENT...]: a call at netfild's own socket,
 * as `gdbus call` makes them on a bus. CONTRACT: the XML that has the method's types.
 */
#include <err.h>
#include <gio/gio.h>
#include <stdlib.h>
#include <string.h>

static GDBusInterfaceInfo *find_interface(const char *contract, const char *name)
{
	static const char properties[] =
	    "<node><interface name='org.freedesktop.DBus.Properties'>"
	    "<method name='Get'><arg type='s'/><arg type='s'/></method>"
	    "<method name='GetAll'><arg type='s'/></method>"
	    "<method name='Set'><arg type='s'/><arg type='s'/><arg type='v'/></method>"
	    "</interface></node>";
	static GDBusNodeInfo *nodes[2]; /* what is given back is a part of them */
	g_autofree char *xml = NULL;
	GDBusInterfaceInfo *interface = NULL;

	if (!g_file_get_contents(contract, &xml, NULL, NULL))
		errx(1, "%s", contract);
	nodes[0] = g_dbus_node_info_new_for_xml(xml, NULL);
	nodes[1] = g_dbus_node_info_new_for_xml(properties, NULL);
	for (guint i = 0; !interface && i < G_N_ELEMENTS(nodes); i++)
		interface = nodes[i] ? g_dbus_node_info_lookup_interface(nodes[i], name) : NULL;
	return interface;
}

/* Text that is no value is a string. */
static GVariant *argument(const char *type, const char *text)
{
	GVariant *value = g_variant_parse(G_VARIANT_TYPE(type), text, NULL, NULL, NULL);

	return value ? value : g_variant_ref_sink(g_variant_new_string(text));
}

static GVariant *arguments(const GDBusMethodInfo *method, char **texts)
{
	g_auto(GVariantBuilder) builder = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE_TUPLE);

	for (guint i = 0; method->in_args[i]; i++) {
		g_autoptr(GVariant) value = texts[i]
						? argument(method->in_args[i]->signature, texts[i])
						: (errx(2, "too few arguments"), NULL);

		g_variant_builder_add_value(&builder, value);
	}
	return g_variant_builder_end(&builder);
}

int main(int argc, char **argv)
{
	char *method = argc > 4 ? strrchr(argv[4], '.') : NULL;
	g_autofree char *address = argc > 4 ? g_strconcat("unix:path=", argv[2], NULL) : NULL;
	g_autoptr(GDBusConnection) connection = NULL;
	g_autoptr(GVariant) answer = NULL;
	g_autoptr(GError) error = NULL;
	GDBusInterfaceInfo *interface;
	g_autofree char *text = NULL;

	if (!method)
		errx(2, "usage: bus-call CONTRACT SOCKET PATH INTERFACE.METHOD [ARGUMENT...]");
	*method++ = '\0';
	interface = find_interface(argv[1], argv[4]);
	if (!interface || !g_dbus_interface_info_lookup_method(interface, method))
		errx(2, "%s.%s is not in the contract", argv[4], method);
	connection = g_dbus_connection_new_for_address_sync(
	    address, G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT, NULL, NULL, &error);
	if (connection)
		answer = g_dbus_connection_call_sync(
		    connection, NULL, argv[3], argv[4], method,
		    arguments(g_dbus_interface_info_lookup_method(interface, method), argv + 5),
		    NULL, G_DBUS_CALL_FLAGS_NONE, -1, NULL, &error);
	if (!answer)
		errx(1, "%s", error->message);
	text = g_variant_print(answer, TRUE);
	g_print("%s\n", text);
	return EXIT_SUCCESS;
}
