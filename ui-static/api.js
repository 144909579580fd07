// SPDX-License-Identifier: PostgreSQL
// The only file that knows URLs. follow() reads the cell once a second and reports two things: the
// cell itself whenever it was read, and how good the connection is. A document that did not change
// costs a 304. After a failure it waits longer each time, with jitter; a hidden page waits until it
// is shown.

const CELL = "/api/v1/cell";
const PAUSE_MS = 1000;
const PAUSE_MOST_MS = 10000;
const DEADLINE_MS = 4000;

// {cell, ageMs, stale, coordinator, leading}; cell null = as before. Rejects with a text to show.
async function readCell(tag) {
    const response = await fetch(CELL, {
        cache: "no-store",
        headers: tag ? { "If-None-Match": tag } : {},
        signal: AbortSignal.timeout(DEADLINE_MS),
    });
    const changed = response.status !== 304;
    const body = changed ? await response.json() : null;
    if (changed && !response.ok) throw new Error(body?.error?.message ?? `HTTP ${response.status}`);
    return {
        cell: body,
        tag: response.headers.get("ETag"),
        ageMs: Number(response.headers.get("Howdah-Age-Ms")) || 0,
        stale: response.headers.get("Howdah-Stale") === "true",
        coordinator: response.headers.get("Howdah-Coordinator") ?? "",
        leading: response.headers.get("Howdah-Leading") === "true",
    };
}

function failureText(error) {
    if (error.name === "TimeoutError") return "the coordinator does not answer";
    if (error instanceof TypeError) return "the coordinator cannot be reached";
    return error.message;
}

function shown() {
    if (!document.hidden) return Promise.resolve();
    return new Promise((resume) =>
        document.addEventListener("visibilitychange", resume, { once: true }));
}

const pause = (ms) => new Promise((resume) => setTimeout(resume, ms));

// onRead({cell, ageMs, stale, coordinator, leading}) after each answer, cell always filled;
// onFailure({text, retryMs}) after each failure.
export async function follow(onRead, onFailure) {
    let known = { cell: null, tag: null };
    for (let failures = 0; ; await shown()) {
        try {
            const read = await readCell(known.tag);
            known = { ...read, cell: read.cell ?? known.cell };
            failures = 0;
            onRead(known);
            await pause(PAUSE_MS);
        } catch (error) {
            const most = Math.min(PAUSE_MS * 2 ** failures++, PAUSE_MOST_MS);
            const retryMs = Math.round(most * (0.75 + Math.random() / 2));
            onFailure({ text: failureText(error), retryMs });
            await pause(retryMs);
        }
    }
}
