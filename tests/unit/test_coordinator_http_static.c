/* SPDX-License-Identifier: PostgreSQL */
#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "coordinator/http_static.h"

static char dir[] = "/tmp/howdah-test-static.XXXXXX";
static struct coordinator root;
static struct err err;

static void file_make(const char *name, const char *text)
{
    CLEANUP_FREE char *path = mem_printf("%s/%s", dir, name);
    FILE *file = fopen(path, "we");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void folder_make(const char *name)
{
    CLEANUP_FREE char *path = mem_printf("%s/%s", dir, name);

    assert_int_equal(mkdir(path, 0755), 0);
}

static int set_up(void **state)
{
    (void)state;
    snprintf(dir, sizeof(dir), "/tmp/howdah-test-static.XXXXXX");
    root = (struct coordinator){.options = {.ui_dir = dir}};
    return mkdtemp(dir) == NULL;
}

static int tear_down(void **state)
{
    CLEANUP_FREE char *command = mem_printf("rm -rf '%s'", dir);

    (void)state;
    pages_destroy(&root);
    return system(command);
}

static const struct page *find(const char *path)
{
    return pages_find(root.pages, path);
}

static void files_are_found_by_their_path(void **state)
{
    (void)state;
    file_make("index.html", "<p>hello");
    folder_make("components");
    folder_make("components/table");
    file_make("components/table/table.js", "export {}");
    assert_int_equal(pages_create(&root, &err), 0);
    assert_string_equal(find("/index.html")->type, "text/html; charset=utf-8");
    assert_int_equal(find("/index.html")->len, 8);
    assert_memory_equal(find("/index.html")->body, "<p>hello", 8);
    assert_string_equal(find("/components/table/table.js")->type, "text/javascript; charset=utf-8");
}

static void the_root_is_the_index(void **state)
{
    (void)state;
    file_make("index.html", "x");
    assert_int_equal(pages_create(&root, &err), 0);
    assert_ptr_equal(find("/"), find("/index.html"));
}

static void nothing_else_is_found(void **state)
{
    static const char *const paths[] = {
        "",
        "//",
        "/index",
        "/INDEX.HTML",
        "/index.html/",
        "index.html",
        "/./index.html",
        "/a/../index.html",
        "/../etc/passwd",
        "/index.html\n",
        "/%2e%2e/x",
        "/components",
        "/components/",
    };

    (void)state;
    file_make("index.html", "x");
    folder_make("components");
    assert_int_equal(pages_create(&root, &err), 0);
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
        assert_null(find(paths[i]));
}

static void hidden_linked_and_foreign_files_are_left_out(void **state)
{
    CLEANUP_FREE char *link = mem_printf("%s/passwd.txt", dir);
    CLEANUP_FREE char *folder_link = mem_printf("%s/etc", dir);
    CLEANUP_FREE char *pipe = mem_printf("%s/pipe.txt", dir);

    (void)state;
    file_make(".secret.html", "x");
    folder_make(".git");
    file_make(".git/config.txt", "x");
    file_make("program.sh", "x");
    file_make("noending", "x");
    file_make("page.html.bak", "x");
    file_make("index.html", "x");
    assert_int_equal(symlink("/etc/passwd", link), 0);
    assert_int_equal(symlink("/etc", folder_link), 0);
    assert_int_equal(mkfifo(pipe, 0644), 0);
    assert_int_equal(pages_create(&root, &err), 0);
    assert_non_null(find("/index.html"));
    assert_null(find("/.secret.html"));
    assert_null(find("/.git/config.txt"));
    assert_null(find("/program.sh"));
    assert_null(find("/noending"));
    assert_null(find("/page.html.bak"));
    assert_null(find("/passwd.txt"));
    assert_null(find("/etc/passwd"));
    assert_null(find("/pipe.txt"));
}

static void a_huge_file_is_left_out_and_an_empty_one_is_not(void **state)
{
    CLEANUP_FREE char *path = mem_printf("%s/huge.txt", dir);

    (void)state;
    file_make("huge.txt", "");
    file_make("empty.css", "");
    assert_int_equal(truncate(path, (1 << 20) + 1), 0);
    assert_int_equal(pages_create(&root, &err), 0);
    assert_null(find("/huge.txt"));
    assert_int_equal(find("/empty.css")->len, 0);
}

static void very_deep_folders_end_somewhere(void **state)
{
    static const char deepest[] = "d/d/d/d/d/d/d/d/d/d/d/d/page.html";

    (void)state;
    for (const char *at = deepest; (at = strchr(at, '/')) != NULL; at++) {
        CLEANUP_FREE char *folder = mem_strndup(deepest, (size_t)(at - deepest));

        folder_make(folder);
    }
    file_make(deepest, "x");
    file_make("index.html", "x");
    assert_int_equal(pages_create(&root, &err), 0);
    assert_non_null(find("/index.html"));
    assert_null(find("/d/d/d/d/d/d/d/d/d/d/d/d/page.html"));
}

static void tags_tell_contents_apart(void **state)
{
    (void)state;
    file_make("a.txt", "same");
    file_make("b.txt", "same");
    file_make("c.txt", "other");
    assert_int_equal(pages_create(&root, &err), 0);
    assert_string_equal(find("/a.txt")->tag, find("/b.txt")->tag);
    assert_string_not_equal(find("/a.txt")->tag, find("/c.txt")->tag);
}

static void a_folder_that_is_missing_leaves_no_pages(void **state)
{
    (void)state;
    root.options.ui_dir = (char *)"/no/such/dir";
    assert_int_equal(pages_create(&root, &err), 0);
    assert_null(find("/"));
    assert_null(find("/index.html"));
}

static void types_go_by_the_last_ending(void **state)
{
    (void)state;
    assert_string_equal(page_type("a.b.css"), "text/css; charset=utf-8");
    assert_string_equal(page_type(".svg"), "image/svg+xml");
    assert_null(page_type("a.css.sh"));
    assert_null(page_type("css"));
    assert_null(page_type("a.CSS"));
    assert_null(page_type("a."));
    assert_null(page_type(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(files_are_found_by_their_path, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_root_is_the_index, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nothing_else_is_found, set_up, tear_down),
        cmocka_unit_test_setup_teardown(hidden_linked_and_foreign_files_are_left_out, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_huge_file_is_left_out_and_an_empty_one_is_not, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(very_deep_folders_end_somewhere, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tags_tell_contents_apart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_folder_that_is_missing_leaves_no_pages, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(types_go_by_the_last_ending, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
