// SPDX-License-Identifier: PostgreSQL
// The last minute of one figure as a line with its area.
import { html } from "../../html.js";
import { rate } from "../../format.js";

export const SPARK_SAMPLES = 60;
const HEIGHT = 32;

// samples: the latest last; what: "claims per second".
export function sparkLine(samples, what, kind = "") {
    const most = Math.max(...samples, 0);
    const peak = Math.max(most, 1);
    const right = SPARK_SAMPLES - 1;
    const left = SPARK_SAMPLES - samples.length;
    const points = samples.map((value, i) =>
        `${left + i},${(HEIGHT - 1 - (value / peak) * (HEIGHT - 3)).toFixed(1)}`).join(" ");
    const label = `${what}, last minute: now ${rate(samples.at(-1))}, peak ${rate(most)}`;
    return html`<svg class="spark ${kind}" viewBox="0 0 ${right} ${HEIGHT}"
            preserveAspectRatio="none" role="img" aria-label="${label}">
        <line class="ground" x1="0" y1="${HEIGHT - 0.5}" x2="${right}" y2="${HEIGHT - 0.5}"></line>
        <polygon points="${left},${HEIGHT} ${points} ${right},${HEIGHT}"></polygon>
        <polyline points="${points}"></polyline>
    </svg>`;
}
