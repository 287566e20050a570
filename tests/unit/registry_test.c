/* SPDX-License-Identifier: Apache-2.0 */
/* registry_test.c: plug-ins from shared objects, and what is said of files that have none. argv[1]: the folder of the modules. */
#define _XOPEN_SOURCE 700 /* realpath */

#include <plugcl/plugcl.h>

#include "base/memory.h"

#include "unit.h"

static const char *modules;

static const char *module(const char *name)
{
    char file[64];
    snprintf(file, sizeof file, "plugin_%s.so", name);
    return in_folder(modules, file);
}

static plugcl_registry *registry_new(void)
{
    plugcl_registry *registry = NULL;
    assert_int_equal(plugcl_registry_create(&registry), PLUGCL_OK);
    return registry;
}

/* The code of the object serves graphs, and its plug-ins stand behind the built-in ones. */
static void test_load(void **state)
{
    (void)state;
    plugcl_registry *registry = registry_new();
    plugcl_graph *graph = NULL;
    size_t count = plugcl_registry_count(NULL);
    assert_int_equal(plugcl_registry_load(registry, module("good")), PLUGCL_OK);
    assert_int_equal(plugcl_registry_count(registry), count + 2);
    assert_string_equal(plugcl_registry_at(registry, count)->name, "first");
    assert_string_equal(plugcl_registry_at(registry, count + 1)->name, "second");
    assert_int_equal(plugcl_graph_create(plugcl_graph_params(.registry = registry), &graph), PLUGCL_OK);
    plugcl_value x = plugcl_graph_input(graph, "x", PLUGCL_F32, PLUGCL_SHAPE(1));
    assert_int_equal(plugcl_graph_plugin(graph, "second", &x, 1, NULL, NULL, NULL, NULL), PLUGCL_TIMEOUT);
    plugcl_graph_destroy(&graph);
    assert_int_equal(plugcl_registry_load(registry, module("good")), PLUGCL_INVALID);
    assert_message("plugin_good.so: there is a plug-in named first already");
    assert_int_equal(plugcl_registry_count(registry), count + 2);
    plugcl_registry_destroy(&registry);
}

static void refused(const char *path, plugcl_status wanted, const char *message)
{
    plugcl_registry *registry = registry_new();
    size_t count = plugcl_registry_count(NULL);
    assert_int_equal(plugcl_registry_load(registry, path), wanted);
    assert_message(message);
    assert_int_equal(plugcl_registry_count(registry), count);
    /* A failure leaves the registry as it was. */
    assert_int_equal(plugcl_registry_load(registry, module("good")), PLUGCL_OK);
    plugcl_registry_destroy(&registry);
}

static void test_errors(void **state)
{
    refused(module("missing"), PLUGCL_IO, "plugin_missing.so cannot be read: No such file");
    refused(*state, PLUGCL_FORMAT, "cannot be loaded as a shared object");
    const char *text = in_folder(*state, "text.so");
    write_file(text, "not a shared object, but long enough to have a header in it, if it were one at all", 80);
    refused(text, PLUGCL_FORMAT, "text.so cannot be loaded as a shared object: ");
    refused(module("symbol"), PLUGCL_FORMAT, "exports no plugcl_plugins");
    refused(module("version"), PLUGCL_FORMAT, "was built for version 42 of the plug-in interface; this is version 1");
    refused(module("size"), PLUGCL_FORMAT, "struct_size of plugcl_plugins is 8");
    refused(module("empty"), PLUGCL_FORMAT, "list in plugcl_plugins is empty");
    refused(module("taken"), PLUGCL_INVALID, "plugin_taken.so: there is a plug-in named se already");
    refused(NULL, PLUGCL_INVALID, "not NULL");
    assert_int_equal(plugcl_registry_load(NULL, text), PLUGCL_INVALID);
}

/* A bare name is a file of this folder, not of the system's. */
static void test_bare_name(void **state)
{
    char here[4096];
    (void)state;
    assert_non_null(getcwd(here, sizeof here));
    assert_int_equal(chdir(modules), 0);
    plugcl_registry *registry = registry_new();
    assert_int_equal(plugcl_registry_load(registry, "plugin_good.so"), PLUGCL_OK);
    plugcl_registry_destroy(&registry);
    refused("libc.so.6", PLUGCL_IO, "libc.so.6 cannot be read");
    assert_int_equal(chdir(here), 0);
}

static void test_allocations(void **state)
{
    (void)state;
    plugcl_status status = PLUGCL_NO_MEMORY;
    for (long n = 1; status != PLUGCL_OK; n++) {
        plugcl_registry *registry = registry_new();
        assert_true(n < 100);
        memory_fail_after(n);
        status = plugcl_registry_load(registry, module("good"));
        memory_fail_after(0);
        assert_true(status == PLUGCL_OK || status == PLUGCL_NO_MEMORY);
        assert_int_equal(plugcl_registry_count(registry), plugcl_registry_count(NULL) + (status == PLUGCL_OK ? 2 : 0));
        plugcl_registry_destroy(&registry);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_load),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_bare_name),
        cmocka_unit_test(test_allocations),
    };
    char *folder = argc > 1 ? realpath(argv[1], NULL) : NULL;
    if (folder == NULL)
        return 2;
    modules = folder;
    int failed = cmocka_run_group_tests_name("registry", tests, make_folder, remove_folder);
    free(folder);
    return failed ? 1 : 0;
}
