/* Back and reload keep what was written into a form: it stays with its place in the history. What
   was sent after the end of a session returns after the next login of the same user, in this tab. */
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
    const ours = (name) => name !== "csrfmiddlewaretoken";
    const values = () => Object.fromEntries([...new FormData(form)].filter(([name]) => ours(name)));
    const keep = () => history.replaceState({ ...history.state, kept: values() }, "");
    const place = { path: location.pathname, user: form.dataset.keep };
    const returns = sent?.returns && sent.path === place.path && sent.user === place.user;
    const kept = history.state?.kept || (returns ? sent.kept : {});
    for (const [name, value] of Object.entries(kept)) {
        if (form.elements[name]) form.elements[name].value = value;
    }
    if (returns) keep();
    form.addEventListener("input", keep);
    form.addEventListener("change", keep);
    form.addEventListener("submit", () => {
        keep();
        sessionStorage.setItem(SENT, JSON.stringify({ ...place, kept: values() }));
    });
});
