/* SPDX-License-Identifier: PostgreSQL */
/* How a task ended, as struct and as JSON. Written once by whoever holds the task's lock, read by
 * the agent, reported until the cell has it. Absent fields are null, so that exit code 0 and "did
 * not exit" differ. */
#include "agent/common_status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"

/* By its first byte; 0 for one that begins no character. */
static size_t length_announced(unsigned char first)
{
    if (first < 0x80)
        return first < 0x20 || first == 0x7F ? 0 : 1;
    if (first < 0xC2 || first > 0xF4)
        return 0;
    return first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
}

/* Length of the UTF-8 character at text, 0 if there is none (or a control character). */
static size_t character_length(const unsigned char *text)
{
    size_t len = length_announced(text[0]);

    for (size_t i = 1; i < len; i++)
        if ((text[i] & 0xC0) != 0x80)
            return 0;
    bool overlong = (text[0] == 0xE0 && text[1] < 0xA0) || (text[0] == 0xF0 && text[1] < 0x90);
    bool surrogate = text[0] == 0xED && text[1] > 0x9F;
    bool beyond = text[0] == 0xF4 && text[1] > 0x8F;
    return overlong || surrogate || beyond ? 0 : len;
}

void status_text_copy(char *out, size_t size, const char *text)
{
    size_t used = 0;

    while (*text != '\0') {
        size_t len = character_length((const unsigned char *)text);
        if (used + (len > 0 ? len : 1) >= size)
            break;
        if (len == 0)
            out[used++] = '?';
        else
            memcpy(out + used, text, len);
        used += len;
        text += len > 0 ? len : 1;
    }
    out[used] = '\0';
}

void status_init(struct status *status, enum task_state state, const char *reason, const char *fmt,
                 ...)
{
    char text[1024];
    va_list args;

    *status = (struct status){
        .state = state, .exit_code = STATUS_NO_EXIT_CODE, .cpu_ms = -1, .mem_peak_bytes = -1};
    snprintf(status->reason, sizeof(status->reason), "%s", reason);
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    status_text_copy(status->message, sizeof(status->message), text);
}

static json_t *integer_unless(int64_t value, int64_t unknown)
{
    return value == unknown ? json_null() : json_integer(value);
}

json_t *status_to_json(const struct status *status)
{
    return json_pack("{ss ss ss so so sI sI so so}", "state", task_state_name(status->state),
                     "reason", status->reason, "message", status->message, "exit_code",
                     integer_unless(status->exit_code, STATUS_NO_EXIT_CODE), "signal",
                     integer_unless(status->signal, 0), "started_ms",
                     (json_int_t)status->started_ms, "ended_ms", (json_int_t)status->ended_ms,
                     "cpu_ms", integer_unless(status->cpu_ms, -1), "mem_peak_bytes",
                     integer_unless(status->mem_peak_bytes, -1));
}

int status_from_json(const json_t *doc, struct status *status, struct err *err)
{
    const char *state = NULL, *reason = NULL, *message = "";
    int64_t exit_code = STATUS_NO_EXIT_CODE, signo = 0;

    *status = (struct status){.cpu_ms = -1, .mem_peak_bytes = -1};
    if (json_get_string(doc, "state", true, &state, err) != 0 ||
        json_get_string(doc, "reason", true, &reason, err) != 0 ||
        json_get_string(doc, "message", false, &message, err) != 0 ||
        json_get_int(doc, "exit_code", false, 0, 255, &exit_code, err) != 0 ||
        json_get_int(doc, "signal", false, 0, 255, &signo, err) != 0 ||
        json_get_int(doc, "started_ms", false, 0, INT64_MAX, &status->started_ms, err) != 0 ||
        json_get_int(doc, "ended_ms", false, 0, INT64_MAX, &status->ended_ms, err) != 0 ||
        json_get_int(doc, "cpu_ms", false, 0, INT64_MAX, &status->cpu_ms, err) != 0 ||
        json_get_int(doc, "mem_peak_bytes", false, 0, INT64_MAX, &status->mem_peak_bytes, err) != 0)
        return -1;
    int known = task_state_parse(state);
    if (known == FSM_NONE || !task_state_terminal((enum task_state)known))
        return err_set(err, ERR_value_invalid,
                       "field \"state\", value \"%s\": not a terminal state", state);
    status->state = (enum task_state)known;
    status->exit_code = (int)exit_code;
    status->signal = (int)signo;
    status_text_copy(status->reason, sizeof(status->reason), reason);
    status_text_copy(status->message, sizeof(status->message), message);
    return 0;
}
