/* Back and reload keep what was written into a form: it stays with its place in the history. What
   was sent after the end of a session returns after the next login, in this tab, if the form has
   `data-returns`: not the details of a customer. Each is for the same user only. */
"use strict";

document.addEventListener("DOMContentLoaded", () => {
    const SENT = "bank-form";
    const form = document.querySelector("form[data-keep]");
    const sent = JSON.parse(sessionStorage.getItem(SENT) || "null");
    const hasEnded = location.pathname.endsWith("/login/") && new URLSearchParams(location.search).has("ended");
    /* Any other page than the login of an ended session says that the form has arrived. */
    if (sent && hasEnded) sessionStorage.setItem(SENT, JSON.stringify({ ...sent, returns: true }));
    else sessionStorage.removeItem(SENT);
    if (!form) return;
    const user = form.dataset.keep;
    const path = new URL(form.getAttribute("action") || location, location).pathname;
    /* Not what the page itself says: its token, the outcome that it shows, and what it is for. */
    const ours = (name) => !["csrfmiddlewaretoken", "foreseen", "again"].includes(name);
    const values = () => Object.fromEntries([...new FormData(form)].filter(([name]) => ours(name)));
    const written = () => ({ user, kept: values() });
    const keep = () => history.replaceState({ ...history.state, form: written() }, "");
    const here = history.state?.form;
    const returns = sent?.returns && sent.path === path && sent.user === user;
    const kept = here?.user === user ? here.kept : returns ? sent.kept : {};
    for (const [name, value] of Object.entries(kept)) {
        /* A selection on the page is newer than what was kept of it. */
        if (name === "rows" && form.elements.rows?.value) continue;
        if (form.elements[name]) form.elements[name].value = value;
    }
    if (here || returns) keep();
    const details = form.closest("details");
    if (details && Object.keys(kept).length) details.open = true;
    form.addEventListener("input", keep);
    form.addEventListener("change", keep);
    form.addEventListener("submit", () => {
        keep();
        if ("returns" in form.dataset) sessionStorage.setItem(SENT, JSON.stringify({ ...written(), path }));
    });
});
