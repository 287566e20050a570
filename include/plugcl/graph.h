/* SPDX-License-Identifier: Apache-2.0 */
/*
 * graph.h: networks as values and operators.
 *
 * A graph is built once and planned for any number of devices and shapes. Every call that adds an operator takes values and returns
 * a value. The first error of a graph is kept: later calls do nothing and return the null value, and plugcl_plan_create reports
 * the error; so a builder needs no check after each call. plugcl_graph_status tells it at once.
 *
 * Values are of F32, I32, I64 or BOOL; weights and constants of F16, BF16 and F64 count as F32. An operator takes F32 unless its
 * declaration says otherwise; plugcl_graph_cast converts. Plans compute with 32 bits: an I64 constant that does not fit is
 * UNSUPPORTED when a plan needs it on the device, and I64 inputs are saturated to −2147483648 … 2147483647.
 *
 * Shapes are logical, [N, C, H, W] for pictures; PLUGCL_DIM_ANY marks what only the plan knows. Semantics are PyTorch's function of
 * the name given with each declaration. Thread-safety of every call here: one thread at a time per graph.
 */
#ifndef PLUGCL_GRAPH_H
#define PLUGCL_GRAPH_H

#include <stdbool.h>

#include <plugcl/log.h>
#include <plugcl/tensor.h>
#include <plugcl/weights.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct plugcl_graph plugcl_graph;
typedef struct plugcl_registry plugcl_registry;
typedef struct plugcl_node plugcl_node;

/* A value of one graph; id 0 is the null value: "none" where an operand is optional, and what a failed call returns. */
typedef struct plugcl_value {
    uint32_t id;
} plugcl_value;

struct plugcl_graph_params {
    size_t struct_size;
    const plugcl_registry *registry; /* where plugcl_graph_plugin looks; NULL: the built-in plug-ins. Must outlive the graph */
    plugcl_log_callback log;         /* the first error; flavours taken and defaults that weights cannot tell, as notes */
    void *log_user;
    plugcl_log_level log_level;
};

/* Errors: NO_MEMORY, INVALID (struct_size). `params` may be NULL. After a failure *graph is NULL, which every call here accepts:
 * values are then null and statuses INVALID. */
PLUGCL_API plugcl_status plugcl_graph_create(const struct plugcl_graph_params *params, plugcl_graph **graph);
/* Sets *graph to NULL; NULL is fine. Plans that were made of it keep what they need; its plugcl_nodes end with it.
 * Thread-safety: no other thread uses the graph. */
PLUGCL_API void plugcl_graph_destroy(plugcl_graph **graph);
/* The graph's first error (its text becomes this thread's message), or PLUGCL_OK. */
PLUGCL_API plugcl_status plugcl_graph_status(plugcl_graph *graph);
/* Records an error of the caller's own, as a plug-in's build does; the first one stays. Returns `status`. */
PLUGCL_API plugcl_status plugcl_graph_fail(plugcl_graph *graph, plugcl_status status, const char *message);

/* Values from outside; inputs are of F32, I32, I64 or BOOL. A name is that of one input or one output, since runs bind tensors by
 * it; names are copied. */
PLUGCL_API plugcl_value plugcl_graph_input(plugcl_graph *graph, const char *name, plugcl_dtype dtype, const plugcl_shape *shape);
/* A tensor of `weights`, found as plugcl_weights_find does; the graph keeps a reference to the object. */
PLUGCL_API plugcl_value plugcl_graph_weight(plugcl_graph *graph, plugcl_weights *weights, const char *name);
/* A copy of dense row-major data. */
PLUGCL_API plugcl_value plugcl_graph_constant(plugcl_graph *graph, plugcl_dtype dtype, const plugcl_shape *shape, const void *data);
/* Makes any value a result of the graph, of the value's shape and type; what no output needs is left out of plans. Errors (kept by
 * the graph): INVALID (no such value, a name that another input or output has), NO_MEMORY. */
PLUGCL_API void plugcl_graph_output(plugcl_graph *graph, const char *name, plugcl_value value);
/* Shape of a constant or weight; of other values as far as it is known. Errors: INVALID. */
PLUGCL_API plugcl_status plugcl_graph_shape(const plugcl_graph *graph, plugcl_value value, plugcl_shape *shape);
/* Its type, by the same rule. Errors: INVALID. */
PLUGCL_API plugcl_status plugcl_graph_dtype(const plugcl_graph *graph, plugcl_value value, plugcl_dtype *dtype);
/* Names the operators added from now on in describe and in errors, "layer1.conv"; NULL ends it. Calls that take a layer's name, and
 * plug-ins, use that name for their own operators and then put the label back. */
PLUGCL_API void plugcl_graph_label(plugcl_graph *graph, const char *label);

/* Element-wise functions of one operand. */
typedef enum plugcl_activation {
    PLUGCL_IDENTITY = 0,
    PLUGCL_RELU,
    PLUGCL_RELU6,
    PLUGCL_LEAKY_RELU,   /* alpha: the negative slope */
    PLUGCL_ELU,          /* alpha */
    PLUGCL_SILU,
    PLUGCL_GELU,         /* erf form */
    PLUGCL_GELU_TANH,    /* tanh approximation */
    PLUGCL_SIGMOID,
    PLUGCL_TANH,
    PLUGCL_HARD_SIGMOID, /* clip(alpha·x + beta, 0, 1); PyTorch's is alpha 1/6, beta 1/2 */
    PLUGCL_HARD_SWISH,   /* x · hardsigmoid(x), PyTorch's */
    PLUGCL_EXP,
    PLUGCL_LOG,
    PLUGCL_SQRT,
    PLUGCL_ABS,
    PLUGCL_NEG,
    PLUGCL_CLIP          /* torch.clamp to alpha … beta (−INFINITY and INFINITY: no limit); all beta where alpha is above it */
} plugcl_activation;

/* torch.nn.functional.<name>, or torch.<name>. alpha and beta are read where the function has them. NaN passes through all of
 * them. */
PLUGCL_API plugcl_value plugcl_graph_activation(plugcl_graph *graph, plugcl_value x, plugcl_activation kind, float alpha,
                                                float beta);
/* F.prelu of any rank: slope has 1 element, or one for each channel, which is axis 1 of x (ranks below 2 have one channel). */
PLUGCL_API plugcl_value plugcl_graph_prelu(plugcl_graph *graph, plugcl_value x, plugcl_value slope);

typedef enum plugcl_binary {
    PLUGCL_ADD = 0,
    PLUGCL_SUB,
    PLUGCL_MUL,
    PLUGCL_DIV,
    PLUGCL_MIN,
    PLUGCL_MAX,
    PLUGCL_POW
} plugcl_binary;
/* torch.add, sub, mul, div, minimum, maximum, pow of F32 with NumPy's broadcasting; min and max pass NaN on. */
PLUGCL_API plugcl_value plugcl_graph_binary(plugcl_graph *graph, plugcl_binary kind, plugcl_value a, plugcl_value b);

typedef enum plugcl_comparison { PLUGCL_EQ = 0, PLUGCL_NE, PLUGCL_LT, PLUGCL_LE, PLUGCL_GT, PLUGCL_GE } plugcl_comparison;
/* torch.eq, ne, lt, le, gt, ge with NumPy's broadcasting: BOOL. Both operands are of one type, whichever. Where one is NaN, NE is
 * true and the others are false. */
PLUGCL_API plugcl_value plugcl_graph_compare(plugcl_graph *graph, plugcl_comparison kind, plugcl_value a, plugcl_value b);
/* torch.where with NumPy's broadcasting: a where `condition` (BOOL) is true, else b. a and b are of one type, whichever. */
PLUGCL_API plugcl_value plugcl_graph_where(plugcl_graph *graph, plugcl_value condition, plugcl_value a, plugcl_value b);
/* x.to(dtype) for F32, I32, I64 and BOOL. Floats become integers by truncation; what does not fit becomes the nearest int32 and NaN
 * becomes 0 (PyTorch leaves both undefined). BOOL is x != 0, so that NaN is true. */
PLUGCL_API plugcl_value plugcl_graph_cast(plugcl_graph *graph, plugcl_value x, plugcl_dtype dtype);

struct plugcl_conv2d_params {
    size_t struct_size;
    uint32_t stride[2];   /* height, width; 0 is 1 */
    uint32_t pad[4];      /* top, left, bottom, right, in input pixels */
    uint32_t dilation[2]; /* 0 is 1 */
    uint32_t groups;      /* 0 is 1 */
};

/* F.conv2d with each of the four paddings of its own: x [N,C,H,W], weight [O, C/groups, KH, KW], bias [O] or null. */
PLUGCL_API plugcl_value plugcl_graph_conv2d(plugcl_graph *graph, plugcl_value x, plugcl_value weight, plugcl_value bias,
                                            const struct plugcl_conv2d_params *params);
/* The same with "<layer>.weight" and, if it is there, "<layer>.bias" of `weights`. */
PLUGCL_API plugcl_value plugcl_graph_conv2d_layer(plugcl_graph *graph, plugcl_value x, plugcl_weights *weights, const char *layer,
                                                  const struct plugcl_conv2d_params *params);

struct plugcl_conv_transpose2d_params {
    size_t struct_size;
    uint32_t stride[2];     /* height, width; 0 is 1 */
    uint32_t pad[4];        /* top, left, bottom, right: output pixels that are left away */
    uint32_t output_pad[2]; /* rows and columns more at the bottom and the right; less than the stride or the dilation */
    uint32_t dilation[2];   /* 0 is 1 */
    uint32_t groups;        /* 0 is 1 */
};

/* F.conv_transpose2d with each of the four paddings of its own: x [N,C,H,W], weight [C, O/groups, KH, KW], bias [O] or null. */
PLUGCL_API plugcl_value plugcl_graph_conv_transpose2d(plugcl_graph *graph, plugcl_value x, plugcl_value weight, plugcl_value bias,
                                                      const struct plugcl_conv_transpose2d_params *params);
/* The same with "<layer>.weight" and, if it is there, "<layer>.bias" of `weights`. */
PLUGCL_API plugcl_value plugcl_graph_conv_transpose2d_layer(plugcl_graph *graph, plugcl_value x, plugcl_weights *weights,
                                                            const char *layer,
                                                            const struct plugcl_conv_transpose2d_params *params);

/* torchvision.ops.deform_conv2d: v1, or v2 where mask is not null. x [N,C,H,W]; offset [N, 2·G·KH·KW, OH, OW], for each tap of each
 * of the G groups of channels how much lower and how much further right it reads; mask [N, G·KH·KW, OH, OW], factors; weight
 * [O, C/groups, KH, KW]; bias [O] or null. A sample outside counts 0, and so does one that is not a number. */
PLUGCL_API plugcl_value plugcl_graph_deform_conv2d(plugcl_graph *graph, plugcl_value x, plugcl_value offset, plugcl_value mask,
                                                   plugcl_value weight, plugcl_value bias,
                                                   const struct plugcl_conv2d_params *params);

/* F.linear over the last axis: x [..., K], weight [O, K] or [O, K, 1, 1], bias [O] or null. */
PLUGCL_API plugcl_value plugcl_graph_linear(plugcl_graph *graph, plugcl_value x, plugcl_value weight, plugcl_value bias);
PLUGCL_API plugcl_value plugcl_graph_linear_layer(plugcl_graph *graph, plugcl_value x, plugcl_weights *weights, const char *layer);

/* Whose matrix products the operators linear, matmul and attention that are added from now on take, their definitions included:
 * AUTO is the plan's choice, on GPUs CLBlast for what attention needs. A plan that can have no CLBlast is then UNSUPPORTED. */
typedef enum plugcl_gemm { PLUGCL_GEMM_AUTO = 0, PLUGCL_GEMM_OWN, PLUGCL_GEMM_CLBLAST } plugcl_gemm;
PLUGCL_API void plugcl_graph_gemm(plugcl_graph *graph, plugcl_gemm gemm);

/* torch.matmul: [..., M, K] · [..., K, N] = [..., M, N]; the leading axes broadcast by NumPy's rules, a vector [K] takes part as
 * one row on the left or one column on the right, and its axis goes from the result. transpose_a and transpose_b swap the last two
 * axes of an operand first; a vector has none to swap. */
PLUGCL_API plugcl_value plugcl_graph_matmul(plugcl_graph *graph, plugcl_value a, plugcl_value b, bool transpose_a,
                                            bool transpose_b);

/* F.batch_norm in evaluation: (x − mean) / sqrt(variance + eps) · weight + bias over axis 1; weight and bias may be null.
 * The four are constants or weights: a plan with computed ones is UNSUPPORTED. */
PLUGCL_API plugcl_value plugcl_graph_batch_norm(plugcl_graph *graph, plugcl_value x, plugcl_value mean, plugcl_value variance,
                                                plugcl_value weight, plugcl_value bias, float eps);
/* With "<layer>.running_mean", ".running_var", ".weight" and ".bias". */
PLUGCL_API plugcl_value plugcl_graph_batch_norm_layer(plugcl_graph *graph, plugcl_value x, plugcl_weights *weights,
                                                      const char *layer, float eps);

/* F.layer_norm over the last n_axes axes: (x − mean) / sqrt(variance + eps) · weight + bias with the mean and the biased variance
 * of x itself; weight and bias have these axes' shape, or are null. */
PLUGCL_API plugcl_value plugcl_graph_layer_norm(plugcl_graph *graph, plugcl_value x, uint32_t n_axes, plugcl_value weight,
                                                plugcl_value bias, float eps);
/* F.group_norm: the same over each of `groups` groups of an image's channels. x [N, C, ...], weight and bias [C] or null. */
PLUGCL_API plugcl_value plugcl_graph_group_norm(plugcl_graph *graph, plugcl_value x, uint32_t groups, plugcl_value weight,
                                                plugcl_value bias, float eps);
/* F.instance_norm by the input's statistics: over each channel of an image. Unlike PyTorch's, a single pixel is taken (y is the
 * bias), as ONNX's InstanceNormalization does. */
PLUGCL_API plugcl_value plugcl_graph_instance_norm(plugcl_graph *graph, plugcl_value x, plugcl_value weight, plugcl_value bias,
                                                   float eps);

struct plugcl_pool2d_params {
    size_t struct_size;
    uint32_t kernel[2];
    uint32_t stride[2];   /* 0 is the kernel's size */
    uint32_t pad[4];      /* top, left, bottom, right; at most half the kernel */
    uint32_t dilation[2]; /* 0 is 1; max pooling only */
    bool ceil_mode;
    bool count_exclude_pad; /* average: divide by the pixels inside only; PyTorch's default counts the padding */
};

/* F.max_pool2d (a NaN in the window gives NaN) and F.avg_pool2d: x [N,C,H,W] to [N,C,OH,OW] with
 * OH = floor((H + top + bottom − dilation·(KH − 1) − 1) / stride) + 1, and OW likewise. With ceil_mode it is rounded up, but for a
 * last window that would begin in the padding behind x. */
PLUGCL_API plugcl_value plugcl_graph_max_pool2d(plugcl_graph *graph, plugcl_value x, const struct plugcl_pool2d_params *params);
PLUGCL_API plugcl_value plugcl_graph_avg_pool2d(plugcl_graph *graph, plugcl_value x, const struct plugcl_pool2d_params *params);
/* F.adaptive_avg_pool2d and F.adaptive_max_pool2d: x [N,C,H,W] to [N,C,height,width]; height and width 1 is global pooling. */
PLUGCL_API plugcl_value plugcl_graph_adaptive_avg_pool2d(plugcl_graph *graph, plugcl_value x, uint32_t height, uint32_t width);
PLUGCL_API plugcl_value plugcl_graph_adaptive_max_pool2d(plugcl_graph *graph, plugcl_value x, uint32_t height, uint32_t width);

/* torch.cat of any type, the same for all; `axis` may be negative. */
PLUGCL_API plugcl_value plugcl_graph_concat(plugcl_graph *graph, const plugcl_value *values, size_t n_values, int axis);
/* torch.reshape of any type in logical order, with ONNX's 0 (keep the dimension of that place) and one −1 (what is left). */
PLUGCL_API plugcl_value plugcl_graph_reshape(plugcl_graph *graph, plugcl_value x, const plugcl_shape *shape);
/* x.reshape(like.shape), of which value only the shape is read. */
PLUGCL_API plugcl_value plugcl_graph_reshape_as(plugcl_graph *graph, plugcl_value x, plugcl_value like);
/* torch.flatten of any type from axis `start` to `end`, both included, negative from the back. */
PLUGCL_API plugcl_value plugcl_graph_flatten(plugcl_graph *graph, plugcl_value x, int start, int end);
/* torch.permute of any type: axis i of the result is axis order[i] of x. */
PLUGCL_API plugcl_value plugcl_graph_transpose(plugcl_graph *graph, plugcl_value x, const int *order, size_t rank);

#define PLUGCL_SLICE_END INT64_MAX
/* Elements start, start + step … before end along one axis, as x[..., start:end:step] in NumPy and ONNX's Slice: negative places
 * count from the back and are clamped to the axis. A negative step goes backwards, to the first element with end INT64_MIN. */
struct plugcl_slice {
    int axis; /* negative: from the back */
    int64_t start, end, step; /* step 0 is 1 */
};
/* Slices of any type, each of another axis. No data is copied where all steps are positive. */
PLUGCL_API plugcl_value plugcl_graph_slice(plugcl_graph *graph, plugcl_value x, const struct plugcl_slice *slices, size_t n_slices);
/* torch.split of any type into parts of these sizes, which add up to the axis; NULL: torch.chunk into n_parts, of an axis whose
 * size is known and gives so many. Fills parts[0 … n_parts−1]. */
PLUGCL_API void plugcl_graph_split(plugcl_graph *graph, plugcl_value x, int axis, const int64_t *sizes, size_t n_parts,
                                   plugcl_value *parts);
/* torch.squeeze of any type; the axes that are named must have size 1 (ONNX's rule). n_axes 0: all that have; the sizes of all axes
 * must be known then. */
PLUGCL_API plugcl_value plugcl_graph_squeeze(plugcl_graph *graph, plugcl_value x, const int *axes, size_t n_axes);
/* torch.unsqueeze of any type: the axes are the result's, negative from its back (ONNX's rule for more than one). */
PLUGCL_API plugcl_value plugcl_graph_unsqueeze(plugcl_graph *graph, plugcl_value x, const int *axes, size_t n_axes);

typedef enum plugcl_pad_mode { PLUGCL_PAD_CONSTANT = 0, PLUGCL_PAD_REFLECT, PLUGCL_PAD_EDGE } plugcl_pad_mode;
struct plugcl_pad_params {
    size_t struct_size;
    plugcl_pad_mode mode;
    float value; /* constant; a whole number for integers, 0 or 1 for BOOL */
    int64_t before[PLUGCL_MAX_RANK], after[PLUGCL_MAX_RANK]; /* elements along each axis of x; negative: so many are cut off */
};
/* F.pad of any type on any axes: "constant", "reflect" (the edge is not repeated; each padding less than the axis), "replicate". */
PLUGCL_API plugcl_value plugcl_graph_pad(plugcl_graph *graph, plugcl_value x, const struct plugcl_pad_params *params);
/* torch.index_select and ONNX's Gather of x of any type: the axis is replaced by the axes of `indices` (I32 or I64, any rank).
 * Negative indices count from the back. A constant index outside the axis is INVALID when a plan is made; a computed one reads
 * nothing and gives NaN, or 0 for integers and BOOL. */
PLUGCL_API plugcl_value plugcl_graph_gather(plugcl_graph *graph, plugcl_value x, plugcl_value indices, int axis);
/* F.pixel_shuffle and F.pixel_unshuffle of any type, of rank 3 to 6: [..., C·f², H, W] to [..., C, H·f, W·f] and back. */
PLUGCL_API plugcl_value plugcl_graph_pixel_shuffle(plugcl_graph *graph, plugcl_value x, uint32_t factor);
PLUGCL_API plugcl_value plugcl_graph_pixel_unshuffle(plugcl_graph *graph, plugcl_value x, uint32_t factor);
/* F.softmax along one axis of x of any rank, negative from the back; the result has the shape of x. */
PLUGCL_API plugcl_value plugcl_graph_softmax(plugcl_graph *graph, plugcl_value x, int axis);

typedef enum plugcl_reduce { PLUGCL_REDUCE_MEAN = 0, PLUGCL_REDUCE_MAX, PLUGCL_REDUCE_SUM, PLUGCL_REDUCE_MIN } plugcl_reduce;
/* torch.mean, amax, sum, amin over the axes (n_axes 0: all). NaN passes through max and min. */
PLUGCL_API plugcl_value plugcl_graph_reduce(plugcl_graph *graph, plugcl_reduce kind, plugcl_value x, const int *axes, size_t n_axes,
                                            bool keep_dimensions);

/* How a value between pixels is made, and what lies outside the image. */
typedef enum plugcl_sample_mode { PLUGCL_SAMPLE_BILINEAR = 0, PLUGCL_SAMPLE_NEAREST, PLUGCL_SAMPLE_BICUBIC } plugcl_sample_mode;
typedef enum plugcl_sample_padding {
    PLUGCL_SAMPLE_ZEROS = 0,
    PLUGCL_SAMPLE_BORDER,
    PLUGCL_SAMPLE_REFLECTION
} plugcl_sample_padding;

struct plugcl_sample_params {
    size_t struct_size;
    plugcl_sample_mode mode;
    plugcl_sample_padding padding;
    bool align_corners; /* −1 and 1 are the centres of the outer pixels, not the outer edges */
};

/* F.affine_grid: theta [N,2,3] to a grid [N, height, width, 2] of (x, y) in −1 … 1. A height or width of 0 is that of `x`
 * [N,C,H,W], which may else be null. */
PLUGCL_API plugcl_value plugcl_graph_affine_grid(plugcl_graph *graph, plugcl_value theta, plugcl_value x, uint32_t height,
                                                 uint32_t width, bool align_corners);
/* F.grid_sample of x [N,C,H,W] at grid [N,H',W',2]: [N,C,H',W']. Coordinates that are not finite, or far outside, give what PyTorch
 * gives on the CPU: with bilinear NaN for not finite ones under zeros, the first or last pixel under border, the first one under
 * reflection; with nearest 0 under zeros; with bicubic NaN. NULL params: bilinear, zeros, align_corners false. */
PLUGCL_API plugcl_value plugcl_graph_grid_sample(plugcl_graph *graph, plugcl_value x, plugcl_value grid,
                                                 const struct plugcl_sample_params *params);

/* Which place of the input an output pixel i looks at; `step` is 1 / scale where a scale is given, else input size / output
 * size. */
typedef enum plugcl_resize_coordinates {
    PLUGCL_RESIZE_PYTORCH = 0,       /* F.interpolate's: ASYMMETRIC for nearest, else HALF_PIXEL; bilinear copies along an axis that
                                        keeps its size, also with ALIGN_CORNERS */
    PLUGCL_RESIZE_HALF_PIXEL,        /* (i + 0.5) · step − 0.5 */
    PLUGCL_RESIZE_ASYMMETRIC,        /* i · step */
    PLUGCL_RESIZE_ALIGN_CORNERS,     /* i · (input − 1) / (output − 1), whatever the scale; 0 where the output has size 1 */
    PLUGCL_RESIZE_PYTORCH_HALF_PIXEL /* HALF_PIXEL, but 0 where the output has size 1 */
} plugcl_resize_coordinates;
/* Which pixel is nearest. ONNX's default is PREFER_FLOOR; F.interpolate's nearest-exact is HALF_PIXEL with PREFER_CEIL. */
typedef enum plugcl_resize_rounding {
    PLUGCL_RESIZE_FLOOR = 0,
    PLUGCL_RESIZE_CEIL,
    PLUGCL_RESIZE_PREFER_FLOOR, /* to the nearest, halves down */
    PLUGCL_RESIZE_PREFER_CEIL   /* to the nearest, halves up */
} plugcl_resize_rounding;

struct plugcl_resize_params {
    size_t struct_size;
    plugcl_sample_mode mode;
    plugcl_resize_coordinates coordinates;
    plugcl_resize_rounding rounding; /* of nearest */
    uint32_t size[2];                /* height, width of the output; 0: that of `like`, or else floor(input size · scale) */
    double scale[2];                 /* output over input; 0: that of the sizes. It decides the step also where a size is given */
    float cubic_coefficient;         /* of bicubic; 0 is −0.75 */
};

/* F.interpolate without antialiasing, and ONNX's Resize: x [N,C,H,W] to a size, by a scale, or to the height and width of `like`
 * [·,·,H,W], which is null otherwise and of which only the shape is read. Pixels outside repeat the edge. In PyTorch a scale_factor
 * is `scale` alone, with recompute_scale_factor `size` alone; ONNX's scales and sizes differ in the same way. */
PLUGCL_API plugcl_value plugcl_graph_resize(plugcl_graph *graph, plugcl_value x, plugcl_value like,
                                            const struct plugcl_resize_params *params);

/*
 * Composites: what plug-ins are made of. Each has a definition in operators above, which is what runs with fusion off.
 */

/* How a channel gate sums up a channel's plane into one number. */
typedef enum plugcl_gate_pool {
    PLUGCL_POOL_AVG = 1 << 0,
    PLUGCL_POOL_MAX = 1 << 1,
    PLUGCL_POOL_LP = 1 << 2, /* square root of the sum of squares */
    PLUGCL_POOL_LSE = 1 << 3 /* log of the sum of exponentials */
} plugcl_gate_pool;

struct plugcl_channel_gate_params {
    size_t struct_size;
    uint32_t pools;            /* plugcl_gate_pool bits; 0 is PLUGCL_POOL_AVG */
    bool average_pools; /* true: the MLP runs once, on the mean of the pools; false: once for each, and the results are summed */
    plugcl_activation act;     /* between the two layers: as in plugcl_graph_activation */
    float act_alpha;
    bool hard_gate;            /* clip(gate_alpha·s + gate_beta, 0, 1) in place of the sigmoid */
    float gate_alpha, gate_beta;
};

/* Squeeze-and-Excitation (arXiv 1709.01507) and CBAM's channel attention (1807.06521): y = x · gate(MLP(pool(x))).
 * x [N,C,H,W]; first [hidden, C] (or [hidden, C, 1, 1]) and second [C, hidden] are the MLP, each bias [·] or null;
 * a null `first` leaves one layer [C, C]. *gate, if not NULL, is the gate's value [N,C,1,1]. */
PLUGCL_API plugcl_value plugcl_graph_channel_gate(plugcl_graph *graph, plugcl_value x, plugcl_value first, plugcl_value first_bias,
                                                  plugcl_value second, plugcl_value second_bias,
                                                  const struct plugcl_channel_gate_params *params, plugcl_value *gate);

struct plugcl_spatial_gate_params {
    size_t struct_size;
    bool max_first; /* the convolution's input is [max, mean] over the channels in place of [mean, max] */
    bool hard_gate;
    float gate_alpha, gate_beta;
};

/* CBAM's spatial attention: y = x · gate(conv([mean, max] over channels)). weight [1, 2, K, K] with odd K, stride 1, padding K/2;
 * bias [1] or null. *gate, if not NULL, is the map [N,1,H,W]. */
PLUGCL_API plugcl_value plugcl_graph_spatial_gate(plugcl_graph *graph, plugcl_value x, plugcl_value weight, plugcl_value bias,
                                                  const struct plugcl_spatial_gate_params *params, plugcl_value *gate);

/* A spatial transformer's sampling (arXiv 1506.02025): grid_sample of x [N,C,H,W] at affine_grid(theta [N,2,3]), without the grid
 * in memory. y is [N, C, height, width]; 0 is that of x. */
PLUGCL_API plugcl_value plugcl_graph_warp(plugcl_graph *graph, plugcl_value x, plugcl_value theta, uint32_t height, uint32_t width,
                                          const struct plugcl_sample_params *params);

/* How a query and a key make one number, and how those are normalised: the modes of the Non-local block (arXiv 1711.07971). */
typedef enum plugcl_attention_mode {
    PLUGCL_ATTENTION_SOFTMAX = 0,  /* softmax of q · k */
    PLUGCL_ATTENTION_DOT_PRODUCT,  /* q · k, divided by the number of keys */
    PLUGCL_ATTENTION_CONCATENATION /* relu(q + k), divided by the number of keys; q and k are the projected halves, of 1 channel */
} plugcl_attention_mode;

struct plugcl_attention_params {
    size_t struct_size;
    plugcl_attention_mode mode;
    float scale;               /* of the scores, before softmax or ReLU; 0 is 1 (and not PyTorch's 1/sqrt(D)) */
    bool softmax_over_queries; /* each key's numbers over the queries add up to 1, in place of each query's over the keys */
    uint64_t memory;           /* bytes of device memory for the affinities at one time; 0 is 64 MiB or what the device allocates */
};

/* Attention: y [N,Q,E] = affinity(q [N,Q,D], k [N,K,D]) · v [N,K,E], as F.scaled_dot_product_attention with its scale given, or
 * another mode. With fusion the affinities [N,Q,K] are in memory in parts only, or not at all. NULL params: softmax over the keys,
 * scale 1. */
PLUGCL_API plugcl_value plugcl_graph_attention(plugcl_graph *graph, plugcl_value q, plugcl_value k, plugcl_value v,
                                               const struct plugcl_attention_params *params);

/* One branch of a pyramid: a K x K convolution with odd K, padded so that the picture keeps its size. With `depthwise`
 * [C, 1, K, K] the branch is separable: that convolution, dilated, then `weight` [O, C, 1, 1]. */
struct plugcl_pyramid_branch {
    plugcl_value depthwise; /* or null */
    plugcl_value weight;    /* [O, C, K, K]; O may differ between branches */
    plugcl_value bias;      /* [O] or null */
    uint32_t dilation;      /* 0 is 1 */
};

struct plugcl_pyramid_params {
    size_t struct_size;
    bool pool_first;       /* the pooled branch stands before the others in the projection's input, not after them */
    plugcl_activation act; /* after each branch and after the projection */
    float act_alpha;
};

/* Atrous Spatial Pyramid Pooling (arXiv 1706.05587): y = act(projection(cat(act(branch(x)) for each, act(pool(mean(x))) repeated at
 * every pixel))). x [N,C,H,W]; 1 to 9 branches; pool [P, C, 1, 1] or null (no pooled branch); projection [O, the parts' channels,
 * K, K] with odd K, padded so that the picture keeps its size; biases may be null. y [N,O,H,W]. */
PLUGCL_API plugcl_value plugcl_graph_pyramid(plugcl_graph *graph, plugcl_value x, const struct plugcl_pyramid_branch *branches,
                                             size_t n_branches, plugcl_value pool, plugcl_value pool_bias, plugcl_value projection,
                                             plugcl_value projection_bias, const struct plugcl_pyramid_params *params);

/* What attention multiplies v by, for some queries: [N, n_queries, K], rows queries[0] … of the affinity [N,Q,K], after its
 * normalisation (which is over all queries where the params say so). They are counted from 0; the list is copied; NULL with
 * n_queries 0 is all of them. Errors: INVALID, from the plan where q has fewer queries. */
PLUGCL_API plugcl_value plugcl_graph_attention_map(plugcl_graph *graph, plugcl_value q, plugcl_value k,
                                                   const struct plugcl_attention_params *params, const uint32_t *queries,
                                                   size_t n_queries);

/* Folds F.batch_norm "<layer>" that follows a convolution or linear layer into that layer's constant weight and bias (may be null);
 * both are replaced by new constants. */
PLUGCL_API void plugcl_graph_fold_batch_norm(plugcl_graph *graph, plugcl_value *weight, plugcl_value *bias, plugcl_weights *weights,
                                             const char *layer, float eps);

/*
 * Plug-ins (see plugin.h for writing one).
 */

/* Adds plug-in `name` with the weights whose names begin with `prefix` ("layer1.se" and "layer1.se." are the same; NULL or "" is
 * all) and options "key=value key=value" (NULL: none). *node, if not NULL, belongs to the graph.
 * Errors, kept by the graph too: NOT_FOUND (plug-in, weight), INVALID (option, shape; the message says what would be right). */
PLUGCL_API plugcl_status plugcl_graph_plugin(plugcl_graph *graph, const char *name, const plugcl_value *inputs, size_t n_inputs,
                                             plugcl_weights *weights, const char *prefix, const char *options, plugcl_node **node);
/* An output by name, "y" or "gate"; the null value (and an error in the graph) if there is none. */
PLUGCL_API plugcl_value plugcl_node_output(plugcl_node *node, const char *name);
/* The flavour that was recognised or asked for, "torchvision". */
PLUGCL_API const char *plugcl_node_flavour(const plugcl_node *node);

#ifndef __cplusplus
#define plugcl_graph_params(...)                                                                                                   \
    (&(const struct plugcl_graph_params){ .struct_size = sizeof(struct plugcl_graph_params), __VA_ARGS__ })
#define plugcl_conv2d_params(...) \
    (&(const struct plugcl_conv2d_params){ .struct_size = sizeof(struct plugcl_conv2d_params), __VA_ARGS__ })
#define plugcl_conv_transpose2d_params(...) \
    (&(const struct plugcl_conv_transpose2d_params){ .struct_size = sizeof(struct plugcl_conv_transpose2d_params), __VA_ARGS__ })
#define plugcl_pool2d_params(...) \
    (&(const struct plugcl_pool2d_params){ .struct_size = sizeof(struct plugcl_pool2d_params), __VA_ARGS__ })
#define plugcl_sample_params(...) \
    (&(const struct plugcl_sample_params){ .struct_size = sizeof(struct plugcl_sample_params), __VA_ARGS__ })
#define plugcl_attention_params(...) \
    (&(const struct plugcl_attention_params){ .struct_size = sizeof(struct plugcl_attention_params), __VA_ARGS__ })
#define plugcl_pad_params(...) \
    (&(const struct plugcl_pad_params){ .struct_size = sizeof(struct plugcl_pad_params), __VA_ARGS__ })
#define plugcl_channel_gate_params(...) \
    (&(const struct plugcl_channel_gate_params){ .struct_size = sizeof(struct plugcl_channel_gate_params), __VA_ARGS__ })
#define plugcl_spatial_gate_params(...) \
    (&(const struct plugcl_spatial_gate_params){ .struct_size = sizeof(struct plugcl_spatial_gate_params), __VA_ARGS__ })
#define plugcl_resize_params(...) \
    (&(const struct plugcl_resize_params){ .struct_size = sizeof(struct plugcl_resize_params), __VA_ARGS__ })
#define plugcl_pyramid_params(...) \
    (&(const struct plugcl_pyramid_params){ .struct_size = sizeof(struct plugcl_pyramid_params), __VA_ARGS__ })
#endif
static inline struct plugcl_graph_params plugcl_graph_params_init(void)
{
    struct plugcl_graph_params params = { sizeof(struct plugcl_graph_params), NULL, NULL, NULL, PLUGCL_LOG_ERROR };
    return params;
}
static inline struct plugcl_conv2d_params plugcl_conv2d_params_init(void)
{
    struct plugcl_conv2d_params params = { sizeof(struct plugcl_conv2d_params), { 0, 0 }, { 0, 0, 0, 0 }, { 0, 0 }, 0 };
    return params;
}
static inline struct plugcl_conv_transpose2d_params plugcl_conv_transpose2d_params_init(void)
{
    struct plugcl_conv_transpose2d_params params = {
        sizeof(struct plugcl_conv_transpose2d_params), { 0, 0 }, { 0, 0, 0, 0 }, { 0, 0 }, { 0, 0 }, 0
    };
    return params;
}
static inline struct plugcl_pool2d_params plugcl_pool2d_params_init(void)
{
    struct plugcl_pool2d_params params = {
        sizeof(struct plugcl_pool2d_params), { 0, 0 }, { 0, 0 }, { 0, 0, 0, 0 }, { 0, 0 }, false, false
    };
    return params;
}
static inline struct plugcl_sample_params plugcl_sample_params_init(void)
{
    struct plugcl_sample_params params = {
        sizeof(struct plugcl_sample_params), PLUGCL_SAMPLE_BILINEAR, PLUGCL_SAMPLE_ZEROS, false
    };
    return params;
}
static inline struct plugcl_attention_params plugcl_attention_params_init(void)
{
    struct plugcl_attention_params params = {
        sizeof(struct plugcl_attention_params), PLUGCL_ATTENTION_SOFTMAX, 0, false, 0
    };
    return params;
}
static inline struct plugcl_pad_params plugcl_pad_params_init(void)
{
    struct plugcl_pad_params params = { sizeof(struct plugcl_pad_params), PLUGCL_PAD_CONSTANT, 0, { 0 }, { 0 } };
    return params;
}
static inline struct plugcl_channel_gate_params plugcl_channel_gate_params_init(void)
{
    struct plugcl_channel_gate_params params = {
        sizeof(struct plugcl_channel_gate_params), 0, false, PLUGCL_IDENTITY, 0, false, 0, 0
    };
    return params;
}
static inline struct plugcl_spatial_gate_params plugcl_spatial_gate_params_init(void)
{
    struct plugcl_spatial_gate_params params = { sizeof(struct plugcl_spatial_gate_params), false, false, 0, 0 };
    return params;
}
static inline struct plugcl_resize_params plugcl_resize_params_init(void)
{
    struct plugcl_resize_params params = { sizeof(struct plugcl_resize_params),
                                           PLUGCL_SAMPLE_BILINEAR,
                                           PLUGCL_RESIZE_PYTORCH,
                                           PLUGCL_RESIZE_FLOOR,
                                           { 0, 0 },
                                           { 0, 0 },
                                           0 };
    return params;
}
static inline struct plugcl_pyramid_params plugcl_pyramid_params_init(void)
{
    struct plugcl_pyramid_params params = { sizeof(struct plugcl_pyramid_params), false, PLUGCL_IDENTITY, 0 };
    return params;
}

#ifdef __cplusplus
}
#endif
#endif
