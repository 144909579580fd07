// SPDX-License-Identifier: PostgreSQL
// What a shortened list does not show, and the command that does.
import { html } from "../../html.js";
import { count } from "../../format.js";

export function moreLine(more, command) {
    if (!(more > 0)) return null;
    return html`<p class="more">and ${count(more)} more, see <code>${command}</code></p>`;
}
