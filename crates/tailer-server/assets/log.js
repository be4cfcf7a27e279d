// A log that follows: only lines that are new are asked for, and the reader who has scrolled up stays where they are.
(() => {
  const MOST = 5000; // lines on the page; older ones are a link away
  document.addEventListener("DOMContentLoaded", () => {
    const log = document.getElementById("log");
    if (!log?.dataset.more) return;
    const follow = document.getElementById("follow");
    follow.hidden = false;
    const box = follow.querySelector("input");
    const toEnd = () => { log.scrollTop = log.scrollHeight; };
    if (box.checked) toEnd();
    let asking = false, again = false;
    const more = async () => {
      if (!box.checked) return;
      if (asking) { again = true; return; }
      asking = true; again = false;
      try {
        const address = new URL(log.dataset.more, location.href);
        address.searchParams.set("after", log.dataset.after);
        const answer = await fetch(address);
        if (answer.ok && !answer.redirected) again = add(await answer.text(), answer.headers.get("tailerd-log-cursor")) || again;
      } catch { /* the next news asks again */ }
      asking = false;
      if (again) setTimeout(more);
    };
    const add = (text, cursor) => {
      const lines = [...new DOMParser().parseFromString(text, "text/html").querySelectorAll(".line")];
      if (!lines.length) return false;
      document.getElementById("log-empty")?.remove();
      log.hidden = false;
      const atEnd = log.scrollTop + log.clientHeight >= log.scrollHeight - 24;
      log.append(...lines);
      log.dataset.after = cursor;
      if (atEnd) {
        while (log.childElementCount > MOST) log.firstElementChild.remove();
        toEnd();
      }
      return true;
    };
    document.addEventListener("news", more);
    box.addEventListener("change", () => { if (box.checked) { toEnd(); more(); } });
  });
})();
