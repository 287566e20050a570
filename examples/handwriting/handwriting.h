/* SPDX-License-Identifier: Apache-2.0 */
/*
 * handwriting.h: what the parts of the example share. Only network.c knows the two networks, only machine.c and main.c a device.
 */
#ifndef HANDWRITING_H
#define HANDWRITING_H

#include <plugcl/plugcl.h>

#include <stdbool.h>
#include <stddef.h>

enum {
    CROP = 28, /* what is read is CROP x CROP pixels */
    CROP_PIXELS = CROP * CROP,
    CLASSES = 10,
    BATCH = 25, /* crops in one run */
    SHEET_COLUMNS = 40,
    SHEET_ROWS = 25,
    SHEET_DIGITS = SHEET_COLUMNS * SHEET_ROWS,
    MARKS = 2, /* pixels of each scene whose attention is shown */
    MOST_SCENES = 16,
    SE_CHANNELS = 16,
    CBAM_CHANNELS = 40
};

/* Says on stderr what went wrong and returns false. */
bool complain(const char *format, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 1, 2)))
#endif
    ;
/* False, with plugcl's own message, when `status` is an error. */
bool fine(plugcl_status status, const char *what);

/* image.c: a grey picture, 0 is black and 255 white. */
struct image {
    int width, height;
    unsigned char *pixels;
};
/* Reads a PNG of any kind; colours become grey, what is transparent becomes white. */
bool image_read(const char *path, struct image *image);
/* The averages of squares of `factor` pixels, its edges repeated until each side is a multiple of 4 and at least 32. */
bool image_fit(const struct image *image, int factor, struct image *fitted);
void image_free(struct image *image);

/* components.c: digits are what hangs together in the mask. */
struct box {
    int x0, y0, x1, y1; /* pixels x0 … x1 − 1 and y0 … y1 − 1 */
};
enum { PAPER_HERE = -1, SPECK_HERE = -2 };
struct components {
    int width, height; /* of the mask: half the picture's */
    int *owner;        /* for each pixel of the mask its component, PAPER_HERE or SPECK_HERE */
    size_t count;
    struct box *boxes; /* in pixels of the mask */
};
bool components_find(const float *mask, int width, int height, struct components *components);
void components_free(struct components *components);
/* The window of `scene` round a component with everything else taken for paper: CROP_PIXELS floats, 0 (paper) to 1 (ink). */
void components_crop(const struct components *components, size_t index, const struct image *scene, float *crop);
/* Where the digit is in the picture: the finder's mask is one of its own pixels wider than the strokes. */
struct box components_place(const struct box *box);

/* What the networks say about each scene (up to ATTENTION), each crop, and each digit of the sheet. */
enum output { MASK, SE_GATE, CBAM_GATE, CBAM_SPATIAL, ATTENTION, THETA, STRAIGHT, SCORES, SHEET_SCORES, OUTPUTS };
/* The names of reference.safetensors, and how many floats there are for one scene of that size, one crop, one digit. */
extern const char *const output_names[OUTPUTS];
size_t output_elements(enum output output, int width, int height);

/* A digit that was found: which scene it is in, its box there in pixels of the mask, and where in the scene that is. */
struct finding {
    int scene;
    struct box box, place;
};
/* All that is said, scene after scene and crop after crop. `values` has room for crops up to a whole batch. */
struct answers {
    size_t scenes, crops;
    struct finding *findings; /* for each crop */
    float *ink;               /* the crops as they were cut */
    float *values[OUTPUTS];
};
/* `sheet` is whether the digits of the sheet are asked for too. */
bool answers_create(struct answers *answers, size_t scenes, int width, int height, bool sheet);
void answers_free(struct answers *answers);
/* How many scenes, crops or digits of the sheet there are values for. */
size_t answers_items(const struct answers *answers, enum output output);
/* Room for `more` crops. */
bool answers_reserve(struct answers *answers, size_t more);
const float *answers_of(const struct answers *answers, enum output output, size_t index, const struct image *scene);
/* The class with the highest score, and its share after softmax. */
int best_class(const float *scores);
float confidence(const float *scores);

/* A place on the map that the Non-local block sees: a quarter of the picture's height and width. */
struct mark {
    int row, column;
};

/* exhibits.c: the files that the demo reads, and what PyTorch says about them. */
struct truth {
    int scene, digit;
    struct box place;
};
struct exhibits {
    size_t scenes;
    struct image scene[MOST_SCENES]; /* all of one size */
    float *sheet;                    /* SHEET_DIGITS × CROP_PIXELS */
    plugcl_weights *file;            /* reference.safetensors */
    struct answers reference;        /* without `ink` */
    size_t truths;
    struct truth *truth;
    struct mark marks[MOST_SCENES * MARKS];
};
bool exhibits_open(const char *folder, struct exhibits *exhibits);
void exhibits_close(struct exhibits *exhibits);
/* The true class of a digit of the sheet. */
int sheet_class(size_t digit);

/* score.c */
/* Digits in the scenes, found, and of those read right; boxes that are no digit; digits of the sheet read right. */
enum count { THERE, FOUND, READ, EXTRA, SHEET, COUNTS };
struct score {
    int counts[COUNTS];
};
/* The answer that found `truth` (their places share more than half of what they cover), or answers->crops. */
size_t score_match(const struct answers *answers, const struct truth *truth);
/* Of one scene, or of all for ALL_SCENES. */
enum { ALL_SCENES = -1 };
struct score score(const struct answers *answers, const struct exhibits *exhibits, int scene);

/* network.c: the networks of README.md with the weights of a file. finder: "x" [1,1,H,W] to the outputs up to ATTENTION; reader:
 * "x" [N,1,CROP,CROP] to the others. */
struct networks {
    plugcl_graph *finder, *reader;
};
/* `marks` are `count` pixels whose attention becomes an output; none: there is no such output. */
bool networks_build(const char *path, const struct mark *marks, size_t count, struct networks *networks);
void networks_free(struct networks *networks);

/* machine.c: both networks on one device. */
struct machine {
    plugcl_context *context;
    plugcl_plan *finder, *reader;
    int width, height;
    size_t marks;
    float *pixels, *attention; /* of one scene, of all marks */
};
/* `cache` NULL is the folder that plugcl takes by itself. */
bool machine_open(struct machine *machine, const char *device, const char *cache, const struct networks *networks,
                  const struct image *scene, size_t marks);
void machine_close(struct machine *machine);
/* Finds the digits of `scene` and reads them; scenes come in order. `components` may be NULL. */
bool machine_read_scene(struct machine *machine, const struct image *scene, size_t index, struct answers *answers);
bool machine_read_sheet(struct machine *machine, float *sheet, struct answers *answers);

/* measure.c: everything on one device, compared and timed. */
/* To the first scene's digits, without and with compiled programs in the cache; then for one scene and for the sheet, the best of a
 * few rounds. */
enum duration { COLD, WARM, ONE_SCENE, WHOLE_SHEET, DURATIONS };
struct measurement {
    char device[96];
    struct score score;
    double error[OUTPUTS];  /* the largest difference from PyTorch, by the largest value; NaN where the boxes are others */
    bool same_boxes, equal; /* equal: as many right as PyTorch and every error within its budget */
    double seconds[DURATIONS];
};
#define BUDGET 1e-4
bool measure(const char *device, const char *cache, const struct networks *networks, struct exhibits *exhibits,
             struct answers *answers, struct measurement *measurement);

/* table.c */
void table_print(const struct measurement *measurements, size_t count, const struct exhibits *exhibits);

/* own_picture.c: `--image`. */
struct own_picture {
    const char *path, *device, *data, *out; /* device NULL: plugcl's choice */
    int shrink;                             /* 0: until it is small enough */
};
bool read_own_picture(const struct own_picture *own);

/* draw_*.c: the pictures, written into `folder`; each appears whole or not at all. */
bool draw_scenes(const char *folder, const struct exhibits *exhibits, const struct answers *answers);
bool draw_own_picture(const char *folder, const char *name, const struct image *scene, const struct answers *answers);
bool draw_straightened(const char *folder, const struct answers *answers);
bool draw_cbam(const char *folder, const struct exhibits *exhibits, const struct answers *answers);
bool draw_non_local(const char *folder, const struct exhibits *exhibits, const struct answers *answers);
bool draw_channels(const char *folder, const struct exhibits *exhibits, const struct answers *answers);
bool draw_sheet(const char *folder, const struct exhibits *exhibits, const struct answers *answers);

#endif
