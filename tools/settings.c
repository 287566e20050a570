/* SPDX-License-Identifier: Apache-2.0 */
/* settings.c: --set KEY=VALUE against the plug-in's option table. */
#include "request.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Is the word one of "a|b|c"? */
static bool is_choice(const char *choices, const char *word, size_t length)
{
    for (size_t part; *choices; choices += part + (choices[part] == '|')) {
        part = strcspn(choices, "|");
        if (part == length && strncmp(choices, word, length) == 0)
            return true;
    }
    return false;
}

static bool is_number(const char *word, size_t length)
{
    char copy[64], *end;
    if (length == 0 || length >= sizeof copy || strspn(word, "+-.0123456789eE") < length)
        return false;
    memcpy(copy, word, length);
    copy[length] = '\0';
    double value = strtod(copy, &end);
    return *end == '\0' && fabs(value) <= FLT_MAX; /* not for NaN either */
}

static int check_word(const struct plugcl_option *option, const char *word, size_t length)
{
    if (length == 0)
        return wrong_usage(option->list ? "%s has an empty item; lists are written a,b" : "%s= has no value", option->name);
    if (option->type == PLUGCL_OPTION_BOOL && !is_choice("true|false", word, length))
        return wrong_usage("%s=%.*s: the value is true or false", option->name, (int)length, word);
    if (option->type == PLUGCL_OPTION_NUMBER && !is_number(word, length))
        return wrong_usage("%s=%.*s: the value is a number", option->name, (int)length, word);
    if (option->choices && !is_choice(option->choices, word, length))
        return wrong_usage("%s=%.*s: the value is one of %s", option->name, (int)length, word, option->choices);
    return EXIT_DONE;
}

/* The item at `item` of a list, looked for in what comes before it. */
static bool is_repeated(const char *list, const char *item, size_t length)
{
    for (size_t part; list < item; list += part + 1) {
        part = strcspn(list, ",");
        if (part == length && strncmp(list, item, length) == 0)
            return true;
    }
    return false;
}

static int check_value(const struct plugcl_option *option, const char *value)
{
    if (strpbrk(value, " \t\r\n\v\f"))
        return wrong_usage("%s=%s: values have no spaces", option->name, value);
    if (!option->list)
        return check_word(option, value, strlen(value));
    for (const char *item = value;;) {
        size_t length = strcspn(item, ",");
        int result = check_word(option, item, length);
        if (!result && option->choices && is_repeated(value, item, length))
            return wrong_usage("%s=%s has %.*s twice", option->name, value, (int)length, item);
        if (result || item[length] == '\0')
            return result;
        item += length + 1;
    }
}

static int check_flavour(const struct plugcl_plugin *plugin, const char *value)
{
    char known[1024] = "auto";
    size_t used = strlen(known);
    bool found = strcmp(value, "auto") == 0;
    for (const struct plugcl_flavour *flavour = plugin->flavours; flavour && flavour->name; flavour++) {
        found |= strcmp(value, flavour->name) == 0;
        if (used < sizeof known)
            used += (size_t)snprintf(known + used, sizeof known - used, "|%s", flavour->name);
    }
    return found ? EXIT_DONE : wrong_usage("flavour=%s: the value is one of %s", value, known);
}

static int unknown_key(const struct plugcl_plugin *plugin, const char *key, size_t length)
{
    char known[512] = "";
    size_t used = 0;
    for (const struct plugcl_option *option = plugin->options; option && option->name && used < sizeof known; option++)
        used += (size_t)snprintf(known + used, sizeof known - used, "%s, ", option->name);
    return wrong_usage("%s has no option \"%.*s\"; it has %sflavour", plugin->name, (int)length, key, known);
}

static int check_setting(const struct plugcl_plugin *plugin, const char *setting)
{
    size_t length = strcspn(setting, "=");
    if (length == 0 || setting[length] == '\0')
        return wrong_usage("--set %s is not KEY=VALUE", setting);
    if (length == strlen("flavour") && strncmp(setting, "flavour", length) == 0)
        return check_flavour(plugin, setting + length + 1);
    for (const struct plugcl_option *option = plugin->options; option && option->name; option++) {
        if (strlen(option->name) == length && strncmp(option->name, setting, length) == 0)
            return check_value(option, setting + length + 1);
    }
    return unknown_key(plugin, setting, length);
}

int settings_check(const struct request *request)
{
    for (size_t i = 0; i < request->n_settings; i++) {
        const char *setting = request->settings[i];
        int result = check_setting(request->plugin, setting);
        if (result)
            return result;
        size_t length = strcspn(setting, "=") + 1;
        for (size_t j = 0; j < i; j++) {
            if (strncmp(request->settings[j], setting, length) == 0)
                return wrong_usage("--set %.*s is given twice", (int)length - 1, setting);
        }
    }
    return EXIT_DONE;
}

char *settings_join(const struct request *request)
{
    size_t length = 1;
    for (size_t i = 0; i < request->n_settings; i++)
        length += strlen(request->settings[i]) + 1;
    char *text = calloc(length, 1);
    for (size_t i = 0; text && i < request->n_settings; i++)
        strcat(strcat(text, i > 0 ? " " : ""), request->settings[i]);
    return text;
}
