// SPDX-License-Identifier: PostgreSQL
// Tasks: the live ones and those that ended lately, with a search over everything a row shows.
import { draw, html } from "../../html.js";
import { AMOUNTS, count, cpus, mebibytes, shortId, since } from "../../format.js";
import { matches, searchBox, searchListen, searchSay, searchWords }
    from "../search-box/search-box.js";
import { stateChip } from "../state-chip/state-chip.js";

const EMPTY = html`<div class="empty"><strong>Nothing has run here yet.</strong>
    Run something on any agent, and see it appear:
    <code>howdah run -- sh -c 'echo hello from $HOWDAH_TASK_ID'</code></div>`;

const NO_MATCH = html`<div class="empty"><strong>No task matches.</strong>
    Every word must occur in a row. The page holds at most 200 live tasks and the latest 50 that
    ended; <code>howdah tasks</code> lists them all.</div>`;

const COLUMNS = ["Task", "State", "Framework", "Agent", "Resources", "Age"];

function amounts(task) {
    const parts = [`${cpus(task.cpus)} CPU`, mebibytes(task.mem)];
    if (Number(task.disk)) parts.push(`${mebibytes(task.disk)} disk`);
    if (Number(task.gpus)) parts.push(`${AMOUNTS.gpus.print(task.gpus)} GPU`);
    return parts.join(", ");
}

function outcome(task) {
    if (task.live || task.state === "finished") return "";
    if (task.exit_code !== null && task.exit_code !== undefined && Number(task.exit_code) !== 0)
        return `exit code ${task.exit_code}`;
    return (task.reason ?? "").replaceAll("_", " ");
}

function age(task, nowMs) {
    if (task.live) return since(nowMs, task.started_at ?? task.created_at);
    return `ended ${since(nowMs, task.terminal_at)} ago`;
}

function taskRow(task, nowMs) {
    return html`<tr role="row" data-key="${task.task_id}" class="${task.live ? "live" : "ended"}">
        <th role="rowheader" scope="row"><span class="name">${task.name}</span>
            <span class="id soft" title="${task.task_id}">${shortId(task.task_id)}</span>
            <span class="under soft">${task.framework_name} on ${task.agent_name},
                ${amounts(task)}</span></th>
        <td role="cell">${stateChip(task.state)}
            <span class="soft outcome" title="${task.message}">${outcome(task)}</span></td>
        <td class="wide">${task.framework_name}</td>
        <td class="wide">${task.agent_name}</td>
        <td class="wide">${amounts(task)}</td>
        <td role="cell" class="number soft">${age(task, nowMs)}</td>
    </tr>`;
}

const compare = new Intl.Collator("en", { numeric: true }).compare;

// Live ones first, the latest first, those of one moment by name.
function byTime(a, b) {
    const moment = (task) =>
        Math.floor(Date.parse(task.live ? task.created_at : task.terminal_at) / 1000) || 0;
    return b.live - a.live || moment(b) - moment(a) || compare(a.name, b.name);
}

function text(task) {
    return [task.name, task.task_id, task.state, task.framework_name, task.agent_name, task.role,
        task.reason].join(" ");
}

// The roles are what a table has by itself; they hold where the narrow layout makes rows grids.
function table(tasks, nowMs) {
    const kinds = { Framework: "wide", Agent: "wide", Resources: "wide", Age: "number" };
    const head = COLUMNS.map((name) =>
        html`<th scope="col" class="${kinds[name]}">${name}</th>`);
    return html`<table role="table">
        <thead><tr>${head}</tr></thead>
        <tbody>${tasks.map((task) => taskRow(task, nowMs))}</tbody>
    </table>`;
}

export class TaskTable extends HTMLElement {
    #view = null;

    connectedCallback() {
        draw(this, html`${searchBox("Search tasks", "Search name, id, state, framework, agent")}
            <div class="rows"></div>`);
        searchListen(this, () => this.#view && this.show(this.#view));
    }

    show(view) {
        this.#view = view;
        if (!view.cell) return;
        const tasks = view.cell.tasks ?? [];
        const words = searchWords(this);
        const found = tasks.sort(byTime).filter((task) => matches(text(task), words));
        const live = tasks.filter((task) => task.live).length;
        searchSay(this, words.length ? `${count(found.length)} of ${count(tasks.length)} match`
            : `${count(live)} live shown, and the latest that ended`, tasks.length === 0);
        draw(this.querySelector(".rows"), tasks.length === 0 ? EMPTY
            : found.length === 0 ? NO_MATCH : table(found, view.nowMs));
    }
}
