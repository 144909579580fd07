// SPDX-License-Identifier: PostgreSQL
// Markup from templates, safe by default, and kept in place when it is drawn again.
//
// html`…` escapes every value that is not itself the result of html`…` (arrays are joined; null,
// undefined and false print nothing). draw(element, markup) changes the element's children into
// the markup's with few changes, so that focus, scroll position, open <details> and CSS transitions
// survive a redraw each second. Elements with a data-key are matched by it.

class Markup {
    constructor(text) {
        this.text = text;
    }
}

const ESCAPES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

function print(value) {
    if (value instanceof Markup) return value.text;
    if (Array.isArray(value)) return value.map(print).join("");
    if (value === null || value === undefined || value === false) return "";
    return String(value).replace(/[&<>"']/g, (character) => ESCAPES[character]);
}

export function html(strings, ...values) {
    return new Markup(strings.reduce((text, part, i) => text + print(values[i - 1]) + part));
}

function alike(node, wanted) {
    return node.nodeType === wanted.nodeType && node.nodeName === wanted.nodeName;
}

function keyOf(node) {
    return node.nodeType === Node.ELEMENT_NODE ? node.getAttribute("data-key") : null;
}

function morphAttributes(node, wanted) {
    for (const { name } of [...node.attributes])
        if (name !== "open" && !wanted.hasAttribute(name)) node.removeAttribute(name);
    for (const { name, value } of wanted.attributes)
        if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}

function morph(node, wanted) {
    if (node.nodeType !== Node.ELEMENT_NODE) {
        if (node.nodeValue !== wanted.nodeValue) node.nodeValue = wanted.nodeValue;
        return;
    }
    morphAttributes(node, wanted);
    morphChildren(node, wanted);
}

function morphChildren(parent, wantedParent) {
    const keyed = new Map();
    for (const child of parent.children) if (keyOf(child)) keyed.set(keyOf(child), child);
    let cursor = parent.firstChild;
    for (const wanted of [...wantedParent.childNodes]) {
        const key = keyOf(wanted);
        const match = key ? keyed.get(key)
            : cursor && !keyOf(cursor) && alike(cursor, wanted) ? cursor : null;
        if (!match) {
            parent.insertBefore(wanted, cursor);
            continue;
        }
        keyed.delete(key);
        if (match === cursor) cursor = cursor.nextSibling;
        else parent.insertBefore(match, cursor);
        morph(match, wanted);
    }
    while (cursor) {
        const next = cursor.nextSibling;
        cursor.remove();
        cursor = next;
    }
}

export function draw(element, markup) {
    const template = document.createElement("template");
    template.innerHTML = print(markup);
    morphChildren(element, template.content);
}
