// SPDX-License-Identifier: PostgreSQL
// Agents, each with a bar per resource. Those that need attention come first; a big cell shows the
// first ones, says how many more there are, and offers a search.
import { draw, html } from "../../html.js";
import { AMOUNTS, count, duration, percent, plural } from "../../format.js";
import { moreLine } from "../more-line/more-line.js";
import { matches, searchBox, searchListen, searchSay, searchWords }
    from "../search-box/search-box.js";
import { stateChip } from "../state-chip/state-chip.js";
import { usageBar } from "../usage-bar/usage-bar.js";

const SHOWN_MOST = 24;

const EMPTY = html`<div class="empty"><strong>No agent has registered yet.</strong>
    Agents bring the machines' resources. A development cluster starts three of them:
    <code>howdah up --agents 3</code></div>`;

function resourceRow(agent, kind) {
    const total = Number(agent[kind]) || 0;
    if (total === 0) return null;
    const used = Number(agent[`${kind}_used`]) || 0;
    const { label, print } = AMOUNTS[kind];
    const part = used / total;
    return html`<div class="resource">
        <dt>${label}</dt>
        <dd class="number">${print(used)} <span class="soft">of ${print(total)}</span></dd>
        <dd class="bar">${usageBar(part, `${label}: ${percent(part)} used`)}</dd>
    </div>`;
}

function agentCard(agent, sinceReadS) {
    const offers = Number(agent.offer_count) || 0;
    const silent = agent.state === "unreachable"
        ? html`<span>silent for ${duration(Number(agent.last_seen_s) + sinceReadS)}</span>` : null;
    return html`<li data-key="${agent.agent_id}" class="${agent.state}">
        <h3><span class="name">${agent.name}</span> ${stateChip(agent.state)}</h3>
        <p class="facts soft">
            ${agent.host !== agent.name ? html`<span>${agent.host}</span>` : null}
            <span>${plural(agent.task_count, "task")}</span>
            ${offers ? html`<span>${plural(offers, "offer")}</span>` : null}
            ${agent.cordoned
                ? html`<span>${agent.drain ?? "cordoned"}${agent.cordon_reason ? `: ${agent.cordon_reason}` : null}</span>`
                : null}
            ${silent}</p>
        <dl>${Object.keys(AMOUNTS).map((kind) => resourceRow(agent, kind))}</dl>
    </li>`;
}

const ORDER = { unreachable: 0, active: 1, gone: 2 };
const compare = new Intl.Collator("en", { numeric: true }).compare;

function byNeed(a, b) {
    return (ORDER[a.state] ?? 1) - (ORDER[b.state] ?? 1) || compare(a.name, b.name);
}

// "4,990 active, 10 unreachable"
function statesText(agents) {
    const counts = new Map();
    for (const { state } of agents) counts.set(state, (counts.get(state) ?? 0) + 1);
    return [...counts].map(([state, n]) => `${count(n)} ${state}`).join(", ");
}

export class AgentGrid extends HTMLElement {
    #view = null;

    connectedCallback() {
        draw(this, html`${searchBox("Search agents", "Search name, host, state")}
            <div class="cards"></div>`);
        searchListen(this, () => this.#view && this.show(this.#view));
    }

    show(view) {
        this.#view = view;
        if (!view.cell) return;
        const agents = view.cell.agents ?? [];
        const words = searchWords(this);
        const found = agents.sort(byNeed).filter(({ name, host, state }) =>
            matches(`${name} ${host} ${state}`, words));
        const sinceReadS = Math.max(0, (view.nowMs - Date.parse(view.cell.now)) / 1000);
        searchSay(this, statesText(found), agents.length <= SHOWN_MOST);
        draw(this.querySelector(".cards"), agents.length === 0 ? EMPTY : html`
            <ul>${found.slice(0, SHOWN_MOST).map((agent) => agentCard(agent, sinceReadS))}</ul>
            ${found.length === 0 ? html`<p class="more">No agent matches.</p>` : null}
            ${moreLine(found.length - SHOWN_MOST, "howdah agents")}`);
    }
}
