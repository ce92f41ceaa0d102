// The number of approvals that wait, in the title of the tab and in the menu. A hidden tab asks
// nothing, and these requests do not count as a use of the session.
const EVERY_MILLISECONDS = 30000;

function watchApprovals() {
  const link = document.querySelector("#nav-sidebar-apps a[href$='/approvals/']");
  if (!link) return;
  const title = document.title.trim();
  const badge = link.querySelector("[data-count]");
  const show = (waiting) => {
    document.title = waiting ? `(${waiting}) ${title}` : title;
    badge.textContent = waiting;
    badge.hidden = !waiting;
  };
  let next = 0;
  const refresh = async () => {
    clearTimeout(next);
    if (document.hidden) return;
    try {
      // A redirect leads to the log-in: the session has ended, and nothing is left to watch.
      const answer = await fetch(`${link.getAttribute("href")}waiting/`, {
        headers: { "X-Refresh": "1" },
        redirect: "manual",
      });
      if (!answer.ok) return;
      show((await answer.json()).waiting);
    } catch {
      // The server does not answer; perhaps it does the next time.
    }
    next = setTimeout(refresh, EVERY_MILLISECONDS);
  };
  show(badge.textContent.trim());
  next = setTimeout(refresh, EVERY_MILLISECONDS);
  document.addEventListener("visibilitychange", refresh);
}

document.addEventListener("DOMContentLoaded", watchApprovals);
