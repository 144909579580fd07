// SPDX-License-Identifier: PostgreSQL
// The cell in figures: what is used of each resource, how many tasks live, and the two rates with
// their last minute.
import { draw, html } from "../../html.js";
import { AMOUNTS, count, percent, rate } from "../../format.js";
import { sparkLine, SPARK_SAMPLES } from "../spark-line/spark-line.js";
import { usageBar } from "../usage-bar/usage-bar.js";

const LIVE_STATES = ["staging", "starting", "running", "killing", "unreachable"];

function amountTile(totals, kind) {
    const total = Number(totals[kind]) || 0;
    const used = Number(totals[`${kind}_used`]) || 0;
    const { label, print } = AMOUNTS[kind];
    if (total === 0 && kind !== "cpus" && kind !== "mem") return null;
    const part = total ? used / total : 0;
    return html`<li>
        <h3>${label}</h3>
        <p class="figure">${print(used)}</p>
        <p class="soft small">of ${print(total)}</p>
        ${usageBar(part, `${label}: ${percent(part)} used`)}
    </li>`;
}

function tasksTile(counts) {
    const live = LIVE_STATES.filter((state) => counts[state] > 0);
    const sum = live.reduce((n, state) => n + Number(counts[state]), 0);
    const others = live.filter((state) => state !== "running").slice(0, 2)
        .map((state) => `${count(counts[state])} ${state}`);
    return html`<li>
        <h3>Live tasks</h3>
        <p class="figure">${count(sum)}</p>
        <p class="soft small">${count(counts.running)} running</p>
        <p class="soft small">${others.join(", ")}</p>
    </li>`;
}

function rateTile(title, samples, kind) {
    return html`<li>
        <h3>${title}</h3>
        <p class="figure">${rate(samples.at(-1))}</p>
        <p class="soft small">per second</p>
        ${sparkLine(samples, `${title} per second`, kind)}
    </li>`;
}

export class CellTotals extends HTMLElement {
    #claims = [];
    #conflicts = [];

    #sample(samples, value) {
        return [...samples, Number(value) || 0].slice(-SPARK_SAMPLES);
    }

    show({ cell, freshness }) {
        if (!cell) return;
        if (freshness.phase === "live" || this.#claims.length === 0) {
            this.#claims = this.#sample(this.#claims, cell.rates?.claims_per_s);
            this.#conflicts = this.#sample(this.#conflicts, cell.rates?.conflicts_per_s);
        }
        draw(this, html`<ul class="tiles">
            ${Object.keys(AMOUNTS).map((kind) => amountTile(cell.totals ?? {}, kind))}
            ${tasksTile(cell.task_counts ?? {})}
            ${rateTile("Claims", this.#claims)}
            ${rateTile("Conflicts", this.#conflicts, "warm")}
        </ul>`);
    }
}
