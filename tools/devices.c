/* SPDX-License-Identifier: Apache-2.0 */
/* devices.c: plugcl devices. */
#include "tool.h"

#include <inttypes.h>
#include <stdio.h>

static const char *const types[] = { [PLUGCL_DEVICE_NONE] = "none", [PLUGCL_DEVICE_CPU] = "cpu", [PLUGCL_DEVICE_GPU] = "gpu",
                                     [PLUGCL_DEVICE_OTHER] = "other" };

static void print_device(const struct plugcl_device_info *device)
{
    printf("%" PRIu32 ":%" PRIu32 "  %s\n", device->platform_index, device->device_index,
           device->type == PLUGCL_DEVICE_NONE ? "(no device)" : device->name);
    printf("     platform  %s\n", device->platform);
    if (device->type != PLUGCL_DEVICE_NONE) {
        printf("     version   %s, driver %s, vendor %s\n", device->version, device->driver, device->vendor);
        printf("     type      %s, %" PRIu32 " compute units, float vectors of %" PRIu32 ", work-groups of %" PRIu64 "\n",
               types[device->type], device->compute_units, device->float_vector_width, device->max_work_group);
        printf("     memory    %" PRIu64 " MiB, largest buffer %" PRIu64 " MiB, local %" PRIu64 " KiB%s\n",
               device->global_memory >> 20, device->max_allocation >> 20, device->local_memory >> 10,
               device->has_unified_memory ? ", shared with the host" : "");
        printf("     types     float%s%s\n", device->has_half ? ", half" : "", device->has_double ? ", double" : "");
    }
    if (device->usable)
        printf("     usable    yes: a probe kernel compiles and computes the right answer\n");
    else
        printf("     usable    no: %s\n", device->reason);
}

static json_t *device_json(const struct plugcl_device_info *device)
{
    char index[32];
    snprintf(index, sizeof index, "%" PRIu32 ":%" PRIu32, device->platform_index, device->device_index);
    return json_pack("{so so so so so so ss sI sI sI sI sI sI sb sb sb sb so}", "index", json_text(index), "platform",
                     json_text(device->platform), "name", json_text(device->name), "vendor", json_text(device->vendor), "version",
                     json_text(device->version), "driver", json_text(device->driver), "type", types[device->type], "compute_units",
                     (json_int_t)device->compute_units, "float_vector_width", (json_int_t)device->float_vector_width,
                     "global_memory", (json_int_t)device->global_memory, "max_allocation",
                     (json_int_t)device->max_allocation, "local_memory", (json_int_t)device->local_memory,
                     "max_work_group", (json_int_t)device->max_work_group, "half", (int)device->has_half, "double",
                     (int)device->has_double, "unified_memory", (int)device->has_unified_memory,
                     "usable", (int)device->usable, "reason", json_text(device->reason));
}

static int print_devices(const plugcl_device_list *list, bool json)
{
    json_t *array = json ? json_array() : NULL;
    for (size_t i = 0; i < plugcl_device_list_count(list); i++) {
        const struct plugcl_device_info *device = plugcl_device_list_at(list, i);
        if (json)
            json_array_append_new(array, device_json(device));
        else
            print_device(device);
    }
    if (json)
        return print_json(array);
    if (plugcl_device_list_count(list) == 0)
        puts("There is no OpenCL platform: install a driver, for a CPU for example pocl-opencl-icd.");
    return finish_output();
}

int command_devices(int argc, char **argv)
{
    static const struct option options[] = { { "json", no_argument, NULL, 'j' }, { "help", no_argument, NULL, 'h' }, { 0 } };
    plugcl_device_list *list;
    bool json = false;
    for (int option; (option = next_option(argc, argv, ":h", options)) != -1;) {
        if (option == '?')
            return EXIT_USAGE;
        if (option == 'h') {
            puts("usage: plugcl devices [--json]\n"
                 "\n"
                 "Lists every OpenCL device, what it can do, and whether a probe kernel compiles and computes the right answer\n"
                 "on it. The P:D in front is what --device takes.");
            return finish_output();
        }
        json = true;
    }
    if (!no_operands(argc, argv))
        return EXIT_USAGE;
    if (plugcl_device_list_create(NULL, &list))
        return library_failed();
    int result = print_devices(list, json);
    plugcl_device_list_destroy(&list);
    return result;
}
