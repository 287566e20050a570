/* SPDX-License-Identifier: Apache-2.0 */
/* run.c: one run of a plan: bind, enqueue, hand out a handle. */
#include "device/tensor.h"
#include "graph/plan.h"

struct plugcl_run {
    plugcl_event *finished;
    struct step_events *steps; /* when profiled */
    size_t n_steps;
    size_t n_tensors;
    plugcl_tensor *tensors[]; /* held while the handle lives; one for each port, NULL where none is bound */
};

void plugcl_run_destroy(plugcl_run **run)
{
    plugcl_run *old = run ? *run : NULL;
    if (old == NULL)
        return;
    *run = NULL;
    plugcl_event_destroy(&old->finished);
    for (size_t i = 0; old->steps != NULL && i < old->n_steps; i++) {
        plugcl_event_destroy(&old->steps[i].first);
        plugcl_event_destroy(&old->steps[i].last);
    }
    for (size_t i = 0; i < old->n_tensors; i++)
        plugcl_tensor_destroy(&old->tensors[i]);
    memory_free(old->steps);
    memory_free(old);
}

plugcl_status plugcl_run_wait(plugcl_run *run, uint64_t timeout_ns)
{
    return run ? plugcl_event_wait(run->finished, timeout_ns) : fail(PLUGCL_INVALID, "there is no run to wait for");
}

plugcl_status plugcl_run_event(plugcl_run *run, plugcl_event **event)
{
    if (run == NULL || event == NULL)
        return fail(PLUGCL_INVALID, "plugcl_run_event needs a run and a place for the event, not NULL");
    *event = event_take(run->finished);
    return PLUGCL_OK;
}

plugcl_status plugcl_run_step_time(plugcl_run *run, size_t step, uint64_t *start_ns, uint64_t *end_ns)
{
    if (run == NULL || start_ns == NULL || end_ns == NULL)
        return fail(PLUGCL_INVALID, "plugcl_run_step_time needs a run and places for both times, not NULL");
    *start_ns = *end_ns = 0;
    if (run->steps == NULL)
        return fail(PLUGCL_STATE, "the plan was made without .profile");
    if (step >= run->n_steps)
        return fail(PLUGCL_INVALID, "there is no step %zu; the plan has %zu", step, run->n_steps);
    const struct step_events *events = &run->steps[step];
    uint64_t unused;
    plugcl_status status = events->first ? event_times(events->first, start_ns, end_ns) : PLUGCL_OK; /* no work, no event */
    return status == PLUGCL_OK && events->last ? event_times(events->last, &unused, end_ns) : status;
}

static plugcl_status check_tensor(const plugcl_plan *plan, const struct port *port, const plugcl_tensor *tensor)
{
    const plugcl_shape *shape = plugcl_tensor_shape(tensor);
    bool same = shape->rank == port->shape.rank;
    for (uint32_t i = 0; same && i < shape->rank; i++)
        same = shape->dims[i] == port->shape.dims[i];
    char is[SHAPE_TEXT], should[SHAPE_TEXT];
    if (!same)
        return fail(PLUGCL_INVALID, "the tensor bound to %s has shape %s; the plan's is %s", port->name, shape_text(is, shape),
                    shape_text(should, &port->shape));
    if (plugcl_tensor_dtype(tensor) != port->dtype)
        return fail(PLUGCL_INVALID, "the tensor bound to %s is %s; it must be %s", port->name,
                    plugcl_dtype_name(plugcl_tensor_dtype(tensor)), plugcl_dtype_name(port->dtype));
    if (shape->rank == 4 && (plugcl_tensor_layout(tensor) == PLUGCL_NHWC) != plan->channels_last)
        return fail(PLUGCL_INVALID, "the tensor bound to %s is %s; plugcl_plan_params::channels_last of this plan says %s",
                    port->name, plan->channels_last ? "NCHW" : "NHWC", plan->channels_last ? "NHWC" : "NCHW");
    if (tensor_is_mapped(tensor))
        return fail(PLUGCL_STATE, "the tensor bound to %s is mapped; unmap it first", port->name);
    if (tensor_context(tensor) != NULL && tensor_context(tensor) != plan->context)
        return fail(PLUGCL_INVALID, "the tensor bound to %s belongs to another context", port->name);
    return PLUGCL_OK;
}

static plugcl_status stage(plugcl_plan *plan, struct port *port)
{
    return port->staging ? PLUGCL_OK : buffer_create(plan->context, port->bytes, false, &port->staging);
}

static bool is_shared(const plugcl_plan *plan, const struct port *port, const plugcl_tensor *tensor)
{
    return context_caps(plan->context)->host_in_place && tensor != NULL && tensor_host(tensor) != NULL && port->bytes > 0 &&
           (uintptr_t)tensor_host(tensor) % plugcl_dtype_size(port->dtype) == 0;
}

/* The buffer over a host tensor's memory is kept for the next run, which mostly brings the same one. */
static plugcl_status share(plugcl_plan *plan, struct port *port, const plugcl_tensor *tensor)
{
    if (port->shared != NULL && port->host == tensor_host(tensor))
        return PLUGCL_OK;
    buffer_drop(&port->shared);
    port->host = tensor_host(tensor);
    return buffer_create_over(plan->context, port->host, port->bytes, &port->shared);
}

/* Binds a port's memory; `tensor` is NULL for an output that nobody asked for. */
static plugcl_status bind_port(plugcl_plan *plan, struct port *port, const plugcl_tensor *tensor)
{
    size_t offset = 0;
    struct buffer *buffer = tensor ? tensor_buffer(tensor, &offset) : NULL;
    if (buffer != NULL)
        return schedule_bind(plan->schedule, port->region, buffer, offset);
    bool shared = is_shared(plan, port, tensor);
    plugcl_status status = shared ? share(plan, port, tensor) : stage(plan, port);
    return status == PLUGCL_OK ? schedule_bind(plan->schedule, port->region, shared ? port->shared : port->staging, 0) : status;
}

static bool overlap(const plugcl_tensor *a, const plugcl_tensor *b)
{
    size_t a_offset = 0, b_offset = 0;
    const char *a_host = tensor_host(a), *b_host = tensor_host(b);
    const struct buffer *a_buffer = tensor_buffer(a, &a_offset), *b_buffer = tensor_buffer(b, &b_offset);
    size_t a_bytes = plugcl_tensor_bytes(a), b_bytes = plugcl_tensor_bytes(b);
    if (a_host != NULL && b_host != NULL)
        return a_host < b_host + b_bytes && b_host < a_host + a_bytes;
    return a_buffer != NULL && b_buffer != NULL && buffer_is_same(a_buffer, b_buffer) &&
           a_offset < b_offset + b_bytes && b_offset < a_offset + a_bytes;
}

static plugcl_status check_overlaps(const plugcl_plan *plan, const plugcl_run *run)
{
    for (size_t i = 0; i < plan->n_ports; i++)
        for (size_t j = 0; run->tensors[i] != NULL && plan->ports[i].is_output && j < plan->n_ports; j++)
            if (j != i && run->tensors[j] != NULL && overlap(run->tensors[i], run->tensors[j]))
                return fail(PLUGCL_INVALID, "the tensors bound to %s and %s share memory", plan->ports[i].name,
                            plan->ports[j].name);
    return PLUGCL_OK;
}

static plugcl_status take_bindings(plugcl_plan *plan, const struct plugcl_binding *bindings, size_t n_bindings, plugcl_run *run)
{
    for (size_t i = 0; i < n_bindings; i++) {
        if (bindings[i].name == NULL || bindings[i].tensor == NULL)
            return fail(PLUGCL_INVALID, "binding %zu has no %s", i, bindings[i].name ? "tensor" : "name");
        const struct port *port;
        plugcl_status status = plan_find_port(plan, bindings[i].name, &port);
        if (status != PLUGCL_OK)
            return status;
        if (run->tensors[port - plan->ports] != NULL)
            return fail(PLUGCL_INVALID, "%s is bound twice", bindings[i].name);
        status = check_tensor(plan, port, bindings[i].tensor);
        if (status != PLUGCL_OK)
            return status;
        run->tensors[port - plan->ports] = tensor_take(bindings[i].tensor);
    }
    for (size_t i = 0; i < plan->n_ports; i++)
        if (run->tensors[i] == NULL && !plan->ports[i].is_output)
            return fail(PLUGCL_INVALID, "input %s is not bound", plan->ports[i].name);
    return check_overlaps(plan, run);
}

static plugcl_status check_events(const plugcl_plan *plan, plugcl_event *const *events, size_t n_events)
{
    plugcl_status status = PLUGCL_OK;
    for (size_t i = 0; status == PLUGCL_OK && i < n_events; i++)
        status = queue_check_event(plan->queue, events[i]);
    return status;
}

/* All that may fail without the device having been asked for anything. */
static plugcl_status prepare(plugcl_plan *plan, plugcl_run *run)
{
    plugcl_status status = PLUGCL_OK;
    for (size_t i = 0; status == PLUGCL_OK && i < plan->n_ports; i++)
        status = bind_port(plan, &plan->ports[i], run->tensors[i]);
    if (status == PLUGCL_OK && plan->profile) {
        run->n_steps = schedule_steps(plan->schedule);
        run->steps = memory_zeroed(run->n_steps, sizeof *run->steps);
        status = run->steps ? PLUGCL_OK : fail_no_memory(run->n_steps * sizeof *run->steps);
    }
    return status;
}

/* Host inputs that the device cannot work in go to their staging memory. */
static plugcl_status write_inputs(plugcl_plan *plan, const plugcl_run *run)
{
    plugcl_status status = PLUGCL_OK;
    for (size_t i = 0; status == PLUGCL_OK && i < plan->n_ports; i++) {
        const struct port *port = &plan->ports[i];
        const void *host = port->is_output || is_shared(plan, port, run->tensors[i]) ? NULL : tensor_host(run->tensors[i]);
        if (host != NULL)
            status = queue_write(plan->queue, port->staging, 0, host, port->bytes);
    }
    return status;
}

/* The host memory to which an output is to be copied, or NULL. */
static void *copy_of_output(const plugcl_plan *plan, const plugcl_run *run, size_t number)
{
    const struct port *port = &plan->ports[number];
    const plugcl_tensor *tensor = run->tensors[number];
    bool copied = port->is_output && tensor != NULL && port->bytes > 0 && !is_shared(plan, port, tensor);
    return copied ? tensor_host(tensor) : NULL;
}

static bool copies_outputs(const plugcl_plan *plan, const plugcl_run *run)
{
    bool copies = false;
    for (size_t i = 0; !copies && i < plan->n_ports; i++)
        copies = copy_of_output(plan, run, i) != NULL;
    return copies;
}

static plugcl_status read_outputs(plugcl_plan *plan, const plugcl_run *run)
{
    plugcl_status status = PLUGCL_OK;
    for (size_t i = 0; status == PLUGCL_OK && i < plan->n_ports; i++) {
        void *host = copy_of_output(plan, run, i);
        if (host != NULL)
            status = queue_read(plan->queue, plan->ports[i].staging, 0, host, plan->ports[i].bytes);
    }
    return status;
}

/* What is enqueued keeps its memory; the plan lets go of it, so that a tensor's memory is freed with the tensor and its runs. */
static void unbind_tensors(plugcl_plan *plan, const plugcl_run *run)
{
    size_t offset;
    for (size_t i = 0; i < plan->n_ports; i++)
        if (run->tensors[i] != NULL && tensor_buffer(run->tensors[i], &offset) != NULL)
            schedule_bind(plan->schedule, plan->ports[i].region, NULL, 0);
}

static plugcl_status begin_after(plugcl_plan *plan, plugcl_event *const *events, size_t n_events)
{
    plugcl_status status = queue_enter(plan->queue);
    for (size_t i = 0; status == PLUGCL_OK && i < n_events; i++)
        status = queue_wait_for(plan->queue, events[i]);
    return status;
}

static plugcl_status enqueue(plugcl_plan *plan, plugcl_run *run)
{
    plugcl_status status = write_inputs(plan, run);
    if (status == PLUGCL_OK)
        status = schedule_run(plan->schedule, plan->queue, run->steps, copies_outputs(plan, run) ? NULL : &run->finished);
    if (status == PLUGCL_OK)
        status = read_outputs(plan, run);
    if (status == PLUGCL_OK && run->finished == NULL) /* else the last launch is the end: a marker is a command more */
        status = queue_marker(plan->queue, &run->finished);
    if (status == PLUGCL_OK)
        status = queue_leave(plan->queue);
    if (status == PLUGCL_OK)
        status = queue_flush(plan->queue);
    if (status != PLUGCL_OK) /* what was enqueued may use the caller's memory: let it end */
        queue_finish(plan->queue);
    return status;
}

/* A wait for the queue may be a wait for the caller, who has yet to complete an event: nothing waits before `enqueue`. */
static plugcl_status start(plugcl_plan *plan, plugcl_event *const *events, size_t n_events, plugcl_run *run)
{
    plugcl_status status = prepare(plan, run);
    if (status == PLUGCL_OK)
        status = begin_after(plan, events, n_events);
    if (status == PLUGCL_OK)
        status = enqueue(plan, run);
    unbind_tensors(plan, run);
    return status;
}

plugcl_status plugcl_plan_run_after(plugcl_plan *plan, const struct plugcl_binding *bindings, size_t n_bindings,
                                    plugcl_event *const *events, size_t n_events, plugcl_run **run)
{
    if (run != NULL)
        *run = NULL;
    if (plan == NULL || (bindings == NULL && n_bindings > 0) || (events == NULL && n_events > 0))
        return fail(PLUGCL_INVALID, "a run needs a plan, and bindings and events where their numbers are not 0");
    const size_t bytes = sizeof(plugcl_run) + plan->n_ports * sizeof(plugcl_tensor *);
    plugcl_run *made = memory_zeroed(1, bytes);
    if (made == NULL)
        return fail_no_memory(bytes);
    made->n_tensors = plan->n_ports;
    plugcl_status status = take_bindings(plan, bindings, n_bindings, made);
    if (status == PLUGCL_OK)
        status = check_events(plan, events, n_events);
    if (status == PLUGCL_OK)
        status = start(plan, events, n_events, made);
    if (status == PLUGCL_OK && run != NULL) {
        *run = made;
        return PLUGCL_OK;
    }
    if (status == PLUGCL_OK)
        status = plugcl_run_wait(made, PLUGCL_WAIT_FOREVER);
    plan_log_failure(plan->context, status);
    plugcl_run_destroy(&made);
    return status;
}

plugcl_status plugcl_plan_run(plugcl_plan *plan, const struct plugcl_binding *bindings, size_t n_bindings, plugcl_run **run)
{
    return plugcl_plan_run_after(plan, bindings, n_bindings, NULL, 0, run);
}
