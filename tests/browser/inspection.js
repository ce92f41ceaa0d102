/* What the inspection does in a page, beside axe-core. Returned as an object. */
"use strict";
(() => {
    const MOST_ALIKE = 2;

    /* The row without what differs from row to row: its texts, and the values of attributes. */
    const shapeOf = (row) => row.outerHTML
        .replace(/>\s*[^<\s][^<]*</g, ">x<").replace(/>\s+</g, "><")
        .replace(/ (href|value|id|for|name|title|datetime|aria-[a-z]+|data-[a-z-]+)="[^"]*"/g, " $1");

    const groundOf = (element) => {
        for (let each = element; each; each = each.parentElement) {
            const { backgroundColor, backgroundImage } = getComputedStyle(each);
            if (backgroundImage !== "none") return backgroundImage;
            if (backgroundColor !== "rgba(0, 0, 0, 0)") return backgroundColor;
        }
        return "";
    };

    const hasText = (element) => element.matches("input, select, textarea")
        || [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());

    return {
        /* Hides further rows of a shape that the table has shown already, so that axe-core need not
           look at fifty alike. `showRows` shows them again. */
        hideRows() {
            const seen = {};
            for (const row of document.querySelectorAll("tbody tr")) {
                const shape = shapeOf(row);
                seen[shape] = (seen[shape] || 0) + 1;
                if (seen[shape] > MOST_ALIKE) row.style.setProperty("display", "none", "important");
            }
        },
        showRows() {
            for (const row of document.querySelectorAll("tbody tr")) row.style.removeProperty("display");
        },
        /* How each visible text looks: what its contrast depends on. */
        looks() {
            const found = new Map();
            for (const element of document.body.querySelectorAll("*")) {
                if (!hasText(element) || !element.checkVisibility({ visibilityProperty: true })) continue;
                const { color, fontSize, fontWeight, opacity } = getComputedStyle(element);
                found.set(element, [color, fontSize, fontWeight, opacity, groundOf(element)].join());
            }
            return found;
        },
        /* The texts that look otherwise than before, or were not seen. */
        unseen(before) {
            const now = [...this.looks()];
            return now.filter(([element, look]) => before.get(element) !== look).map(([element]) => element);
        },
        darken() {
            document.documentElement.classList.add("dark");
            /* Colours in a transition from light to dark would be judged half-way. */
            document.getAnimations().forEach((animation) => animation.finish());
        },
        lighten() {
            document.documentElement.classList.remove("dark");
            document.getAnimations().forEach((animation) => animation.finish());
        },
        /* Of the whole page, or of these elements alone. */
        async findings(options, elements) {
            if (elements?.length === 0) return [];
            const { violations } = await axe.run(elements ? { include: elements } : document, options);
            return violations.flatMap(({ id, impact, nodes }) => nodes.map(
                (node) => `${id} (${impact}): ${JSON.stringify(node.target)} ${node.failureSummary}`));
        },
    };
})()
