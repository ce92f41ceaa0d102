/* Back and reload keep what was written into a form: it stays with its place in the history. */
"use strict";

document.addEventListener("DOMContentLoaded", () => {
    const form = document.querySelector("form[data-keep]");
    if (!form) return;
    const ours = (name) => name !== "csrfmiddlewaretoken";
    for (const [name, value] of Object.entries(history.state?.kept || {})) {
        if (form.elements[name]) form.elements[name].value = value;
    }
    const keep = () => {
        const kept = Object.fromEntries([...new FormData(form)].filter(([name]) => ours(name)));
        history.replaceState({ ...history.state, kept }, "");
    };
    form.addEventListener("input", keep);
    form.addEventListener("change", keep);
    form.addEventListener("submit", keep);
});
