/* SPDX-License-Identifier: Apache-2.0 */
/*
 * onednn.cpp: the oneDNN contender of bench/compare: one convolution with bias and ReLU, or one matrix product. It times each way
 * of doing it that the library has (layouts of its own choice, Winograd), keeps the fastest, then answers each line on stdin by
 * the microseconds of one run. Conversion to a layout of the library's choice is not counted: in a network it happens once.
 *
 * usage: onednn conv BATCH CHANNELS SIZE OUTPUTS KERNEL STRIDE DILATION GROUPS
 *        onednn gemm ROWS DEPTH COLUMNS CONSTANT    CONSTANT 1: the right operand is a weight
 */
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include <dnnl.hpp>

#include "values.h"

using dnnl::memory;
using tag = memory::format_tag;

static dnnl::engine engine(dnnl::engine::kind::cpu, 0);
static dnnl::stream stream(engine);

/* One way of doing the work: memories in the order of their use, and a primitive. */
struct way {
    std::string name;
    dnnl::primitive primitive;
    std::unordered_map<int, memory> arguments;

    void run() const
    {
        primitive.execute(stream, arguments);
        stream.wait();
    }
};

static memory filled(const char *name, const memory::dims &dims, tag plain, const memory::desc &wanted)
{
    std::vector<int64_t> sizes(dims.begin(), dims.end());
    memory source({ dims, memory::data_type::f32, plain }, engine), result(wanted, engine);
    fill_values(name, static_cast<uint32_t>(sizes.size()), sizes.data(), static_cast<float *>(source.get_data_handle()));
    dnnl::reorder(source, result).execute(stream, source, result);
    stream.wait();
    return result;
}

static double now_us()
{
    using namespace std::chrono;
    return duration<double, std::micro>(steady_clock::now().time_since_epoch()).count();
}

static double median(std::vector<double> &values)
{
    std::nth_element(values.begin(), values.begin() + static_cast<long>(values.size() / 2), values.end());
    return values[values.size() / 2];
}

/* The median of the runs that fit into `limit` microseconds, back to back or APART_MS apart. */
static double time_runs(const way &way, double limit)
{
    const char *text = std::getenv("APART_MS");
    const std::chrono::milliseconds apart(text != nullptr ? std::atoi(text) : 0);
    std::vector<double> times;
    double begun = now_us(), now = begun;
    do {
        if (apart.count() > 0)
            std::this_thread::sleep_for(apart);
        double start = now_us();
        way.run();
        now = now_us();
        times.push_back(now - start);
    } while (now - begun < limit && times.size() < 4096);
    return median(times);
}

struct conv_case {
    int64_t batch, channels, size, outputs, kernel, stride, dilation, groups;
};

static way make_conv(const conv_case &c, const char *name, dnnl::algorithm algorithm, tag layout)
{
    const auto f32 = memory::data_type::f32;
    const int64_t pad = c.dilation * (c.kernel / 2), out = (c.size + 2 * pad - c.dilation * (c.kernel - 1) - 1) / c.stride + 1;
    const memory::dims x = { c.batch, c.channels, c.size, c.size }, y = { c.batch, c.outputs, out, out }, bias = { c.outputs };
    memory::dims weight = { c.outputs, c.channels / c.groups, c.kernel, c.kernel }, grouped = weight;
    if (c.groups > 1)
        grouped = { c.groups, c.outputs / c.groups, c.channels / c.groups, c.kernel, c.kernel };
    dnnl::convolution_forward::desc desc(dnnl::prop_kind::forward_inference, algorithm, { x, f32, layout },
                                         { grouped, f32, tag::any }, { bias, f32, tag::a }, { y, f32, layout },
                                         { c.stride, c.stride }, { c.dilation - 1, c.dilation - 1 }, { pad, pad }, { pad, pad });
    dnnl::post_ops ops;
    ops.append_eltwise(1.0f, dnnl::algorithm::eltwise_relu, 0.0f, 0.0f);
    dnnl::primitive_attr attributes;
    attributes.set_post_ops(ops);
    dnnl::convolution_forward::primitive_desc chosen(desc, attributes, engine);
    const memory flat = filled("weight", weight, tag::abcd, { weight, f32, tag::abcd });
    memory plain({ grouped, f32, c.groups > 1 ? tag::abcde : tag::abcd }, engine, flat.get_data_handle());
    memory packed(chosen.weights_desc(), engine);
    dnnl::reorder(plain, packed).execute(stream, plain, packed);
    stream.wait();
    return { name + std::string(" ") + chosen.impl_info_str(), dnnl::convolution_forward(chosen),
             { { DNNL_ARG_SRC, filled("x", x, tag::abcd, chosen.src_desc()) },
               { DNNL_ARG_WEIGHTS, packed },
               { DNNL_ARG_BIAS, filled("bias", bias, tag::a, chosen.bias_desc()) },
               { DNNL_ARG_DST, memory(chosen.dst_desc(), engine) } } };
}

static way make_gemm(int64_t rows, int64_t depth, int64_t columns, bool constant, bool packed)
{
    const auto f32 = memory::data_type::f32;
    const memory::dims x = { rows, depth }, k = { depth, columns }, y = { rows, columns };
    const memory::desc right = packed ? memory::desc(k, f32, tag::any) : memory::desc(k, f32, constant ? tag::ba : tag::ab);
    dnnl::matmul::primitive_desc chosen(dnnl::matmul::desc({ x, f32, tag::ab }, right, { y, f32, tag::ab }), engine);
    /* A weight is [columns, depth], row by row. */
    const memory flat = constant ? filled("weight", { columns, depth }, tag::ab, { { columns, depth }, f32, tag::ab })
                                 : filled("k", k, tag::ab, { k, f32, tag::ab });
    memory plain({ k, f32, constant ? tag::ba : tag::ab }, engine, flat.get_data_handle()), operand(chosen.weights_desc(), engine);
    dnnl::reorder(plain, operand).execute(stream, plain, operand);
    stream.wait();
    return { std::string(packed ? "packed " : "plain ") + chosen.impl_info_str(), dnnl::matmul(chosen),
             { { DNNL_ARG_SRC, filled("x", x, tag::ab, chosen.src_desc()) },
               { DNNL_ARG_WEIGHTS, operand },
               { DNNL_ARG_DST, memory(chosen.dst_desc(), engine) } } };
}

static std::vector<way> conv_ways(const conv_case &c)
{
    std::vector<way> ways;
    const struct {
        const char *name;
        dnnl::algorithm algorithm;
        tag layout;
    } forms[] = { { "nhwc", dnnl::algorithm::convolution_direct, tag::nhwc },
                  { "blocked", dnnl::algorithm::convolution_direct, tag::any },
                  { "winograd", dnnl::algorithm::convolution_winograd, tag::any } };
    for (const auto &form : forms) {
        try {
            ways.push_back(make_conv(c, form.name, form.algorithm, form.layout));
        } catch (const dnnl::error &) { /* the library has no such implementation for the shape */
        }
    }
    return ways;
}

/* The rule of peers/fastest.py. */
static const way &fastest(const std::vector<way> &ways)
{
    const double round = 10000.0;
    std::vector<std::vector<double>> taken(ways.size());
    std::vector<double> medians;
    for (const way &each : ways)
        time_runs(each, round);
    const double enough = now_us() + 130000.0 * static_cast<double>(ways.size());
    for (int turn = 0; turn < 3 || (turn < 9 && now_us() < enough); turn++)
        for (size_t i = 0; i < ways.size(); i++)
            taken[i].push_back(time_runs(ways[i], round));
    for (auto &times : taken)
        medians.push_back(median(times));
    return ways[static_cast<size_t>(std::min_element(medians.begin(), medians.end()) - medians.begin())];
}

static void report(const way &way)
{
    const memory &result = way.arguments.at(DNNL_ARG_DST);
    const memory::dims dims = result.get_desc().dims();
    memory plain({ dims, memory::data_type::f32, dims.size() == 4 ? tag::abcd : tag::ab }, engine);
    memory from = result;
    dnnl::reorder(from, plain).execute(stream, from, plain);
    stream.wait();
    double summary[3];
    size_t count = 1;
    for (auto size : dims)
        count *= static_cast<size_t>(size);
    summarise(static_cast<const float *>(plain.get_data_handle()), count, summary);
    const dnnl_version_t *version = dnnl_version();
    std::printf("{\"version\": \"%d.%d.%d\", \"mode\": \"%s\", \"check\": [%.9g, %.9g, %.9g]}\n", version->major, version->minor,
                version->patch, way.name.c_str(), summary[0], summary[1], summary[2]);
    std::fflush(stdout);
}

int main(int argc, char **argv)
{
    const std::string what = argc > 1 ? argv[1] : "";
    std::vector<int64_t> n;
    std::vector<way> ways;
    for (int i = 2; i < argc; i++)
        n.push_back(std::strtoll(argv[i], nullptr, 10));
    if (what == "conv" && n.size() == 8) {
        ways = conv_ways({ n[0], n[1], n[2], n[3], n[4], n[5], n[6], n[7] });
    } else if (what == "gemm" && n.size() == 4) {
        ways.push_back(make_gemm(n[0], n[1], n[2], n[3] != 0, false));
        if (n[3] != 0)
            ways.push_back(make_gemm(n[0], n[1], n[2], true, true));
    } else {
        std::fputs("usage: onednn conv BATCH CHANNELS SIZE OUTPUTS KERNEL STRIDE DILATION GROUPS, "
                   "or onednn gemm ROWS DEPTH COLUMNS CONSTANT\n", stderr);
        return 2;
    }
    const way &best = fastest(ways);
    report(best);
    char line[16];
    while (std::fgets(line, sizeof line, stdin) != nullptr) {
        const double asked = 1000.0 * std::strtod(line, nullptr); /* milliseconds, or nothing */
        std::printf("%.3f\n", time_runs(best, asked > 0 ? asked : 20000.0));
        std::fflush(stdout);
    }
    return 0;
}
