// SPDX-License-Identifier: PostgreSQL
// How much of something is used, as a bar. Drawn in SVG: widths are attributes there, which a
// strict content security policy allows, unlike style attributes.
import { html } from "../../html.js";

// part: 0…1 and more; label: what a screen reader says, with figures.
export function usageBar(part, label, kind = "") {
    const width = Math.min(100, Math.max(0, (Number(part) || 0) * 100)).toFixed(1);
    return html`<svg class="usage ${kind}" role="img" aria-label="${label}">
        <rect class="track" width="100%" height="100%" rx="3"></rect>
        <rect class="used" width="${width}%" height="100%" rx="3"></rect>
    </svg>`;
}
