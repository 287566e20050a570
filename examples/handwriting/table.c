/* SPDX-License-Identifier: Apache-2.0 */
/* table.c: one table that compares the devices with PyTorch and with one another, a column for each. */
#include "handwriting.h"

#include <stdio.h>

static void count_rows(const struct measurement *measurements, size_t count, const struct exhibits *exhibits)
{
    const struct score expected = score(&exhibits->reference, exhibits, ALL_SCENES);
    char text[64];
    snprintf(text, sizeof text, "of %d digits in %zu scenes found", expected.counts[THERE], exhibits->scenes);
    const char *const texts[COUNTS] = {
        [FOUND] = text,
        [READ] = "  of them read right",
        [EXTRA] = "boxes that are no digit",
        [SHEET] = "of 1,000 digits of the sheet read right",
    };
    for (int kind = FOUND; kind < COUNTS; kind++) {
        printf("%-40s %9d", texts[kind], expected.counts[kind]);
        for (size_t i = 0; i < count; i++)
            printf(" %10d", measurements[i].score.counts[kind]);
        putchar('\n');
    }
    printf("%-40s %9zu", "boxes as PyTorch's", exhibits->reference.crops);
    for (size_t i = 0; i < count; i++)
        printf(" %10s", measurements[i].same_boxes ? "all" : "not all");
    putchar('\n');
}

static void error_rows(const struct measurement *measurements, size_t count)
{
    static const char *const texts[OUTPUTS] = {
        [MASK] = "  finder: logits of the mask",
        [SE_GATE] = "  SE: channel weights",
        [CBAM_GATE] = "  CBAM: channel weights",
        [CBAM_SPATIAL] = "  CBAM: spatial map",
        [ATTENTION] = "  Non-local: attention of marked pixels",
        [THETA] = "  STN: theta",
        [STRAIGHT] = "  STN: straightened crops",
        [SCORES] = "  reader: logits of the crops",
        [SHEET_SCORES] = "  reader: logits of the sheet",
    };
    for (int output = 0; output < OUTPUTS; output++) {
        printf("%-40s %9s", texts[output], "");
        for (size_t i = 0; i < count; i++) {
            const double error = measurements[i].error[output];
            printf(" %9.1e%c", error, error <= BUDGET ? ' ' : '!');
        }
        putchar('\n');
    }
}

static void time_row(const char *text, const struct measurement *measurements, size_t count, enum duration duration, double unit)
{
    printf("%-50s", text);
    for (size_t i = 0; i < count; i++)
        printf(" %10.*f", unit < 1 ? 1 : 2, measurements[i].seconds[duration] / unit);
    putchar('\n');
}

void table_print(const struct measurement *measurements, size_t count, const struct exhibits *exhibits)
{
    putchar('\n');
    for (size_t i = 0; i < count; i++)
        printf("device %zu: %s\n", i + 1, measurements[i].device);
    printf("\n%-40s %9s", "", "PyTorch");
    for (size_t i = 0; i < count; i++)
        printf("   device %zu", i + 1);
    putchar('\n');
    count_rows(measurements, count, exhibits);
    printf("largest difference from PyTorch, by the largest value; %.0e is allowed\n", BUDGET);
    error_rows(measurements, count);
    printf("seconds from nothing to the digits of the first scene\n");
    time_row("  cold: every kernel compiled", measurements, count, COLD, 1);
    time_row("  warm: compiled kernels in the cache", measurements, count, WARM, 1);
    printf("milliseconds, once ready\n");
    time_row("  one scene: found, cut out and read", measurements, count, ONE_SCENE, 1e-3);
    time_row("  the sheet: 1,000 digits read", measurements, count, WHOLE_SHEET, 1e-3);
    for (size_t i = 0; i < count; i++)
        if (!measurements[i].equal)
            printf("device %zu DIFFERS FROM PYTORCH\n", i + 1);
}
