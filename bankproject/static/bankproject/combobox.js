/* Suggestions below a field, by the combobox pattern of WAI-ARIA's Authoring Practices (list
   autocomplete, focus stays in the field). The server renders the list of `data-url`; each option
   has a link to follow or a `data-value` for the field. Without this script the form works alone. */
"use strict";

class Combobox {
    constructor(root) {
        this.input = root.querySelector("[role=combobox]");
        this.popup = root.querySelector("[data-popup]");
        this.status = root.querySelector("[role=status]");
        this.url = root.dataset.url;
        this.picksFirst = "picksFirst" in root.dataset;
        this.shortest = Number(root.dataset.shortest || 1);
        this.input.addEventListener("input", () => this.ask());
        this.input.addEventListener("keydown", (event) => this.press(event));
        this.input.addEventListener("focus", () => this.input.value && this.options().length && this.open());
        this.popup.addEventListener("mousedown", (event) => event.preventDefault());
        this.popup.addEventListener("click", (event) => {
            const option = event.target.closest("[role=option]");
            if (option && option.dataset.value !== undefined) this.choose(option);
        });
        root.addEventListener("focusout", (event) => root.contains(event.relatedTarget) || this.leave());
    }

    options() {
        return [...this.popup.querySelectorAll("[role=option]")];
    }

    /* A list that came after the focus has gone would cover the fields below. */
    leave() {
        this.forget();
        this.close();
    }

    forget() {
        clearTimeout(this.timer);
        this.asked?.abort();
    }

    ask() {
        this.forget();
        const text = this.input.value.trim();
        if (text.length < this.shortest) {
            this.popup.replaceChildren();
            this.close();
            this.status.textContent = "";
            return;
        }
        this.activate(null);
        this.timer = setTimeout(() => this.load(text), 150);
    }

    async load(text) {
        this.asked = new AbortController();
        try {
            const answer = await fetch(this.url + encodeURIComponent(text), { signal: this.asked.signal });
            if (!answer.ok || answer.redirected) return this.close();
            this.popup.innerHTML = await answer.text();
        } catch {
            return; // Typed on, or no connection: the form still works.
        }
        this.status.textContent = this.popup.querySelector("[data-status]")?.dataset.status || "";
        this.open();
        const [first] = this.options();
        if (this.picksFirst && first) this.activate(first);
    }

    open() {
        this.popup.hidden = this.popup.childElementCount === 0;
        this.input.setAttribute("aria-expanded", String(this.options().length > 0));
    }

    close() {
        this.popup.hidden = true;
        this.input.setAttribute("aria-expanded", "false");
        this.activate(null);
    }

    activate(option) {
        this.active?.setAttribute("aria-selected", "false");
        this.active = option;
        if (option) {
            option.setAttribute("aria-selected", "true");
            option.scrollIntoView({ block: "nearest" });
            this.input.setAttribute("aria-activedescendant", option.id);
        } else this.input.removeAttribute("aria-activedescendant");
    }

    move(step) {
        const options = this.options();
        if (!options.length) return;
        if (this.popup.hidden) this.open();
        const at = options.indexOf(this.active);
        const from = at < 0 && step < 0 ? 0 : at;
        this.activate(options[(from + step + options.length) % options.length]);
    }

    choose(option) {
        if (option.getAttribute("aria-disabled") === "true") return undefined;
        if (option.dataset.value === undefined) return option.click();
        this.input.value = option.dataset.value;
        this.status.textContent = `${option.dataset.said} chosen`;
        this.input.dispatchEvent(new Event("change", { bubbles: true }));
        return this.close();
    }

    press(event) {
        if (event.key === "ArrowDown") this.move(1);
        else if (event.key === "ArrowUp") this.move(-1);
        else if (event.key === "Escape" && !this.popup.hidden) this.close();
        else if (event.key === "Enter" && this.active && !this.popup.hidden) this.choose(this.active);
        else return;
        event.preventDefault();
    }
}

document.addEventListener("DOMContentLoaded", () => {
    document.querySelectorAll("[data-combobox]").forEach((root) => new Combobox(root));
});

document.addEventListener("keydown", (event) => {
    const field = document.getElementById("bank-search");
    if (!field || event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    field.focus();
    field.select();
});
