// SPDX-License-Identifier: PostgreSQL
// The page: registers the components, follows the cell, hands each component what was read.
//
// A component is an element with a method show(view); view is {cell, nowMs, freshness}: the
// snapshot, the database's time now, and how good the connection is. Nothing else holds state of
// the cell.
import { follow } from "./api.js";
import { AgentGrid } from "./components/agent-grid/agent-grid.js";
import { CellHeader } from "./components/cell-header/cell-header.js";
import { CellNotice } from "./components/cell-notice/cell-notice.js";
import { CellTotals } from "./components/cell-totals/cell-totals.js";
import { FrameworkList } from "./components/framework-list/framework-list.js";
import { OfferList } from "./components/offer-list/offer-list.js";
import { TaskTable } from "./components/task-table/task-table.js";

const COMPONENTS = {
    "cell-header": CellHeader,
    "cell-notice": CellNotice,
    "cell-totals": CellTotals,
    "agent-grid": AgentGrid,
    "framework-list": FrameworkList,
    "offer-list": OfferList,
    "task-table": TaskTable,
};

for (const [name, component] of Object.entries(COMPONENTS)) customElements.define(name, component);
const elements = document.querySelectorAll(Object.keys(COMPONENTS).join(","));

// What was read last: the cell, and when (this page's clock) its `now` was.
let cell = null;
let cellAtMs = 0;

function show(freshness) {
    const nowMs = cell ? Date.parse(cell.now) + performance.now() - cellAtMs : Date.now();
    for (const element of elements) element.show({ cell, nowMs, freshness });
    document.body.dataset.phase = freshness.phase;
    document.title = cell ? `${cell.agents.length} agents · Howdah` : "Howdah";
}

follow(
    (read) => {
        if (read.cell !== cell) {
            cell = read.cell;
            cellAtMs = performance.now() - read.ageMs;
        }
        show({ ...read, phase: read.stale ? "stale" : "live" });
    },
    (failure) => show({ ...failure, phase: "gone" }),
);
