// SPDX-License-Identifier: PostgreSQL
// Numbers, amounts, times and ids as people read them.

const plain = new Intl.NumberFormat("en", { maximumFractionDigits: 3, useGrouping: false });
const rounded = (n, digits) =>
    new Intl.NumberFormat("en", { maximumFractionDigits: digits }).format(n);
const grouped = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

export const count = (n) => grouped.format(Number(n) || 0);
export const cpus = (n) => plain.format(Number(n) || 0);

// 12 → "12", 3.25 → "3.3", 0.04 → "0.04"
export function rate(n) {
    const value = Number(n) || 0;
    return rounded(value, value >= 100 ? 0 : value >= 1 ? 1 : 2);
}

// MiB as stored → "512 MiB", "1.5 GiB"
export function mebibytes(n) {
    const value = Number(n) || 0;
    const [size, unit] = value >= 1024000 ? [value / 1048576, "TiB"]
        : value >= 1000 ? [value / 1024, "GiB"] : [value, "MiB"];
    return `${rounded(size, size < 10 ? 1 : 0)} ${unit}`;
}

export const AMOUNTS = {
    cpus: { label: "CPUs", print: cpus },
    mem: { label: "Memory", print: mebibytes },
    disk: { label: "Disk", print: mebibytes },
    gpus: { label: "GPUs", print: cpus },
};

export const percent = (part) => `${rate(Math.max(0, Number(part) || 0) * 100)} %`;

// Seconds → "3 s", "4 min", "2 h 5 min", "3 d 4 h"; never negative.
export function duration(seconds) {
    const s = Math.max(0, Math.floor(Number(seconds) || 0));
    if (s < 60) return `${s} s`;
    if (s < 3600) return `${Math.floor(s / 60)} min`;
    if (s < 86400) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
    return `${Math.floor(s / 86400)} d ${Math.floor((s % 86400) / 3600)} h`;
}

// now and then: milliseconds and an ISO text of the same (the database's) clock.
export const since = (now, then) => (then ? duration((now - Date.parse(then)) / 1000) : "");

export const shortId = (id) => String(id ?? "").slice(0, 8);
export const plural = (n, one, many = `${one}s`) => `${count(n)} ${Number(n) === 1 ? one : many}`;
