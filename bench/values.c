/* SPDX-License-Identifier: Apache-2.0 */
/* values.c: made-up weights and inputs, by name. */
#include "values.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

static uint32_t name_seed(const char *name)
{
    uint32_t seed = 2166136261u;
    for (; *name != '\0'; name++)
        seed = (seed ^ (uint8_t)*name) * 16777619u;
    return seed;
}

/* In −1 … 1. */
static float value_at(uint32_t seed, uint32_t index)
{
    uint32_t hash = index * 2654435761u + seed;
    hash = (hash ^ hash >> 15) * 2246822519u;
    hash ^= hash >> 13;
    return (float)(hash >> 8) * (1.0f / 8388608.0f) - 1.0f;
}

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), tail = strlen(end);
    return length >= tail && strcmp(text + length - tail, end) == 0;
}

/* An image turned and shrunk a little. */
static const float theta_values[6] = { 0.9f, -0.3f, 0.05f, 0.3f, 0.9f, 0.0f };

void fill_values(const char *name, uint32_t rank, const int64_t *dims, float *values)
{
    size_t count = 1;
    uint32_t seed = name_seed(name);
    float scale = 1.0f, offset = 0.0f;
    for (uint32_t i = 0; i < rank; i++)
        count *= (size_t)dims[i];
    if (rank == 1) {
        bool factor = ends_with(name, "weight") || ends_with(name, "running_var"); /* of a norm: about 1 */
        scale = factor ? 0.5f : 0.1f;
        offset = factor ? 1.0f : 0.0f;
    } else if (ends_with(name, "weight")) {
        scale = (float)sqrt(3.0 * (double)dims[0] / (double)count); /* a layer keeps the variance of what it reads */
    }
    for (size_t i = 0; i < count; i++)
        values[i] = strcmp(name, "theta") == 0 ? theta_values[i % 6] : value_at(seed, (uint32_t)i) * scale + offset;
}

void summarise(const float *values, size_t count, double summary[3])
{
    summary[0] = summary[1] = summary[2] = 0.0;
    for (size_t i = 0; i < count; i++) {
        summary[0] += (double)values[i] / (double)count;
        summary[1] += fabs((double)values[i]) / (double)count;
        summary[2] += (double)values[i] * (double)values[i] / (double)count;
    }
}
