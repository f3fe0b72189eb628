/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "tray/words.h"

static void expect(const char *text, const char *const *values)
{
	g_auto(GStrv) split = netfil_words_split(text);

	g_assert_true(g_strv_equal((const char *const *)split, values));
}

#define EXPECT(text, ...) expect(text, (const char *const[]){__VA_ARGS__, NULL})

static void test_split(void)
{
	expect("", (const char *const[]){NULL});
	expect(" ,\t ", (const char *const[]){NULL});
	EXPECT("one", "one");
	EXPECT("one two,three", "one", "two", "three");
	EXPECT("\"/opt/My App/a,b\" /bin/sh", "/opt/My App/a,b", "/bin/sh");
	EXPECT("\"a \"\"b\"\" c\"", "a \"b\" c");
	EXPECT("a\"b", "a\"b");
	EXPECT("\"\"", "");
	/* While it is typed. */
	EXPECT("\"/opt/My App", "/opt/My App");
	EXPECT("\"", "");
	EXPECT("\"a\"b", "a", "b");
}

/* What a filter has comes back as it was, whatever is in it. */
static void test_there_and_back(void)
{
	static const char *const pieces[] = {"a", " ", ",", "\"", "\t", "/", "\n", "é"};

	for (guint i = 0; i < 8 * 8 * 8 * 8; i++) {
		g_autofree char *one = g_strconcat(pieces[i % 8], pieces[i / 8 % 8], NULL);
		g_autofree char *other = g_strconcat(pieces[i / 64 % 8], pieces[i / 512], NULL);
		const char *const values[] = {one, other, NULL};
		g_autofree char *text = netfil_words_join(values);

		expect(text, values);
	}
}

static void test_plain_stays_plain(void)
{
	const char *const values[] = {"192.0.2.0/24", "2001:db8::/32", NULL};
	g_autofree char *text = netfil_words_join(values);

	g_assert_cmpstr(text, ==, "192.0.2.0/24 2001:db8::/32");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/tray-words/split", test_split);
	g_test_add_func("/tray-words/there-and-back", test_there_and_back);
	g_test_add_func("/tray-words/plain-stays-plain", test_plain_stays_plain);
	return g_test_run();
}
