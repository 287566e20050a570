/* SPDX-License-Identifier: Apache-2.0 */
/* model_file.c: a case's made-up weights as a safetensors file, so that a start reads them as an application does. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "contender.h"

/* Where each tensor lies behind the header: the names in their order, one tensor after the other. */
static json_t *describe_tensors(const plugcl_weights *weights)
{
    json_t *header = json_object();
    json_int_t end = 0;
    for (size_t i = 0; i < plugcl_weights_count(weights); i++) {
        const struct plugcl_weights_entry *entry = plugcl_weights_at(weights, i);
        json_t *shape = json_array();
        for (uint32_t axis = 0; axis < entry->shape.rank; axis++)
            json_array_append_new(shape, json_integer((json_int_t)entry->shape.dims[axis]));
        json_int_t begin = end;
        end += (json_int_t)entry->bytes;
        json_object_set_new(header, entry->name,
                            json_pack("{s:s, s:o, s:[I, I]}", "dtype", "F32", "shape", shape, "data_offsets", begin, end));
    }
    return header;
}

void write_weights(const plugcl_weights *weights, const char *path)
{
    json_t *header = describe_tensors(weights);
    char *text = json_dumps(header, JSON_COMPACT | JSON_SORT_KEYS);
    FILE *file = fopen(path, "wb");
    if (text == NULL || file == NULL)
        give_up("%s cannot be written", path);
    const uint64_t length = (strlen(text) + 7) / 8 * 8; /* so that the tensors are aligned */
    for (int i = 0; i < 8; i++)
        fputc((int)(length >> 8 * i & 255), file);
    fprintf(file, "%-*s", (int)length, text);
    for (size_t i = 0; i < plugcl_weights_count(weights); i++) {
        const struct plugcl_weights_entry *entry = plugcl_weights_at(weights, i);
        fwrite(entry->data, 1, entry->bytes, file);
    }
    if (ferror(file) | fclose(file))
        give_up("%s cannot be written", path);
    free(text);
    json_decref(header);
}
