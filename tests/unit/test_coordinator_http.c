/* SPDX-License-Identifier: PostgreSQL */
/* coordinator/http and http_static: which route serves a path, which hosts are answered, which
 * files are pages. */
#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "coordinator/http.h"
#include "coordinator/http_routes.h"
#include "coordinator/http_static.h"

/* ---- routes and hosts ---- */

static http_handler_f handler_of(const char *path)
{
    const struct http_route *route = http_route_find(path);

    return route ? route->handler : NULL;
}

static void each_path_goes_to_its_handler(void **state)
{
    (void)state;
    assert_ptr_equal(handler_of("/healthz"), http_status_health);
    assert_ptr_equal(handler_of("/metrics"), http_status_metrics);
    assert_ptr_equal(handler_of("/api/v1/cell"), http_api_answer);
    assert_ptr_equal(handler_of("/api/"), http_api_answer);
    assert_ptr_equal(handler_of("/"), http_static_answer);
    assert_ptr_equal(handler_of("/index.html"), http_static_answer);
}

static void exact_routes_serve_nothing_below_them(void **state)
{
    (void)state;
    assert_ptr_equal(handler_of("/healthz/x"), http_static_answer);
    assert_ptr_equal(handler_of("/healthzx"), http_static_answer);
    assert_ptr_equal(handler_of("/apix"), http_static_answer);
}

static void a_path_without_a_slash_has_no_route(void **state)
{
    (void)state;
    assert_null(http_route_find(""));
    assert_null(http_route_find("healthz"));
    assert_null(http_route_find("http://elsewhere/"));
}

static void addresses_and_own_names_are_served(void **state)
{
    (void)state;
    assert_true(http_host_served("127.0.0.1:8080", "127.0.0.1", NULL));
    assert_true(http_host_served("10.1.2.3", "127.0.0.1", NULL));
    assert_true(http_host_served("[::1]:8080", "::1", NULL));
    assert_true(http_host_served("LocalHost:1", "127.0.0.1", NULL));
    assert_true(http_host_served("cell.example:80", "127.0.0.1", "a.example,cell.example"));
    assert_true(http_host_served("a.example", "127.0.0.1", "a.example,cell.example"));
}

static void foreign_names_are_not_served(void **state)
{
    char endless[400];

    (void)state;
    memset(endless, 'a', sizeof(endless) - 1);
    endless[sizeof(endless) - 1] = '\0';
    assert_false(http_host_served("evil.example", "127.0.0.1", NULL));
    assert_false(http_host_served("evil.example:127.0.0.1", "127.0.0.1", NULL));
    assert_false(http_host_served("127.0.0.1.evil.example", "127.0.0.1", NULL));
    assert_false(http_host_served("xa.example", "127.0.0.1", "a.example"));
    assert_false(http_host_served("example", "127.0.0.1", "a.example"));
    assert_false(http_host_served("", "127.0.0.1", ""));
    assert_false(http_host_served("[", "127.0.0.1", NULL));
    assert_false(http_host_served(endless, "127.0.0.1", NULL));
}

/* ---- pages ---- */

struct folder {
    char path[64];
    struct coordinator root;
};

static void file_write(const char *folder, const char *name, const char *text, size_t size)
{
    CLEANUP_FREE char *path = mem_printf("%s/%s", folder, name);
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    for (size_t i = 0; i < size; i++)
        fputc(text[i % strlen(text)], file);
    fclose(file);
}

static void folder_make(const char *folder, const char *name)
{
    CLEANUP_FREE char *path = mem_printf("%s/%s", folder, name);

    assert_int_equal(mkdir(path, 0755), 0);
}

static void link_make(const char *folder, const char *name, const char *target)
{
    CLEANUP_FREE char *path = mem_printf("%s/%s", folder, name);

    assert_int_equal(symlink(target, path), 0);
}

static int folder_fill(void **state)
{
    struct folder *folder = mem_alloc(sizeof(*folder));

    snprintf(folder->path, sizeof(folder->path), "/tmp/howdah-pages.XXXXXX");
    assert_non_null(mkdtemp(folder->path));
    folder_make(folder->path, "site");
    folder_make(folder->path, "site/parts");
    folder_make(folder->path, "site/.git");
    file_write(folder->path, "secret.txt", "secret", 6);
    file_write(folder->path, "site/index.html", "<p>", 3);
    file_write(folder->path, "site/parts/a.js", "a()", 3);
    file_write(folder->path, "site/.git/config.txt", "x", 1);
    file_write(folder->path, "site/.hidden.txt", "x", 1);
    file_write(folder->path, "site/notes.md", "x", 1);
    file_write(folder->path, "site/big.txt", "x", (1 << 20) + 1);
    file_write(folder->path, "site/empty.css", "x", 0);
    link_make(folder->path, "site/link.txt", "../secret.txt");
    link_make(folder->path, "site/up", "..");
    *state = folder;
    return 0;
}

static int folder_load(void **state)
{
    struct folder *folder;
    struct err err = {.code = ERR_none};

    folder_fill(state);
    folder = *state;
    folder->root.options.ui_dir = mem_printf("%s/site", folder->path);
    return pages_create(&folder->root, &err);
}

static int folder_remove(void **state)
{
    struct folder *folder = *state;
    CLEANUP_FREE char *command = mem_printf("rm -r '%s'", folder->path);
    int status = system(command);

    pages_destroy(&folder->root);
    free(folder->root.options.ui_dir);
    free(folder);
    return status;
}

static void pages_are_found_by_their_exact_path(void **state)
{
    struct folder *folder = *state;
    const struct page *page = pages_find(folder->root.pages, "/parts/a.js");

    assert_non_null(page);
    assert_int_equal(page->len, 3);
    assert_memory_equal(page->body, "a()", 3);
    assert_string_equal(page->type, "text/javascript; charset=utf-8");
    assert_ptr_equal(pages_find(folder->root.pages, "/"),
                     pages_find(folder->root.pages, "/index.html"));
    assert_non_null(pages_find(folder->root.pages, "/"));
    assert_int_equal(pages_find(folder->root.pages, "/empty.css")->len, 0);
}

static void nothing_outside_the_folder_is_a_page(void **state)
{
    static const char *const paths[] = {
        "/../secret.txt",
        "/parts/../../secret.txt",
        "/up/secret.txt",
        "/link.txt",
        "//index.html",
        "/./index.html",
        "/parts/",
        "/parts",
        "/etc/passwd",
        "../secret.txt",
        "",
        "/index.html/",
    };
    struct folder *folder = *state;

    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
        if (pages_find(folder->root.pages, paths[i]))
            fail_msg("\"%s\" is served", paths[i]);
}

static void hidden_unknown_and_huge_files_are_no_pages(void **state)
{
    struct folder *folder = *state;

    assert_null(pages_find(folder->root.pages, "/.git/config.txt"));
    assert_null(pages_find(folder->root.pages, "/.hidden.txt"));
    assert_null(pages_find(folder->root.pages, "/notes.md"));
    assert_null(pages_find(folder->root.pages, "/big.txt"));
}

static void tags_tell_contents_apart(void **state)
{
    struct folder *folder = *state;

    assert_string_not_equal(pages_find(folder->root.pages, "/")->tag,
                            pages_find(folder->root.pages, "/parts/a.js")->tag);
}

static void a_missing_folder_leaves_no_pages(void **state)
{
    struct coordinator root = {.base = NULL};
    struct err err = {.code = ERR_none};
    char dir[] = "/nonexistent/howdah";

    (void)state;
    root.options.ui_dir = dir;
    assert_int_equal(pages_create(&root, &err), 0);
    assert_null(pages_find(root.pages, "/"));
    pages_destroy(&root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_path_goes_to_its_handler),
        cmocka_unit_test(exact_routes_serve_nothing_below_them),
        cmocka_unit_test(a_path_without_a_slash_has_no_route),
        cmocka_unit_test(addresses_and_own_names_are_served),
        cmocka_unit_test(foreign_names_are_not_served),
        cmocka_unit_test_setup_teardown(pages_are_found_by_their_exact_path, folder_load,
                                        folder_remove),
        cmocka_unit_test_setup_teardown(nothing_outside_the_folder_is_a_page, folder_load,
                                        folder_remove),
        cmocka_unit_test_setup_teardown(hidden_unknown_and_huge_files_are_no_pages, folder_load,
                                        folder_remove),
        cmocka_unit_test_setup_teardown(tags_tell_contents_apart, folder_load, folder_remove),
        cmocka_unit_test(a_missing_folder_leaves_no_pages),
    };

    log_init("test", LOG_LEVEL_ERROR);
    return cmocka_run_group_tests_name("coordinator/http", tests, NULL, NULL);
}
