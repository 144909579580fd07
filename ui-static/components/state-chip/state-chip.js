// SPDX-License-Identifier: PostgreSQL
// A state as a chip: always its name, and a colour that says what kind of state it is.
import { html } from "../../html.js";

const KINDS = {
    good: ["active", "finished", "accepted"],
    busy: ["running"],
    wait: ["staging", "starting", "killing", "disconnected", "unreachable"],
    bad: ["failed", "error", "lost", "gone", "gone_by_operator", "dropped"],
};

function kindOf(state) {
    return Object.keys(KINDS).find((kind) => KINDS[kind].includes(state)) ?? "calm";
}

export function stateChip(state) {
    return html`<span class="chip ${kindOf(state)}">${String(state).replaceAll("_", " ")}</span>`;
}
