/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugins_test.c: every published flavour of the built-in plug-ins against what PyTorch computed (make_vectors.py), through the
 * public interface: fused and expanded, all outputs and y alone, NCHW and NHWC. PLUGCL_TEST_DEVICE names the device ("cpu,gpu" by
 * default).
 */
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <plugcl/plugcl.h>

#define PREFIX "net.1.gate"

struct vector {
    const char *file, *plugin, *options, *flavour;
};

static const struct vector vectors[] = {
    { "se_seed", "se", NULL, "seed" },
    { "se_seed", "se", "flavour=moskomule", "moskomule" },
    { "se_conv", "se", NULL, "conv" },
    { "se_torchvision", "se", NULL, "torchvision" },
    { "se_torchvision", "se", "flavour=timm", "timm" },
    { "se_torchvision_silu", "se", "act=silu", "torchvision" },
    { "se_torchvision_hard", "se", "gate=hard_sigmoid", "torchvision" },
    { "se_timm_bn", "se", NULL, "timm" },
    { "se_timm_maxpool", "se", "flavour=timm add_maxpool=true", "timm" },
    { "se_timm_efficientnet", "se", "act=silu", "timm_efficientnet" },
    { "se_ese", "se", NULL, "ese" },
    { "se_mmcv", "se", NULL, "mmcv" },
    { "se_mmcv_old", "se", "alpha=0.5 beta=0.5", "mmcv" },
    { "cbam_official", "cbam", NULL, "official" },
    { "cbam_official_pools", "cbam", "pools=avg,max,lp,lse", "official" },
    { "cbam_copies", "cbam", NULL, "copies" },
    { "cbam_copies_fc1", "cbam", "flavour=copies", "copies" },
    { "cbam_seed", "cbam", NULL, "seed" },
    { "cbam_ultralytics", "cbam", NULL, "ultralytics" },
    { "cbam_timm", "cbam", NULL, "timm" },
    { "channel_official", "channel_attention", NULL, "official" },
    { "channel_copies", "channel_attention", NULL, "copies" },
    { "channel_fc1", "channel_attention", NULL, "copies" },
    { "channel_fc1", "channel_attention", "flavour=timm", "timm" },
    { "channel_ultralytics", "channel_attention", NULL, "ultralytics" },
    { "spatial_official", "spatial_attention", NULL, "official" },
    { "spatial_copies", "spatial_attention", NULL, "copies" },
    { "spatial_copies", "spatial_attention", "order=mean_max flavour=seed", "seed" },
    { "spatial_ultralytics", "spatial_attention", NULL, "ultralytics" },
    { "spatial_timm", "spatial_attention", NULL, "timm" },
    { "aspp_seed", "aspp", NULL, "seed" },
    { "aspp_seed", "aspp", "flavour=seed rates=1,6,12,18", "seed" },
    { "aspp_seed_rates", "aspp", "rates=2,3,5", "seed" },
    { "aspp_torchvision", "aspp", NULL, "torchvision" },
    { "aspp_torchvision", "aspp", "flavour=smp", "smp" },
    { "aspp_torchvision_two", "aspp", "rates=1,3", "torchvision" },
    { "aspp_torchvision_two", "aspp", "rates=1,1,3", "torchvision" },
    { "aspp_mmseg", "aspp", NULL, "mmseg" },
    { "aspp_jfzhang95", "aspp", NULL, "jfzhang95" },
    { "aspp_jfzhang95_8", "aspp", "rates=12,24,36", "jfzhang95" },
    { "aspp_smp", "aspp", NULL, "smp" },
    { "stn_seed", "stn", NULL, "seed" },
    { "stn_seed", "stn", "flavour=seed size=5,7 align_corners=false mode=bilinear", "seed" },
    { "stn_seed_nearest", "stn", "mode=nearest padding_mode=border align_corners=true", "seed" },
    { "stn_tutorial", "stn", NULL, "tutorial" },
    { "stn_tutorial", "stn", "localization=conv,maxpool2,relu,conv,maxpool2,relu,flatten,fc,relu,fc", "chain" },
    { "stn_tutorial_bicubic", "stn", "mode=bicubic padding_mode=reflection align_corners=true size=9,12", "tutorial" },
    { "stn_chain", "stn",
      "localization=conv,bn,leaky_relu,avgpool2,conv,elu,flatten,dropout,fc,tanh,fc padding_mode=reflection size=5,6", "chain" },
    { "nonlocal_seed", "nonlocal", NULL, "seed" },
    { "nonlocal_seed", "nonlocal", "view=paper softmax_axis=keys scale=none", "seed" },
    { "nonlocal_seed_view", "nonlocal", "view=seed", "seed" },
    { "nonlocal_paper", "nonlocal", NULL, "paper" },
    { "nonlocal_paper_plain", "nonlocal", "mode=embedded_gaussian", "paper" },
    { "nonlocal_paper_gaussian", "nonlocal", NULL, "paper" },
    { "nonlocal_paper_dot", "nonlocal", "mode=dot_product", "paper" },
    { "nonlocal_paper_concatenation", "nonlocal", NULL, "paper" },
    { "nonlocal_mmcv", "nonlocal", NULL, "mmcv" },
    { "nonlocal_mmcv_gaussian", "nonlocal", "mode=gaussian", "mmcv" },
    { "nonlocal_mmcv_concatenation", "nonlocal", "sub_sample=true", "mmcv" },
    { "nonlocal_slowfast", "nonlocal", NULL, "slowfast" },
    { "nonlocal_slowfast_pool", "nonlocal", "mode=dot_product sub_sample=true", "slowfast" },
    { "nonlocal_timm", "nonlocal", NULL, "timm" },
    { "nonlocal_timm_queries", "nonlocal", "query_pixels=2:3,0:0,1:2", "timm" },
    { "nonlocal_seed_queries", "nonlocal", "view=seed query_pixels=0:1,3:2", "seed" },
};

static const char *const output_names[] = { "y", "gate", "spatial", "theta", "grid", "attention" };
#define MAX_OUTPUTS 6

/* One run of one vector. */
struct trial {
    const struct vector *vector;
    plugcl_context *context;
    plugcl_weights *weights;
    bool no_fusion, only_y, any_shape;
    plugcl_layout layout;
    float *data[1 + MAX_OUTPUTS]; /* x, then the outputs */
    plugcl_tensor *tensors[1 + MAX_OUTPUTS];
    struct plugcl_binding bindings[1 + MAX_OUTPUTS];
    size_t count; /* of bindings */
};

static void assert_ok(plugcl_status status, const struct vector *vector)
{
    if (status != PLUGCL_OK)
        fail_msg("%s: %s: %s", vector->file, plugcl_status_name(status), plugcl_error_message());
}

static const struct plugcl_weights_entry *vector_entry(const struct trial *trial, const char *name)
{
    char full[64];
    snprintf(full, sizeof full, "vector.%s", name);
    return plugcl_weights_find(trial->weights, full);
}

/* Offset of element i, counted in NCHW, in the trial's layout, which pictures have. */
static size_t place(const plugcl_shape *shape, plugcl_layout layout, size_t i)
{
    if (shape->rank != 4)
        return i;
    size_t c = (size_t)shape->dims[1], pixels = (size_t)(shape->dims[2] * shape->dims[3]);
    size_t image = i / (c * pixels), channel = i / pixels % c, pixel = i % pixels;
    return layout == PLUGCL_NHWC ? (image * pixels + pixel) * c + channel : i;
}

static float entry_float(const struct plugcl_weights_entry *entry, size_t i)
{
    float value;
    memcpy(&value, (const char *)entry->data + i * sizeof value, sizeof value);
    return value;
}

static void bind(struct trial *trial, const char *name, const struct plugcl_weights_entry *entry, bool fill)
{
    size_t k = trial->count++, elements = entry->bytes / sizeof(float);
    trial->data[k] = malloc(entry->bytes);
    assert_non_null(trial->data[k]);
    for (size_t i = 0; i < elements; i++)
        trial->data[k][fill ? place(&entry->shape, trial->layout, i) : i] = fill ? entry_float(entry, i) : NAN;
    assert_ok(plugcl_tensor_wrap_host(trial->data[k], entry->bytes, PLUGCL_F32, &entry->shape,
                                      entry->shape.rank == 4 ? trial->layout : PLUGCL_NCHW, &trial->tensors[k]), trial->vector);
    trial->bindings[k] = (struct plugcl_binding){ name, trial->tensors[k] };
}

static void compare(const struct trial *trial, size_t k)
{
    const struct plugcl_weights_entry *entry = vector_entry(trial, trial->bindings[k].name);
    double most = 0, error = 0, budget = strcmp(trial->vector->plugin, "stn") == 0 ? 1e-4 : 1e-5;
    for (size_t i = 0; i < entry->bytes / sizeof(float); i++) {
        double expected = entry_float(entry, i), found = trial->data[k][place(&entry->shape, trial->layout, i)];
        most = fabs(expected) > most ? fabs(expected) : most;
        error = !(fabs(found - expected) <= error) ? fabs(found - expected) : error;
    }
    if (!(error <= budget * most))
        fail_msg("%s (%s): %s is off by %g, its largest value is %g (fusion %s, %s%s)", trial->vector->file,
                 trial->vector->options ? trial->vector->options : "", trial->bindings[k].name, error, most,
                 trial->no_fusion ? "off" : "on", trial->layout == PLUGCL_NHWC ? "NHWC" : "NCHW", trial->only_y ? ", y alone" : "");
}

static void build(struct trial *trial, plugcl_graph *graph)
{
    const struct vector *vector = trial->vector;
    const struct plugcl_weights_entry *x = vector_entry(trial, "x");
    plugcl_shape shape = x->shape;
    if (trial->any_shape)
        shape = *PLUGCL_SHAPE(PLUGCL_DIM_ANY, PLUGCL_DIM_ANY, PLUGCL_DIM_ANY, PLUGCL_DIM_ANY);
    plugcl_value input = plugcl_graph_input(graph, "x", PLUGCL_F32, &shape);
    plugcl_node *node = NULL;
    assert_ok(plugcl_graph_plugin(graph, vector->plugin, &input, 1, trial->weights, PREFIX, vector->options, &node), vector);
    assert_string_equal(plugcl_node_flavour(node), vector->flavour);
    bind(trial, "x", x, true);
    for (size_t i = 0; i < (trial->only_y ? 1 : MAX_OUTPUTS); i++) {
        const struct plugcl_weights_entry *entry = vector_entry(trial, output_names[i]);
        if (entry == NULL)
            continue;
        plugcl_graph_output(graph, output_names[i], plugcl_node_output(node, output_names[i]));
        bind(trial, output_names[i], entry, false);
    }
}

static void run(struct trial *trial)
{
    plugcl_graph *graph = NULL;
    plugcl_plan *plan = NULL;
    assert_ok(plugcl_graph_create(NULL, &graph), trial->vector);
    build(trial, graph);
    struct plugcl_input_shape shape = { "x", vector_entry(trial, "x")->shape };
    const struct plugcl_plan_params *params = plugcl_plan_params(.shapes = &shape, .n_shapes = 1, .no_fusion = trial->no_fusion,
                                                                 .channels_last = trial->layout == PLUGCL_NHWC);
    assert_ok(plugcl_plan_create(trial->context, graph, params, &plan), trial->vector);
    plugcl_graph_destroy(&graph);
    assert_ok(plugcl_plan_run(plan, trial->bindings, trial->count, NULL), trial->vector);
    for (size_t k = 1; k < trial->count; k++)
        compare(trial, k);
    for (size_t k = 0; k < trial->count; k++) {
        plugcl_tensor_destroy(&trial->tensors[k]);
        free(trial->data[k]);
    }
    plugcl_plan_destroy(&plan);
}

static plugcl_weights *open_vector(const char *name)
{
    char path[1024];
    plugcl_weights *weights = NULL;
    snprintf(path, sizeof path, "%s/%s.safetensors", VECTOR_FOLDER, name);
    if (plugcl_weights_open(path, &weights) != PLUGCL_OK)
        fail_msg("%s", plugcl_error_message());
    return weights;
}

static void every_flavour(void **state)
{
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        plugcl_weights *weights = open_vector(vectors[i].file);
        for (int form = 0; form < 6; form++) {
            struct trial trial = { .vector = &vectors[i], .context = *state, .weights = weights, .no_fusion = form & 1,
                                   .only_y = form / 2 == 1, .any_shape = form / 2 == 1,
                                   .layout = form / 2 == 2 ? PLUGCL_NHWC : PLUGCL_NCHW };
            run(&trial);
        }
        plugcl_weights_destroy(&weights);
    }
}

/* A locale whose decimal point is a comma, made here: a machine need not have one. */
static bool set_comma(void)
{
    const char *base = getenv("TMPDIR");
    char folder[1024], command[4096];
    snprintf(folder, sizeof folder, "%s/plugcl-locale-XXXXXX", base && base[0] == '/' ? base : "/tmp");
    if (!mkdtemp(folder))
        return false;
    snprintf(command, sizeof command, "cd '%s' && printf 'LC_NUMERIC\\ndecimal_point \",\"\\nthousands_sep \".\"\\ngrouping 3\\n"
             "END LC_NUMERIC\\n' >source && localedef -c -i source -f UTF-8 ./comma >log 2>&1", folder);
    int ignored = system(command); /* it warns of all the other categories */
    (void)ignored;
    setenv("LOCPATH", folder, 1);
    const bool good = setlocale(LC_NUMERIC, "comma") != NULL;
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    ignored = system(command);
    return good;
}

/* The options' numbers and lists are the same in every host application. */
static void options_know_no_locale(void **state)
{
    if (!set_comma())
        skip();
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        if (vectors[i].options == NULL || strpbrk(vectors[i].options, ".,") == NULL)
            continue;
        plugcl_weights *weights = open_vector(vectors[i].file);
        struct trial trial = { .vector = &vectors[i], .context = *state, .weights = weights };
        run(&trial);
        plugcl_weights_destroy(&weights);
    }
    setlocale(LC_NUMERIC, "C");
}

/*
 * What must be refused, and how.
 */
struct refusal {
    const char *file, *plugin, *options, *drop; /* `drop`: a tensor that is left out */
    const char *reshape;                        /* a tensor whose first two axes are swapped */
    int64_t channels, rank;                     /* of x; 0: the vector's, 4 */
    plugcl_status status;
    const char *message;
};

static const struct refusal refusals[] = {
    { .file = "stn_seed", .plugin = "stn", .drop = "fc2.weight", .status = PLUGCL_NOT_FOUND, .message = "fc2.weight" },
    { .file = "stn_seed", .plugin = "stn", .drop = "fc1.bias", .status = PLUGCL_NOT_FOUND, .message = "fc1.bias" },
    { .file = "stn_seed", .plugin = "stn", .channels = 4, .status = PLUGCL_INVALID,
      .message = "fc1.weight is [9, 105]; it must be [hidden, 140]" },
    { .file = "stn_seed", .plugin = "stn", .reshape = "fc2.weight", .status = PLUGCL_INVALID,
      .message = "fc2.weight is [9, 6]; it must be [6, 9]" },
    { .file = "stn_seed", .plugin = "stn", .rank = 3, .status = PLUGCL_INVALID, .message = "rank 4" },
    { .file = "stn_seed", .plugin = "stn", .options = "size=5", .status = PLUGCL_INVALID, .message = "option size is 5" },
    { .file = "stn_seed", .plugin = "stn", .options = "size=0,3", .status = PLUGCL_INVALID, .message = "option size is 0,3" },
    { .file = "stn_seed", .plugin = "stn", .options = "size=3,4,5", .status = PLUGCL_INVALID, .message = "option size is 3,4,5" },
    { .file = "stn_seed", .plugin = "stn", .options = "mode=cubic", .status = PLUGCL_INVALID, .message = "cubic" },
    { .file = "stn_seed", .plugin = "stn", .options = "flavour=chain", .status = PLUGCL_INVALID, .message = "localization" },
    { .file = "stn_tutorial", .plugin = "stn", .drop = "localization.3.weight", .status = PLUGCL_NOT_FOUND,
      .message = "spell its layers with option localization" },
    { .file = "stn_tutorial", .plugin = "stn", .reshape = "localization.3.weight", .status = PLUGCL_INVALID,
      .message = "localization.3.weight is [3, 4, 5, 5]; it must be [out, 3, K, K]" },
    { .file = "stn_tutorial", .plugin = "stn", .options = "flavour=tutorial localization=conv,flatten,fc",
      .status = PLUGCL_INVALID, .message = "flavour tutorial has its own" },
    { .file = "stn_chain", .plugin = "stn", .options = "localization=conv,blur,flatten,fc", .status = PLUGCL_INVALID,
      .message = "there is no layer \"blur\"; there are conv, " },
    { .file = "stn_chain", .plugin = "stn", .options = "localization=conv,relu,", .status = PLUGCL_INVALID,
      .message = "there is no layer \"\"" },
    { .file = "stn_chain", .plugin = "stn", .options = "localization=conv,fc,flatten", .status = PLUGCL_INVALID,
      .message = "has fc before flatten" },
    { .file = "stn_chain", .plugin = "stn", .options = "localization=conv,flatten,maxpool2,fc", .status = PLUGCL_INVALID,
      .message = "has maxpool2 after flatten" },
    { .file = "stn_chain", .plugin = "stn", .options = "localization=conv,flatten,relu", .status = PLUGCL_INVALID,
      .message = "at least one fc" },
    { .file = "stn_chain", .plugin = "stn", .options = "localization=conv,relu,conv,flatten,fc", .status = PLUGCL_NOT_FOUND,
      .message = "localization.2.weight" },
    { .file = "se_torchvision", .plugin = "se", .drop = "fc2.weight", .status = PLUGCL_NOT_FOUND, .message = "fc2.weight" },
    { .file = "se_torchvision", .plugin = "se", .drop = "fc1.weight", .status = PLUGCL_NOT_FOUND, .message = "fc1.weight" },
    { .file = "se_torchvision", .plugin = "se", .drop = "fc1.bias", .status = PLUGCL_NOT_FOUND, .message = "fc1.bias" },
    { .file = "se_timm_bn", .plugin = "se", .drop = "bn.running_var", .status = PLUGCL_NOT_FOUND, .message = "bn.running_var" },
    { .file = "cbam_official", .plugin = "cbam", .drop = "SpatialGate.spatial.bn.running_mean", .status = PLUGCL_NOT_FOUND,
      .message = "running_mean" },
    { .file = "cbam_copies", .plugin = "cbam", .drop = "sa.conv1.weight", .status = PLUGCL_NOT_FOUND,
      .message = "sa.conv1.weight" },
    { .file = "se_ese", .plugin = "cbam", .status = PLUGCL_NOT_FOUND, .message = "none of the known sets of weights" },
    { .file = "se_seed", .plugin = "se", .reshape = "fc.0.weight", .status = PLUGCL_INVALID,
      .message = "fc.0.weight is [32, 2]; it must be [hidden, 32]" },
    { .file = "se_seed", .plugin = "se", .channels = 31, .status = PLUGCL_INVALID, .message = "[hidden, 31]" },
    { .file = "se_seed", .plugin = "se", .rank = 3, .status = PLUGCL_INVALID, .message = "rank 4" },
    { .file = "cbam_seed", .plugin = "cbam", .reshape = "conv1.weight", .status = PLUGCL_INVALID,
      .message = "conv1.weight is [2, 1, 7, 7]; it must be [1, 2, K, K]" },
    { .file = "se_seed", .plugin = "se", .options = "flavour=conv", .status = PLUGCL_INVALID, .message = "fc.0.weight" },
    { .file = "se_seed", .plugin = "se", .options = "flavour=mmcv", .status = PLUGCL_NOT_FOUND, .message = "conv1.conv.weight" },
    { .file = "se_seed", .plugin = "se", .options = "flavour=nonsense", .status = PLUGCL_INVALID, .message = "nonsense" },
    { .file = "se_seed", .plugin = "se", .options = "act=sine", .status = PLUGCL_INVALID, .message = "sine" },
    { .file = "se_seed", .plugin = "se", .options = "alpha=much", .status = PLUGCL_INVALID, .message = "much" },
    { .file = "se_seed", .plugin = "se", .options = "colour=red", .status = PLUGCL_INVALID, .message = "colour" },
    { .file = "cbam_copies", .plugin = "cbam", .options = "pools=avg,median", .status = PLUGCL_INVALID, .message = "median" },
    { .file = "cbam_copies", .plugin = "cbam", .options = "order=max", .status = PLUGCL_INVALID, .message = "order" },
    { .file = "aspp_torchvision", .plugin = "aspp", .drop = "convs.2.0.weight", .status = PLUGCL_NOT_FOUND,
      .message = "convs.2.0.weight" },
    { .file = "aspp_torchvision", .plugin = "aspp", .drop = "convs.4.1.weight", .status = PLUGCL_NOT_FOUND,
      .message = "convs.4.1.weight" },
    { .file = "aspp_smp", .plugin = "aspp", .drop = "convs.1.0.1.weight", .status = PLUGCL_NOT_FOUND,
      .message = "convs.1.0.1.weight" },
    { .file = "aspp_jfzhang95", .plugin = "aspp", .drop = "bn1.running_var", .status = PLUGCL_NOT_FOUND,
      .message = "bn1.running_var" },
    { .file = "aspp_seed", .plugin = "aspp", .drop = "conv.bias", .status = PLUGCL_NOT_FOUND, .message = "conv.bias" },
    { .file = "aspp_seed", .plugin = "aspp", .channels = 7, .status = PLUGCL_INVALID,
      .message = "atrous_block1.weight is [5, 6, 1, 1]; it must be [O, 7, K, K] with odd K" },
    { .file = "aspp_seed", .plugin = "aspp", .reshape = "conv_1x1_output.weight", .status = PLUGCL_INVALID,
      .message = "conv_1x1_output.weight is [25, 5, 1, 1]; it must be [O, 25, K, K]" },
    { .file = "aspp_smp", .plugin = "aspp", .reshape = "convs.1.0.0.weight", .status = PLUGCL_INVALID,
      .message = "convs.1.0.0.weight is [1, 9, 3, 3]; it must be [9, 1, K, K]" },
    { .file = "aspp_seed", .plugin = "aspp", .rank = 3, .status = PLUGCL_INVALID, .message = "rank 4" },
    { .file = "aspp_seed", .plugin = "aspp", .options = "rates=6,12", .status = PLUGCL_INVALID, .message = "must have 3" },
    { .file = "aspp_seed", .plugin = "aspp", .options = "rates=2,6,12,18", .status = PLUGCL_INVALID, .message = "must have 3" },
    { .file = "aspp_seed", .plugin = "aspp", .options = "rates=6,12,1.5", .status = PLUGCL_INVALID,
      .message = "rates is 6,12,1.5; each must be a whole number from 1" },
    { .file = "aspp_seed", .plugin = "aspp", .options = "rates=0,12,18", .status = PLUGCL_INVALID, .message = "from 1 to" },
    { .file = "aspp_seed", .plugin = "aspp", .options = "rates=a,12,18", .status = PLUGCL_INVALID, .message = "must be a number" },
    { .file = "aspp_torchvision_two", .plugin = "aspp", .status = PLUGCL_INVALID, .message = "option rates must give 2" },
    { .file = "aspp_seed", .plugin = "aspp", .options = "flavour=mmseg", .status = PLUGCL_NOT_FOUND,
      .message = "image_pool.1.conv.weight" },
    { .file = "se_ese", .plugin = "aspp", .status = PLUGCL_NOT_FOUND, .message = "none of the known sets of weights" },
    { .file = "nonlocal_paper", .plugin = "nonlocal", .drop = "theta.weight", .status = PLUGCL_NOT_FOUND,
      .message = "theta.weight" },
    { .file = "nonlocal_paper", .plugin = "nonlocal", .drop = "W.0.weight", .status = PLUGCL_NOT_FOUND, .message = "W.weight" },
    { .file = "nonlocal_paper", .plugin = "nonlocal", .drop = "W.1.running_var", .status = PLUGCL_NOT_FOUND,
      .message = "W.1.running_var" },
    { .file = "nonlocal_paper", .plugin = "nonlocal", .channels = 5, .status = PLUGCL_INVALID,
      .message = "g.0.weight is [3, 6, 1, 1]; it must be [inner, 5, 1, 1]" },
    { .file = "nonlocal_paper", .plugin = "nonlocal", .reshape = "theta.weight", .status = PLUGCL_INVALID,
      .message = "theta.weight is [6, 3, 1, 1]; it must be [3, 6, 1, 1]" },
    { .file = "nonlocal_paper", .plugin = "nonlocal", .reshape = "W.0.weight", .status = PLUGCL_INVALID,
      .message = "W.0.weight is [3, 6, 1, 1]; it must be [6, 3, 1, 1]" },
    { .file = "nonlocal_paper", .plugin = "nonlocal", .rank = 3, .status = PLUGCL_INVALID, .message = "rank 4" },
    { .file = "nonlocal_paper", .plugin = "nonlocal", .options = "mode=gaussian", .status = PLUGCL_INVALID,
      .message = "it has no theta and phi" },
    { .file = "nonlocal_paper", .plugin = "nonlocal", .options = "mode=concatenation", .status = PLUGCL_NOT_FOUND,
      .message = "concat_project.0.weight" },
    { .file = "nonlocal_timm", .plugin = "nonlocal", .options = "mode=concatenation", .status = PLUGCL_INVALID,
      .message = "only flavours paper and mmcv" },
    { .file = "nonlocal_paper_concatenation", .plugin = "nonlocal", .options = "mode=dot_product", .status = PLUGCL_INVALID,
      .message = "the projection of mode=concatenation" },
    { .file = "nonlocal_paper_concatenation", .plugin = "nonlocal", .reshape = "concat_project.0.weight",
      .status = PLUGCL_INVALID, .message = "concat_project.0.weight is [6, 1, 1, 1]; it must be [1, 6, 1, 1]" },
    { .file = "nonlocal_paper_gaussian", .plugin = "nonlocal", .options = "mode=embedded_gaussian", .status = PLUGCL_NOT_FOUND,
      .message = "theta.weight" },
    { .file = "nonlocal_paper", .plugin = "nonlocal", .options = "sub_sample=false", .status = PLUGCL_INVALID,
      .message = "by its names" },
    { .file = "nonlocal_timm", .plugin = "nonlocal", .options = "sub_sample=true", .status = PLUGCL_INVALID,
      .message = "this flavour has none" },
    { .file = "nonlocal_paper_dot", .plugin = "nonlocal", .options = "mode=dot_product scale=inter", .status = PLUGCL_INVALID,
      .message = "the modes with a softmax" },
    { .file = "nonlocal_paper_dot", .plugin = "nonlocal", .options = "mode=dot_product softmax_axis=queries",
      .status = PLUGCL_INVALID, .message = "no softmax" },
    { .file = "nonlocal_paper", .plugin = "nonlocal", .options = "view=seed", .status = PLUGCL_INVALID, .message = "sub_sample" },
    { .file = "nonlocal_mmcv_gaussian", .plugin = "nonlocal", .options = "view=seed", .status = PLUGCL_INVALID,
      .message = "embedded_gaussian and dot_product" },
    { .file = "nonlocal_seed", .plugin = "nonlocal", .options = "view=seed", .status = PLUGCL_INVALID,
      .message = "45 elements (3 channels of 3 x 5) cannot be cut into the 6 channels of x" },
    { .file = "nonlocal_seed", .plugin = "nonlocal", .options = "query_pixels=3:0", .status = PLUGCL_INVALID,
      .message = "names pixel 3:0; x has 3 rows and 5 columns" },
    { .file = "nonlocal_seed", .plugin = "nonlocal", .options = "query_pixels=0:-1", .status = PLUGCL_INVALID,
      .message = "names pixel 0:-1" },
    { .file = "nonlocal_seed", .plugin = "nonlocal", .options = "query_pixels=1", .status = PLUGCL_INVALID,
      .message = "must be Y:X" },
    { .file = "nonlocal_seed", .plugin = "nonlocal", .options = "query_pixels=1:2x", .status = PLUGCL_INVALID,
      .message = "must be Y:X" },
    { .file = "nonlocal_seed", .plugin = "nonlocal", .options = "gemm=fast", .status = PLUGCL_INVALID, .message = "fast" },
    { .file = "nonlocal_seed", .plugin = "nonlocal", .options = "flavour=slowfast", .status = PLUGCL_NOT_FOUND,
      .message = "conv_out.weight" },
    { .file = "se_seed", .plugin = "see", .status = PLUGCL_NOT_FOUND, .message = "see" },
};

static plugcl_weights *changed_copy(const plugcl_weights *weights, const struct refusal *refusal)
{
    plugcl_weights *copy = NULL;
    assert_int_equal(plugcl_weights_create(&copy), PLUGCL_OK);
    for (size_t i = 0; i < plugcl_weights_count(weights); i++) {
        const struct plugcl_weights_entry *entry = plugcl_weights_at(weights, i);
        const char *name = strncmp(entry->name, PREFIX ".", sizeof PREFIX) == 0 ? entry->name + sizeof PREFIX : "";
        plugcl_shape shape = entry->shape;
        if (refusal->drop && strcmp(name, refusal->drop) == 0)
            continue;
        if (refusal->reshape && strcmp(name, refusal->reshape) == 0) {
            shape.dims[0] = entry->shape.dims[1];
            shape.dims[1] = entry->shape.dims[0];
        }
        assert_int_equal(plugcl_weights_add(copy, entry->name, entry->dtype, &shape, entry->data, entry->bytes), PLUGCL_OK);
    }
    return copy;
}

static void every_refusal(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        const struct refusal *refusal = &refusals[i];
        plugcl_weights *weights = open_vector(refusal->file), *changed = changed_copy(weights, refusal);
        plugcl_shape shape = plugcl_weights_find(weights, "vector.x")->shape;
        plugcl_graph *graph = NULL;
        if (refusal->channels)
            shape.dims[1] = refusal->channels;
        if (refusal->rank)
            shape.rank = (uint32_t)refusal->rank;
        assert_int_equal(plugcl_graph_create(NULL, &graph), PLUGCL_OK);
        plugcl_value x = plugcl_graph_input(graph, "x", PLUGCL_F32, &shape);
        plugcl_status status = plugcl_graph_plugin(graph, refusal->plugin, &x, 1, changed, PREFIX ".", refusal->options, NULL);
        if (status != refusal->status || !strstr(plugcl_error_message(), refusal->message) || strchr(plugcl_error_message(), '\n'))
            fail_msg("refusal %zu (%s): %s, \"%s\"; it should be %s with \"%s\"", i, refusal->file, plugcl_status_name(status),
                     status ? plugcl_error_message() : "", plugcl_status_name(refusal->status), refusal->message);
        plugcl_graph_destroy(&graph);
        plugcl_weights_destroy(&weights);
        plugcl_weights_destroy(&changed);
    }
}

/* Notes say what was taken and name the option. */
static void collect(void *user, plugcl_log_level level, const char *message)
{
    char *notes = user;
    if (level == PLUGCL_LOG_NOTE && strlen(notes) + strlen(message) + 2 < 2048)
        strcat(strcat(notes, message), "\n");
}

static void notes_name_options(void **state)
{
    (void)state;
    static const struct {
        const char *file, *plugin, *options, *expected, *absent;
    } cases[] = {
        { "se_torchvision", "se", NULL, "flavour torchvision", NULL }, { "se_torchvision", "se", NULL, "act=relu", NULL },
        { "se_torchvision", "se", "act=relu gate=sigmoid", "flavour", "weights cannot tell" },
        { "se_mmcv", "se", NULL, "alpha=1/6", NULL },                  { "cbam_official", "cbam", NULL, "order=max_mean", NULL },
        { "spatial_copies", "spatial_attention", NULL, "order=mean_max", NULL },
        { "stn_seed", "stn", NULL, "align_corners=false (align_corners=true before", "as given" },
        { "stn_seed", "stn", "align_corners=true mode=nearest", "align_corners=true as given, padding_mode=zeros taken",
          "mode=near" },
        { "aspp_jfzhang95", "aspp", NULL, "rates=6,12,18 taken, as flavour jfzhang95 has them", NULL },
        { "aspp_mmseg", "aspp", NULL, "cannot tell them from rates=6,12,18", NULL },
        { "aspp_mmseg", "aspp", "rates=6,12,18", "flavour mmseg", "weights cannot tell" },
        { "spatial_copies", "spatial_attention", "order=max_mean", "flavour", "weights cannot tell" },
        { "nonlocal_seed", "nonlocal", NULL, "view=paper (the seed's own code: view=seed), softmax_axis=keys", NULL },
        { "nonlocal_mmcv", "nonlocal", NULL, "mode=embedded_gaussian (or mode=dot_product), scale=inter", "view" },
        { "nonlocal_slowfast", "nonlocal", NULL, "sub_sample=false (or sub_sample=true)", "view" },
        { "nonlocal_paper_concatenation", "nonlocal", NULL, "flavour paper", "weights cannot tell" },
        { "nonlocal_paper_gaussian", "nonlocal", "scale=none", "flavour paper", "weights cannot tell" },
        { "nonlocal_seed_view", "nonlocal", "view=seed mode=embedded_gaussian scale=none softmax_axis=queries", "flavour seed",
          "weights cannot tell" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char notes[2048] = "";
        plugcl_weights *weights = open_vector(cases[i].file);
        plugcl_graph *graph = NULL;
        const struct plugcl_graph_params *params =
            plugcl_graph_params(.log = collect, .log_user = notes, .log_level = PLUGCL_LOG_NOTE);
        assert_int_equal(plugcl_graph_create(params, &graph), PLUGCL_OK);
        plugcl_value x = plugcl_graph_input(graph, "x", PLUGCL_F32, &plugcl_weights_find(weights, "vector.x")->shape);
        assert_int_equal(plugcl_graph_plugin(graph, cases[i].plugin, &x, 1, weights, PREFIX, cases[i].options, NULL), PLUGCL_OK);
        if (!strstr(notes, cases[i].expected) || (cases[i].absent && strstr(notes, cases[i].absent)))
            fail_msg("notes of case %zu: \"%s\"", i, notes);
        plugcl_graph_destroy(&graph);
        plugcl_weights_destroy(&weights);
    }
}

static int open_context(void **state)
{
    const char *device = getenv("PLUGCL_TEST_DEVICE");
    plugcl_context *context = NULL;
    if (plugcl_context_create(plugcl_context_params(.device = device && *device ? device : "cpu,gpu"), &context) != PLUGCL_OK) {
        fprintf(stderr, "plugins_test: %s\n", plugcl_error_message());
        return -1;
    }
    *state = context;
    return 0;
}

static int close_context(void **state)
{
    plugcl_context *context = *state;
    plugcl_context_destroy(&context);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_refusal),
        cmocka_unit_test(notes_name_options),
        cmocka_unit_test(every_flavour),
        cmocka_unit_test(options_know_no_locale),
    };
    return cmocka_run_group_tests(tests, open_context, close_context) ? 1 : 0;
}
