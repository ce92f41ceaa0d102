// The key "?" opens what the help says of the page, unless one is typing.
addEventListener("keydown", event => {
    if (event.key !== "?" || event.target.closest("input, textarea, select")) {
        return;
    }
    document.getElementById("help-link")?.click();
});
