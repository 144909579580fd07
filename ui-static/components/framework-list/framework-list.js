// SPDX-License-Identifier: PostgreSQL
// Frameworks by the share they hold: the dominant resource's part of the cell, divided by the
// role's weight, which is what fairness compares.
import { draw, html } from "../../html.js";
import { count, cpus, percent, plural } from "../../format.js";
import { moreLine } from "../more-line/more-line.js";
import { stateChip } from "../state-chip/state-chip.js";
import { usageBar } from "../usage-bar/usage-bar.js";

const SHOWN_MOST = 40;
const COMPLETED_MOST = 5;

const EMPTY = html`<div class="empty"><strong>No framework is registered.</strong>
    This registers one and runs twenty small tasks with it:
    <code>howdah run --count 20 --cpus 0.1 --mem 32 -- sh -c 'echo $HOWDAH_TASK_ID'</code></div>`;

const share = (framework) => Number(framework.dominant_share) || 0;

const weight = (framework) => Number(framework.weight) || 1;

function holds(framework) {
    const part = framework.dominant_resource
        ? `holds ${percent(share(framework))} of ${framework.dominant_resource}` : "holds nothing";
    return weight(framework) === 1 ? part : `${part}, weight ${cpus(weight(framework))}`;
}

function frameworkRow(framework) {
    const weighted = share(framework) / weight(framework);
    const label = `weighted dominant share of ${framework.name}: ${percent(weighted)}`;
    return html`<li data-key="${framework.framework_id}">
        <h3><span class="name">${framework.name}</span>
            ${framework.suppressed ? html`<span class="chip">suppressed</span>` : null}
            ${stateChip(framework.state)}</h3>
        <div class="share">${usageBar(weighted, label, "share")}
            <span class="number">${percent(weighted)}</span></div>
        <p class="facts soft"><span>role ${framework.role}</span> <span>${holds(framework)}</span>
            <span>${count(framework.task_count)} live
                of ${plural(framework.tasks_total, "task")}</span>
            <span>${plural(framework.claims, "claim")}</span>
            <span>${plural(framework.conflicts, "conflict")}</span>
            <span>${plural(framework.offers_outstanding, "offer")}</span></p>
    </li>`;
}

function completedRow(framework) {
    return html`<li data-key="${framework.framework_id}">
        <h3><span class="name">${framework.name}</span> ${stateChip(framework.state)}</h3>
        <p class="facts soft"><span>role ${framework.role}</span>
            <span>${plural(framework.tasks_total, "task")}</span>
            <span>${plural(framework.claims, "claim")}</span>
            <span>${plural(framework.conflicts, "conflict")}</span></p>
    </li>`;
}

function byShare(a, b) {
    return share(b) - share(a) || String(a.name).localeCompare(b.name);
}

function byAge(a, b) {
    return Date.parse(b.registered_at) - Date.parse(a.registered_at);
}

export class FrameworkList extends HTMLElement {
    show({ cell }) {
        if (!cell) return;
        const all = cell.frameworks ?? [];
        const present = all.filter((framework) => framework.state !== "completed").sort(byShare)
            .slice(0, SHOWN_MOST);
        const completed = all.filter((framework) => framework.state === "completed").sort(byAge)
            .slice(0, COMPLETED_MOST);
        const more = all.length - present.length - completed.length;
        draw(this, html`
            ${present.length === 0 ? EMPTY : null}
            <ul>${present.map(frameworkRow)}${completed.map(completedRow)}</ul>
            ${moreLine(more, "howdah frameworks")}`);
    }
}
