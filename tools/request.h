/* SPDX-License-Identifier: Apache-2.0 */
/* request.h: what run, describe, bench, tune and check-plugin are asked to do, and the plan made from it. */
#ifndef PLUGCL_TOOLS_REQUEST_H
#define PLUGCL_TOOLS_REQUEST_H

#include "tool.h"

#define MAX_FILES 16
#define MAX_SETTINGS 64

struct file_argument {
    char name[64]; /* "" for a bare one, until request_check gives it its name */
    const char *path;
};

struct request {
    const char *plugin_name;
    const struct plugcl_plugin *plugin;
    const char *weights, *prefix, *device, *trace;
    struct file_argument inputs[MAX_FILES], outputs[MAX_FILES];
    size_t n_inputs, n_outputs;
    const char *settings[MAX_SETTINGS];
    size_t n_settings;
    char variants[512]; /* "conv2d=generic,pool2d=gpu" */
    bool no_fusion, no_winograd, json, has_shape;
    int repeat; /* 0: not given */
    int poll;   /* microseconds */
    plugcl_shape shape; /* --shape: of every input that has no file */
    uint32_t seed;      /* check-plugin */
    plugcl_tune tune;
};

enum request_kind { REQUEST_RUN, REQUEST_DESCRIBE, REQUEST_BENCH, REQUEST_TUNE, REQUEST_CHECK };

/* Reads the command line. EXIT_DONE, or the exit status after an error line. */
int request_read(struct request *request, enum request_kind kind, int argc, char **argv);
/* Checks names, options and files against the plug-in, before any work. */
int request_check(struct request *request, enum request_kind kind);
/* Checks --set against the plug-in's table and joins it to "key=value key=value" for plugcl_graph_plugin. */
int settings_check(const struct request *request);
char *settings_join(const struct request *request);

/* Everything that a request opens; session_close accepts a half-made one. */
struct session {
    plugcl_weights *weights;
    plugcl_context *context;
    plugcl_graph *graph;
    plugcl_plan *plan;
    float *data[MAX_FILES];     /* inputs */
    plugcl_shape shapes[MAX_FILES];
    size_t n_data;
};
/* Reads the inputs, builds the graph and plans it. EXIT_INTERRUPTED, without a line, if the user ended the planning. */
int session_open(struct session *session, const struct request *request);
/* Plans again; with `profile` steps are timed. */
int session_plan(struct session *session, const struct request *request, bool profile);
/* Random numbers for inputs without a file. */
int session_fill(struct session *session);
void session_close(struct session *session);

/* Input files: .npy or .png, rank 4; the data is freed with free. Output files are written under temporary names and appear
 * together when all of them are there. */
int read_input(const char *name, const char *path, plugcl_shape *shape, float **data);
bool is_data_file(const char *path);
int check_output_path(const char *path);
bool is_same_file(const char *a, const char *b);
/* Whether a tensor of that shape can be written to that file. */
int check_output_shape(const char *name, const char *path, const plugcl_shape *shape);

struct staged {
    char *temporary[MAX_FILES + 1], *target[MAX_FILES + 1];
    size_t count;
};
/* Signals that end the process wait from stage_begin to stage_end, so that no temporary file is left behind. */
void stage_begin(struct staged *staged);
int stage_tensor(struct staged *staged, const char *path, const plugcl_shape *shape, const float *data);
int stage_json(struct staged *staged, const char *path, const json_t *value);
/* With `commit` the files get their names; whatever is left over is removed. */
int stage_end(struct staged *staged, bool commit);

/* image.c: pictures as [1, 1 or 3, H, W] in 0 … 1. */
int image_read(const char *path, plugcl_shape *shape, float **data);
/* `path` is the name in error lines, `place` the file that is written. */
int image_write(const char *path, const char *place, const plugcl_shape *shape, const float *data);

/* The tensors of runs of a session's plan: the plug-in's inputs, then the outputs that were asked for. */
struct tensors {
    struct plugcl_binding bindings[2 * MAX_FILES];
    size_t count;
    float *results[MAX_FILES];
    plugcl_shape shapes[MAX_FILES];
    size_t n_results;
};
int tensors_open(struct tensors *tensors, const struct session *session, const struct request *request);
void tensors_close(struct tensors *tensors);
/* Runs the plan once and waits; *run, if `run` is not NULL, is the caller's to destroy. */
int tensors_run(struct tensors *tensors, const struct session *session, double *milliseconds, plugcl_run **run);
/* Sorts them; the median of an even number is the larger of the middle ones. */
double median_of(double *values, size_t count);

/* Chrome trace events of a finished run that was profiled, added to an array. */
int trace_add(json_t *events, const plugcl_plan *plan, plugcl_run *run, uint64_t *origin);

#endif
