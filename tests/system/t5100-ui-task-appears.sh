# SPDX-License-Identifier: PostgreSQL
# The page, in a headless Chromium against a real cluster: it says what to do while nothing runs, and
# sees a task appear, run and finish, without a reload and without breaking its own security policy.
. "$(dirname "${BASH_SOURCE[0]}")/../lib/cluster.sh"
. "$(dirname "${BASH_SOURCE[0]}")/../lib/browser.sh"

browser_find >/dev/null || skip_all "no chromium on this machine"

export HOWDAH_UI_DIR=$TEST_ROOT/ui-static
cluster_new
exits 0 "a cluster starts" cluster_start --agents 2
cluster_use "$CLUSTER"
browser_start
ok $? "a browser starts" || { done_testing; exit; }

row() { printf '[...document.querySelectorAll("task-table tbody tr")].some((row) => row.textContent.includes("%s") && row.textContent.includes("%s"))' "$1" "$2"; }

browser size 1280 900
browser open "$HOWDAH_HTTP/"
browser_wait 20 'document.querySelector(".freshness")?.textContent === "live"'
ok $? "the page says that its data is live"
browser_wait 20 'document.querySelectorAll("agent-grid li.active").length === 2'
ok $? "both agents are shown as active"
browser_wait 20 'document.querySelector("agent-grid rect.used") !== null'
ok $? "with bars for their resources"
browser_wait 10 'document.querySelector("task-table .empty code")?.textContent.includes("howdah run")'
ok $? "while nothing has run, the page says how to run something"
is "$(browser eval 'document.querySelector("task-table .tools").hidden')" true \
    "and offers no search in an empty list"
browser eval 'window.stillHere = true' >/dev/null
browser key Tab
is "$(browser eval 'document.activeElement.textContent')" "Skip to the tasks" \
    "the first Tab reaches the way past everything else"

howdah run --name watched --cpus 0.2 --mem 32 -- sh -c 'echo working; sleep 6' >"$TEST_SCRATCH/run.out" 2>&1 &
RUN=$!
browser_wait 30 "$(row watched running)"
ok $? "the task appears on the page and runs"
browser_wait 10 'document.querySelector("framework-list").textContent.includes("watched")'
ok $? "so does its framework"
browser_wait 10 '[...document.querySelectorAll("agent-grid dd.number")].some((dd) => dd.textContent.startsWith("0.2 of"))'
ok $? "and an agent shows what the task uses"
is "$(browser eval '[...document.querySelectorAll("task-table td.number")].some((td) => td.textContent.includes("-"))')" \
    false "no time is negative"

browser eval 'document.querySelector("task-table input").focus()' >/dev/null
browser type "no such task"
browser_wait 5 'document.querySelector("task-table").textContent.includes("No task matches")'
ok $? "a search for something else finds nothing and says so"
browser eval 'document.querySelector("task-table input").select()' >/dev/null
browser type "WATCHED"
browser_wait 5 "$(row watched '')"
ok $? "a search for its name finds it"
browser_wait 30 "$(row watched finished)"
ok $? "the task is seen to finish"
wait "$RUN"
ok $? "howdah run says so too"
is "$(browser eval 'document.querySelector("task-table input").value')" WATCHED \
    "the search is kept while the page draws itself again"
is "$(browser eval 'window.stillHere')" true "all of that without a reload"

exits 0 "a task with markup in its name runs" howdah run --name '<i>odd</i> & name' -- true
browser eval 'document.querySelector("task-table input").select()' >/dev/null
browser type "<i>odd</i> & name"
browser_wait 20 "$(row '<i>odd</i> & name' finished)"
ok $? "markup in a name is shown as it is"
is "$(browser eval 'document.querySelectorAll("main i").length')" 0 "and makes no element"

for width in 1280 768 360; do
    browser size "$width" 800
    is "$(browser eval 'document.documentElement.scrollWidth <= window.innerWidth')" true \
        "at $width pixels nothing is wider than the window"
done
ground='getComputedStyle(document.body).backgroundColor'
browser scheme light
light=$(browser eval "$ground")
browser scheme dark
dark=$(browser eval "$ground")
[ "$light" != "$dark" ]
ok $? "the page has a dark dress"

is "$(browser problems)" "[]" "the page has caused no error, warning or refused load"

cluster_kill TERM coordinator
browser_wait 20 'document.body.dataset.phase === "gone"'
ok $? "when the coordinator is gone the page says so"
browser_wait 5 "$(row odd finished)"
ok $? "and keeps showing what it knew"
exits 0 "the coordinator comes back" cluster_revive
browser_wait 40 'document.body.dataset.phase === "live"'
ok $? "and the page finds it again by itself"

browser_stop
done_testing
