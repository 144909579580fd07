// SPDX-License-Identifier: PostgreSQL
// A search box with a line beside it that says what is found. It is drawn once; the text in it stays
// while the list below is drawn again and again.
import { draw, html } from "../../html.js";

export function searchBox(label, placeholder) {
    return html`<p class="tools" hidden>
        <label><span class="visually-hidden">${label}</span>
            <input type="search" placeholder="${placeholder}" autocomplete="off" spellcheck="false">
        </label>
        <span class="soft" role="status"></span>
    </p>`;
}

// Calls changed() as the text in the box inside element changes.
export function searchListen(element, changed) {
    element.querySelector("input").addEventListener("input", changed);
}

// The words in the box; a text matches when it holds every one of them.
export function searchWords(element) {
    return element.querySelector("input").value.toLowerCase().split(/\s+/).filter(Boolean);
}

export const matches = (text, words) => words.every((word) => text.toLowerCase().includes(word));

export function searchSay(element, text, hidden) {
    element.querySelector(".tools").hidden = hidden;
    draw(element.querySelector("[role=status]"), html`${text}`);
}
