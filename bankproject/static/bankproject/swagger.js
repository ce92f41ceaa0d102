// Swagger UI is dark if the system is, and follows it.
const system = matchMedia("(prefers-color-scheme: dark)");
const follow = () => document.documentElement.classList.toggle("dark-mode", system.matches);
system.addEventListener("change", follow);
follow();
