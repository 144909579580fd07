// SPDX-License-Identifier: PostgreSQL
// What is wrong with the page's data, in a sentence, or nothing.
import { draw, html } from "../../html.js";
import { duration } from "../../format.js";

export class CellNotice extends HTMLElement {
    #readAtMs = null;

    show({ cell, freshness }) {
        if (freshness.phase !== "gone") this.#readAtMs = performance.now() - freshness.ageMs;
        draw(this, this.#text(cell, freshness));
    }

    #text(cell, freshness) {
        const age = duration((performance.now() - (this.#readAtMs ?? 0)) / 1000);
        if (freshness.phase === "stale")
            return html`<p class="stale"><strong>The database does not answer.</strong>
                What you see is ${age} old. Running tasks go on without it.</p>`;
        if (freshness.phase === "gone")
            return html`<p class="gone"><strong>No data: ${freshness.text}.</strong>
                ${cell ? `What you see is ${age} old.` : ""} Trying again by itself.</p>`;
        if (!cell.leader?.name)
            return html`<p class="stale"><strong>No coordinator leads.</strong>
                Claims still work; offers and expiry wait for a leader.</p>`;
        return "";
    }
}
