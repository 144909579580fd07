// SPDX-License-Identifier: PostgreSQL
// Which cell this is, who leads it, and how old what the page shows is.
import { draw, html } from "../../html.js";
import { duration, shortId } from "../../format.js";

const PHASES = {
    live: () => "live",
    stale: (freshness) => `database away, data ${duration(freshness.ageMs / 1000)} old`,
    gone: () => "coordinator away",
};

function leaderText(leader) {
    if (!leader?.leading) return html`<span class="soft">no leader</span>`;
    return html`<span class="soft">leader</span> ${leader.name}
        <span class="soft">epoch</span> ${leader.epoch}`;
}

export class CellHeader extends HTMLElement {
    show({ cell, freshness }) {
        const served = freshness.coordinator;
        draw(this, html`
            <h1><img src="mark.svg" alt="" width="28" height="28"> Howdah</h1>
            <p class="facts">
                <span><span class="soft">cell</span> <span class="id"
                    title="${cell?.cell_id}">${shortId(cell?.cell_id) || "…"}</span></span>
                <span>${leaderText(cell?.leader)}</span>
                ${served && served !== cell?.leader?.name
                    ? html`<span><span class="soft">served by</span> ${served}</span>` : null}
            </p>
            <p class="freshness ${freshness.phase}">${PHASES[freshness.phase](freshness)}</p>`);
    }
}
