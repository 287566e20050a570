/* SPDX-License-Identifier: Apache-2.0 */
/* plugins.c: plugcl plugins [NAME]. */
#include "tool.h"

#include <stdio.h>
#include <string.h>

static const char *type_name(const struct plugcl_option *option)
{
    if (option->type == PLUGCL_OPTION_BOOL)
        return "boolean";
    if (option->type == PLUGCL_OPTION_NUMBER)
        return option->list ? "numbers" : "number";
    return option->list ? "list" : "text";
}

/* "auto|torchvision|timm": "flavour" is an option of every plug-in. */
static void flavour_choices(const struct plugcl_plugin *plugin, char *text, size_t size)
{
    size_t used = (size_t)snprintf(text, size, "auto");
    for (const struct plugcl_flavour *flavour = plugin->flavours; flavour && flavour->name && used < size; flavour++)
        used += (size_t)snprintf(text + used, size - used, "|%s", flavour->name);
}

static void print_option(const char *name, const char *type, const char *fallback, const char *choices, const char *summary)
{
    printf("  %s=%s  %s, default %s\n", name, choices ? choices : type, type,
           fallback && *fallback ? fallback : "by the flavour");
    if (summary && *summary)
        printf("      %s\n", summary);
}

static void print_names(const char *title, const char *const *names)
{
    printf("%s", title);
    for (; names && *names; names++)
        printf(" %s", *names);
    putchar('\n');
}

static int print_plugin(const struct plugcl_plugin *plugin)
{
    char choices[1024];
    flavour_choices(plugin, choices, sizeof choices);
    printf("%s: %s\n", plugin->name, plugin->summary);
    if (plugin->reference)
        printf("reference: %s\n", plugin->reference);
    print_names("inputs:", plugin->inputs);
    print_names("outputs:", plugin->outputs);
    puts("\noptions (--set NAME=VALUE):");
    for (const struct plugcl_option *option = plugin->options; option && option->name; option++)
        print_option(option->name, type_name(option), option->fallback, option->choices, option->summary);
    print_option("flavour", "text", "auto", choices, "which published form the weights are; auto goes by their names and shapes");
    if (plugin->flavours && plugin->flavours->name)
        puts("\nflavours, and the weights below --prefix:");
    for (const struct plugcl_flavour *flavour = plugin->flavours; flavour && flavour->name; flavour++)
        printf("  %s: %s\n      %s\n", flavour->name, flavour->summary ? flavour->summary : "",
               flavour->weights ? flavour->weights : "");
    return finish_output();
}

static int print_list(void)
{
    for (size_t i = 0; i < plugcl_registry_count(registry()); i++) {
        const struct plugcl_plugin *plugin = plugcl_registry_at(registry(), i);
        printf("%-18s  %s\n", plugin->name, plugin->summary);
    }
    return finish_output();
}

static json_t *names_json(const char *const *names)
{
    json_t *array = json_array();
    for (; names && *names; names++)
        json_array_append_new(array, json_text(*names));
    return array;
}

/* choices: "a|b|c" or NULL. */
static json_t *choices_json(const char *choices)
{
    json_t *array = json_array();
    for (size_t length; choices && *choices; choices += length + (choices[length] == '|')) {
        length = strcspn(choices, "|");
        json_array_append_new(array, json_stringn(choices, length));
    }
    return array;
}

static json_t *option_json(const char *name, const char *type, bool list, const char *fallback, const char *choices,
                           const char *summary)
{
    return json_pack("{so ss sb so so so}", "name", json_text(name), "type", type, "list", (int)list, "default",
                     json_text(fallback), "choices", choices_json(choices), "summary", json_text(summary));
}

static json_t *plugin_json(const struct plugcl_plugin *plugin)
{
    json_t *options = json_array(), *flavours = json_array();
    char choices[1024];
    for (const struct plugcl_option *option = plugin->options; option && option->name; option++)
        json_array_append_new(options, option_json(option->name, type_name(option), option->list, option->fallback, option->choices,
                                                   option->summary));
    flavour_choices(plugin, choices, sizeof choices);
    json_array_append_new(options, option_json("flavour", "text", false, "auto", choices, "which published form the weights are"));
    for (const struct plugcl_flavour *flavour = plugin->flavours; flavour && flavour->name; flavour++)
        json_array_append_new(flavours, json_pack("{so so so}", "name", json_text(flavour->name), "weights",
                                                  json_text(flavour->weights), "summary", json_text(flavour->summary)));
    return json_pack("{so so so so so so so}", "name", json_text(plugin->name), "summary", json_text(plugin->summary), "reference",
                     json_text(plugin->reference), "inputs", names_json(plugin->inputs), "outputs",
                     names_json(plugin->outputs), "options", options, "flavours", flavours);
}

static json_t *list_json(void)
{
    json_t *array = json_array();
    for (size_t i = 0; i < plugcl_registry_count(registry()); i++)
        json_array_append_new(array, plugin_json(plugcl_registry_at(registry(), i)));
    return array;
}

int command_plugins(int argc, char **argv)
{
    static const struct option options[] = { { "json", no_argument, NULL, 'j' },
                                             { "plugin", required_argument, NULL, 'p' },
                                             { "help", no_argument, NULL, 'h' },
                                             { 0 } };
    bool json = false;
    for (int option; (option = next_option(argc, argv, ":h", options)) != -1;) {
        if (option == '?')
            return EXIT_USAGE;
        if (option == 'h') {
            puts("usage: plugcl plugins [NAME] [--plugin FILE]... [--json]\n"
                 "\n"
                 "Lists the plug-ins; with a NAME that plug-in's options, outputs, flavours and the names of their weights.\n"
                 "\n"
                 "  --plugin FILE  adds the plug-ins of a shared object; it runs with your rights: load what you trust");
            return finish_output();
        }
        int result = option == 'p' ? registry_load(optarg) : EXIT_DONE;
        if (result)
            return result;
        json = json || option == 'j';
    }
    const char *name = optind < argc ? argv[optind++] : NULL;
    if (!no_operands(argc, argv))
        return EXIT_USAGE;
    const struct plugcl_plugin *plugin = name ? find_plugin(name) : NULL;
    if (name && !plugin)
        return EXIT_USAGE;
    if (json)
        return print_json(plugin ? plugin_json(plugin) : list_json());
    return plugin ? print_plugin(plugin) : print_list();
}
