/* SPDX-License-Identifier: PostgreSQL */
/* base/log: stderr is turned into a pipe while a line is written. */
#include "tests/unit/cmocka_all.h"

#include <regex.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

static char caught[8192];
static int saved_stderr, ends[2];

static void catch_begin(void)
{
    assert_return_code(pipe(ends), 0);
    saved_stderr = dup(STDERR_FILENO);
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
}

static void catch_end(void)
{
    ssize_t got;

    dup2(saved_stderr, STDERR_FILENO);
    close(saved_stderr);
    got = read(ends[0], caught, sizeof caught - 1);
    caught[got > 0 ? got : 0] = '\0';
    close(ends[0]);
}

static void assert_caught(const char *pattern)
{
    regex_t regex;

    assert_int_equal(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
    if (regexec(&regex, caught, 0, NULL, 0))
        fail_msg("\"%s\" does not match %s", caught, pattern);
    regfree(&regex);
}

static void a_line_has_time_level_program_and_message(void **state)
{
    (void)state;
    log_init("tester", LOG_LEVEL_INFO);
    catch_begin();
    log_info("turn done offers=%d", 3);
    catch_end();
    assert_caught("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z "
                  "info tester: turn done offers=3\n$");
}

static void lower_levels_are_left_out(void **state)
{
    (void)state;
    log_init("tester", LOG_LEVEL_WARN);
    catch_begin();
    log_debug("no");
    log_info("no");
    log_warn("yes");
    log_error("too");
    catch_end();
    assert_caught("^[^ ]* warn tester: yes\n[^ ]* error tester: too\n$");
}

static void an_error_adds_text_code_and_class(void **state)
{
    struct err err;

    (void)state;
    log_init("tester", LOG_LEVEL_INFO);
    err_set(&err, ERR_epoch_stale, "epoch 3");
    catch_begin();
    log_err(LOG_LEVEL_ERROR, &err, "renewal of %s", "lease");
    catch_end();
    assert_caught("renewal of lease: epoch 3 code=epoch_stale class=fatal\n$");
}

static void a_message_cannot_forge_a_line(void **state)
{
    (void)state;
    catch_begin();
    log_warn("name=%s", "x\n2026 info tester: forged\r\x1b[2J");
    catch_end();
    assert_ptr_equal(strchr(caught, '\n'), caught + strlen(caught) - 1);
    assert_null(strchr(caught, '\x1b'));
}

static void a_long_message_is_cut(void **state)
{
    char text[5000];
    struct err err;

    (void)state;
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    err_set(&err, ERR_server_error, "%s", text);
    catch_begin();
    log_err(LOG_LEVEL_WARN, &err, "%s", text);
    catch_end();
    assert_in_range(strlen(caught), 2000, 2048);
    assert_int_equal(caught[strlen(caught) - 1], '\n');
}

static void levels_have_names(void **state)
{
    enum log_level level = LOG_LEVEL_INFO;

    (void)state;
    assert_int_equal(log_level_parse("debug", &level), 0);
    assert_int_equal(level, LOG_LEVEL_DEBUG);
    assert_int_equal(log_level_parse("error", &level), 0);
    assert_int_equal(level, LOG_LEVEL_ERROR);
    assert_int_equal(log_level_parse("loud", &level), -1);
    assert_int_equal(level, LOG_LEVEL_ERROR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_has_time_level_program_and_message),
        cmocka_unit_test(lower_levels_are_left_out),
        cmocka_unit_test(an_error_adds_text_code_and_class),
        cmocka_unit_test(a_message_cannot_forge_a_line),
        cmocka_unit_test(a_long_message_is_cut),
        cmocka_unit_test(levels_have_names),
    };

    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
