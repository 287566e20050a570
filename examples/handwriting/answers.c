/* SPDX-License-Identifier: Apache-2.0 */
/* answers.c: room for what the networks say. */
#include "handwriting.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const output_names[OUTPUTS] = {
    [MASK] = "mask",
    [SE_GATE] = "finder.block1.se.gate",
    [CBAM_GATE] = "finder.block2.cbam.gate",
    [CBAM_SPATIAL] = "finder.block2.cbam.spatial",
    [ATTENTION] = "finder.non_local.attention",
    [THETA] = "crops.theta",
    [STRAIGHT] = "crops.straight",
    [SCORES] = "crops.logits",
    [SHEET_SCORES] = "sheet.logits",
};

size_t output_elements(enum output output, int width, int height)
{
    const size_t quarter = (size_t)(width / 4) * (size_t)(height / 4);
    switch (output) {
    case MASK:
        return (size_t)(width / 2) * (size_t)(height / 2);
    case SE_GATE:
        return SE_CHANNELS;
    case CBAM_GATE:
        return CBAM_CHANNELS;
    case CBAM_SPATIAL:
        return quarter;
    case ATTENTION:
        return MARKS * quarter;
    case THETA:
        return 6;
    case STRAIGHT:
        return CROP_PIXELS;
    default:
        return CLASSES;
    }
}

size_t answers_items(const struct answers *answers, enum output output)
{
    if (output == SHEET_SCORES)
        return answers->values[output] ? SHEET_DIGITS : 0;
    return output <= ATTENTION ? answers->scenes : answers->crops;
}

bool answers_create(struct answers *answers, size_t scenes, int width, int height, bool sheet)
{
    *answers = (struct answers){ .scenes = scenes };
    bool enough = true;
    for (int output = 0; output < OUTPUTS; output++) {
        size_t items = output <= ATTENTION ? scenes : output == SHEET_SCORES && sheet ? SHEET_DIGITS : 0;
        if (items > 0)
            enough = (answers->values[output] = calloc(items * output_elements(output, width, height), sizeof(float))) && enough;
    }
    return enough || complain("no memory for the answers about %zu scenes of %dx%d pixels", scenes, width, height);
}

void answers_free(struct answers *answers)
{
    for (int output = 0; output < OUTPUTS; output++)
        free(answers->values[output]);
    free(answers->findings);
    free(answers->ink);
    *answers = (struct answers){ 0 };
}

/* `old`, longer: `count` elements, zeros after the first `used`. NULL (and a message) without memory: `old` stays. */
static void *lengthen(void *old, size_t size, size_t used, size_t count)
{
    char *longer = realloc(old, size * count);
    if (longer)
        memset(longer + size * used, 0, size * (count - used));
    else
        complain("no memory for %zu crops", count);
    return longer;
}

bool answers_reserve(struct answers *answers, size_t more)
{
    const size_t used = answers->crops, count = used + (more + BATCH - 1) / BATCH * BATCH;
    struct finding *findings = lengthen(answers->findings, sizeof *findings, used, count);
    answers->findings = findings ? findings : answers->findings;
    float *ink = lengthen(answers->ink, sizeof *ink * CROP_PIXELS, used, count);
    answers->ink = ink ? ink : answers->ink;
    bool enough = findings && ink;
    for (int output = THETA; output <= SCORES && enough; output++) {
        float *values = lengthen(answers->values[output], sizeof *values * output_elements(output, 0, 0), used, count);
        enough = values != NULL;
        answers->values[output] = values ? values : answers->values[output];
    }
    return enough;
}

const float *answers_of(const struct answers *answers, enum output output, size_t index, const struct image *scene)
{
    return answers->values[output] + index * output_elements(output, scene ? scene->width : 0, scene ? scene->height : 0);
}

int best_class(const float *scores)
{
    int best = 0;
    for (int digit = 1; digit < CLASSES; digit++)
        if (scores[digit] > scores[best])
            best = digit;
    return best;
}

float confidence(const float *scores)
{
    float sum = 0;
    for (int digit = 0; digit < CLASSES; digit++)
        sum += expf(scores[digit] - scores[best_class(scores)]);
    return 1 / sum;
}
