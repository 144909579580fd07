/* SPDX-License-Identifier: PostgreSQL */
/* Prints what is generated from the tables of libframework: the state machines as SQL functions
 * (--sql), as Markdown with Mermaid drawings (--mermaid) and as plain text (--text); the error
 * codes as SQL functions (--errcodes-sql) and as Markdown (--errors-md). The output is committed,
 * so that plain psql can install the schema; `make check-gen` fails when it differs from the
 * tables.
 *
 * The SQL functions are single CASE expressions without a search_path of their own, so that the
 * planner can inline them; everything in them is schema-qualified. */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "fsm/fsm.h"

/* ---- SQL: state machines ---- */

static void sql_head(const char *source)
{
    printf("-- SPDX-License-Identifier: PostgreSQL\n"
           "-- Printed by fsm_dump from %s; run `make gen` after changing those.\n"
           "-- Immutable functions rather than lookup tables: a foreign key to a table of states\n"
           "-- would make every hot row take a lock on it.\n",
           source);
}

static void sql_finish(const char *signature, const char *comment)
{
    printf("comment on function %s is\n    '%s';\n", signature, comment);
    printf("revoke all on function %s from public;\n", signature);
}

static void sql_next_branch(const struct fsm_machine *machine, int from)
{
    bool any = false;

    for (size_t i = 0; i < machine->edge_count; i++) {
        const struct fsm_edge *edge = &machine->edges[i];

        if (edge->from != from)
            continue;
        if (!any)
            printf("        when '%s'::howdah.%s_state then case p_event\n",
                   machine->states[from].name, machine->name);
        any = true;
        printf("            when '%s' then '%s'::howdah.%s_state\n", edge->event,
               machine->states[edge->to].name, machine->name);
    }
    if (any)
        printf("        end\n");
}

static void sql_next(const struct fsm_machine *machine)
{
    const char *name = machine->name;
    char signature[128];

    printf("\n-- select howdah_private.%s_next('%s', '%s')\n", name,
           machine->states[machine->edges[0].from].name, machine->edges[0].event);
    printf("create or replace function howdah_private.%s_next(p_state howdah.%s_state, "
           "p_event text)\n    returns howdah.%s_state\n"
           "    language sql immutable parallel safe\nas $$\n    select case p_state\n",
           name, name, name);
    for (size_t i = 0; i < machine->state_count; i++)
        sql_next_branch(machine, (int)i);
    printf("    end\n$$;\n");
    snprintf(signature, sizeof signature, "howdah_private.%s_next(howdah.%s_state, text)", name,
             name);
    sql_finish(signature, "The state that an event leads to; null where there is no such edge");
}

static void sql_terminal(const struct fsm_machine *machine)
{
    const char *name = machine->name;
    const char *comma = "";
    char signature[128];

    printf("\ncreate or replace function howdah_private.%s_terminal(p_state howdah.%s_state)\n"
           "    returns boolean\n    language sql immutable parallel safe\nas $$\n"
           "    select case\n        when p_state in (",
           name, name);
    for (size_t i = 0; i < machine->state_count; i++) {
        if (!machine->states[i].terminal)
            continue;
        printf("%s'%s'", comma, machine->states[i].name);
        comma = ", ";
    }
    printf(")\n            then true\n        when p_state is not null then false\n    end\n$$;\n");
    snprintf(signature, sizeof signature, "howdah_private.%s_terminal(howdah.%s_state)", name,
             name);
    sql_finish(signature, "Is the state final? Null for null");
}

static bool edge_repeats(const struct fsm_machine *machine, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (machine->edges[i].from == machine->edges[index].from &&
            machine->edges[i].to == machine->edges[index].to)
            return true;
    return false;
}

static void sql_edge_branch(const struct fsm_machine *machine, int from)
{
    const char *comma = "";

    for (size_t i = 0; i < machine->edge_count; i++) {
        if (machine->edges[i].from != from || edge_repeats(machine, i))
            continue;
        if (!*comma)
            printf("        when '%s'::howdah.%s_state then p_to in (\n            ",
                   machine->states[from].name, machine->name);
        printf("%s'%s'", comma, machine->states[machine->edges[i].to].name);
        comma = ", ";
    }
    if (*comma)
        printf(")\n");
}

static void sql_edge(const struct fsm_machine *machine)
{
    const char *name = machine->name;
    char signature[128];

    printf("\ncreate or replace function howdah_private.%s_edge(p_from howdah.%s_state, "
           "p_to howdah.%s_state)\n    returns boolean\n"
           "    language sql immutable parallel safe\nas $$\n    select case p_from\n",
           name, name, name);
    for (size_t i = 0; i < machine->state_count; i++)
        sql_edge_branch(machine, (int)i);
    printf("        else false\n    end\n$$;\n");
    snprintf(signature, sizeof signature,
             "howdah_private.%s_edge(howdah.%s_state, howdah.%s_state)", name, name, name);
    sql_finish(signature, "Does any event lead from the one state to the other?");
}

static void dump_sql(void)
{
    sql_head("libframework/fsm/*.def");
    for (int id = 0; id < FSM_MACHINE_COUNT; id++) {
        sql_next(&fsm_machines[id]);
        sql_terminal(&fsm_machines[id]);
        sql_edge(&fsm_machines[id]);
    }
}

/* ---- state machines for people ---- */

static void mermaid_machine(const struct fsm_machine *machine)
{
    printf("\n## %s\n\n```mermaid\nstateDiagram-v2\n    [*] --> %s\n", machine->name,
           machine->states[0].name);
    for (size_t i = 0; i < machine->edge_count; i++)
        printf("    %s --> %s: %s\n", machine->states[machine->edges[i].from].name,
               machine->states[machine->edges[i].to].name, machine->edges[i].event);
    for (size_t i = 0; i < machine->state_count; i++)
        if (machine->states[i].terminal)
            printf("    %s --> [*]\n", machine->states[i].name);
    printf("```\n\n| state | final | meaning |\n|---|---|---|\n");
    for (size_t i = 0; i < machine->state_count; i++)
        printf("| %s | %s | %s |\n", machine->states[i].name,
               machine->states[i].terminal ? "yes" : "", machine->states[i].meaning);
    printf("\n| from | event | to | brought about by | cause |\n|---|---|---|---|---|\n");
    for (size_t i = 0; i < machine->edge_count; i++) {
        const struct fsm_edge *edge = &machine->edges[i];

        printf("| %s | %s | %s | %s | %s |\n", machine->states[edge->from].name, edge->event,
               machine->states[edge->to].name, edge->actor, edge->cause);
    }
}

static void dump_mermaid(void)
{
    printf("# State machines\n\n"
           "Printed by `make gen` from `libframework/fsm/*.def`. The database decides every "
           "transition; an\nevent that has no edge from the current state is refused with "
           "`edge_illegal`.\n");
    for (int id = 0; id < FSM_MACHINE_COUNT; id++)
        mermaid_machine(&fsm_machines[id]);
}

static void dump_text(void)
{
    for (int id = 0; id < FSM_MACHINE_COUNT; id++) {
        const struct fsm_machine *machine = &fsm_machines[id];

        for (size_t i = 0; i < machine->state_count; i++)
            printf("%s state %s%s\n", machine->name, machine->states[i].name,
                   machine->states[i].terminal ? " final" : "");
        for (size_t i = 0; i < machine->edge_count; i++)
            printf("%s edge %s %s %s by %s\n", machine->name,
                   machine->states[machine->edges[i].from].name, machine->edges[i].event,
                   machine->states[machine->edges[i].to].name, machine->edges[i].actor);
    }
}

/* ---- error codes and refusal reasons ---- */

static const struct refusal {
    const char *name, *class, *meaning;
} refusals[] = {
#define REFUSAL(name_, class_, meaning_) {#name_, #class_, meaning_},
#include "base/refusals.def"
#undef REFUSAL
};

static const struct sqlstate {
    const char *prefix, *meaning;
    enum err_code code;
} sqlstates[] = {
#define SQLSTATE(prefix_, code_, meaning_) {prefix_, meaning_, ERR_##code_},
#include "base/sqlstates.def"
#undef SQLSTATE
};

static const enum err_code codes[] = {
#define ERRCODE(name, sqlstate, class, text) ERR_##name,
#include "base/errcodes.def"
#undef ERRCODE
};

#define CODE_COUNT     (sizeof codes / sizeof codes[0])
#define SQLSTATE_COUNT (sizeof sqlstates / sizeof sqlstates[0])
#define REFUSAL_COUNT  (sizeof refusals / sizeof refusals[0])

/* Raised by our own SQL functions, as opposed to PostgreSQL and the client side. */
static bool code_is_ours(enum err_code code)
{
    return !strncmp(err_sqlstate(code), "HW", 2) && strncmp(err_sqlstate(code), "HWC", 3) != 0;
}

static void sql_code_function(const char *name, const char *param, bool state)
{
    printf("\ncreate or replace function howdah_private.%s(%s text)\n    returns text\n"
           "    language sql immutable parallel safe\nas $$\n    select case %s\n",
           name, param, param);
    for (size_t i = 0; i < CODE_COUNT; i++)
        if (code_is_ours(codes[i]))
            printf("        when '%s' then '%s'\n", err_code_name(codes[i]),
                   state ? err_sqlstate(codes[i]) : err_class_name(err_class_of(codes[i])));
    printf("    end\n$$;\n");
}

static void dump_errcodes_sql(void)
{
    printf("-- SPDX-License-Identifier: PostgreSQL\n"
           "-- Printed by fsm_dump from libframework/base/{errcodes,refusals}.def; run `make gen`\n"
           "-- after changing those.\n");
    sql_code_function("error_sqlstate", "p_name", true);
    sql_finish("howdah_private.error_sqlstate(text)",
               "The SQLSTATE of one of howdah''s own errors; null for an unknown name");
    sql_code_function("error_class", "p_name", false);
    sql_finish("howdah_private.error_class(text)",
               "caller, retry or fatal: what the one who gets the error should do");
    printf("\ncreate or replace function howdah_private.refusal_class(p_reason text)\n"
           "    returns text\n    language sql immutable parallel safe\nas $$\n"
           "    select case p_reason\n");
    for (size_t i = 0; i < REFUSAL_COUNT; i++)
        printf("        when '%s' then '%s'\n", refusals[i].name,
               !strcmp(refusals[i].class, "CONFLICT") ? "conflict" : "caller");
    printf("    end\n$$;\n");
    sql_finish("howdah_private.refusal_class(text)",
               "conflict (look again and retry) or caller (the spec is wrong)");
}

static void md_sqlstates(void)
{
    printf("\n## PostgreSQL's other SQLSTATEs\n\nFive letters are one state, two a class of "
           "states. What stands in neither table is a `server_error`.\n\n"
           "| SQLSTATE | treated as | class | meaning |\n|---|---|---|---|\n");
    for (size_t i = 0; i < SQLSTATE_COUNT; i++)
        printf("| %s%s | %s | %s | %s |\n", sqlstates[i].prefix,
               strlen(sqlstates[i].prefix) < 5 ? "…" : "", err_code_name(sqlstates[i].code),
               err_class_name(err_class_of(sqlstates[i].code)), sqlstates[i].meaning);
}

static void dump_errors_md(void)
{
    printf("# Errors\n\nPrinted by `make gen` from `libframework/base/errcodes.def`, "
           "`sqlstates.def` and\n`refusals.def`.\n\n## Codes\n\n"
           "Class *caller*: the request is wrong, repeating it cannot help. *retry*: repeat with "
           "backoff; the\noutcome of the first try may be unknown. *fatal*: this process or "
           "session must stop.\n\n"
           "SQLSTATEs that begin with HW are raised by howdah's functions, with a DETAIL of JSON "
           "`{\"code\",\n\"field\", \"value\", \"expected\"}`; those that begin with HWC never "
           "leave the client; the rest is\nPostgreSQL's own.\n\n"
           "| code | SQLSTATE | class | meaning |\n|---|---|---|---|\n");
    for (size_t i = 0; i < CODE_COUNT; i++)
        printf("| %s | %s | %s | %s |\n", err_code_name(codes[i]), err_sqlstate(codes[i]),
               err_class_name(err_class_of(codes[i])), err_code_text(codes[i]));
    md_sqlstates();
    printf("\n## Refusals\n\nWhy one task spec of a claim was refused. *conflict*: what was seen "
           "is out of date, look again and\nretry. *caller*: the spec is wrong.\n\n"
           "| reason | class | meaning |\n|---|---|---|\n");
    for (size_t i = 0; i < REFUSAL_COUNT; i++)
        printf("| %s | %s | %s |\n", refusals[i].name,
               !strcmp(refusals[i].class, "CONFLICT") ? "conflict" : "caller", refusals[i].meaning);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *option;
        void (*dump)(void);
    } forms[] = {
        {"--sql", dump_sql},
        {"--mermaid", dump_mermaid},
        {"--text", dump_text},
        {"--errcodes-sql", dump_errcodes_sql},
        {"--errors-md", dump_errors_md},
    };

    for (size_t i = 0; argc == 2 && i < sizeof forms / sizeof forms[0]; i++) {
        if (!strcmp(argv[1], forms[i].option)) {
            forms[i].dump();
            return fflush(stdout) ? 1 : 0;
        }
    }
    fprintf(stderr, "usage: fsm_dump --sql | --mermaid | --text | --errcodes-sql | --errors-md\n");
    return 2;
}
