// SPDX-License-Identifier: PostgreSQL
// Offers that frameworks may claim on now.
import { draw, html } from "../../html.js";
import { AMOUNTS, duration } from "../../format.js";
import { moreLine } from "../more-line/more-line.js";

const SHOWN_MOST = 12;

const EMPTY = html`<div class="empty"><strong>No offer is outstanding.</strong>
    Offers appear when a framework wants resources and an agent has some free.</div>`;

function amounts(offer) {
    return Object.entries(AMOUNTS)
        .filter(([kind]) => Number(offer[kind]) > 0)
        .map(([kind, { print, label }]) => (kind === "cpus" || kind === "gpus"
            ? `${print(offer[kind])} ${label}` : `${print(offer[kind])} ${label.toLowerCase()}`))
        .join(", ");
}

function expiry(offer, nowMs) {
    if (!offer.expires_at) return "does not expire";
    return `expires in ${duration((Date.parse(offer.expires_at) - nowMs) / 1000)}`;
}

function offerRow(offer, nowMs) {
    return html`<li data-key="${offer.offer_id}">
        <p><span class="name">${offer.agent_name}</span> <span class="soft">to</span>
            <span class="name">${offer.framework_name}</span></p>
        <p class="facts soft"><span>${amounts(offer)}</span>
            <span>${expiry(offer, nowMs)}</span></p>
    </li>`;
}

export class OfferList extends HTMLElement {
    show({ cell, nowMs }) {
        if (!cell) return;
        const offers = cell.offers?.list ?? [];
        const total = Number(cell.offers?.outstanding ?? offers.length);
        const shown = offers.slice(0, SHOWN_MOST);
        const more = total - shown.length;
        draw(this, total === 0 ? EMPTY : html`
            <ul>${shown.map((offer) => offerRow(offer, nowMs))}</ul>
            ${moreLine(more, "howdah offers")}`);
    }
}
