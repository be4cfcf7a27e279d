// The Studio's only script. Everything works without it; it adds news without reloading, the theme, and keys.
(() => {
  const root = document.documentElement;
  const theme = localStorage.getItem("theme");
  if (theme) root.dataset.theme = theme;
  document.addEventListener("DOMContentLoaded", () => {
    const toggle = document.getElementById("theme");
    toggle?.removeAttribute("hidden");
    toggle?.addEventListener("click", () => {
      const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
      root.dataset.theme = dark ? "light" : "dark";
      localStorage.setItem("theme", root.dataset.theme);
    });
    const all = document.getElementById("all");
    all?.addEventListener("change", () => {
      for (const box of document.querySelectorAll("input[name=run]")) box.checked = all.checked;
    });
    document.addEventListener("keydown", keys);
    follow();
  });

  function keys(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, select, textarea")) return;
    if (event.key === "/") {
      const search = document.querySelector("input[type=search]");
      if (search) { event.preventDefault(); search.focus(); }
    } else if (event.key === "j" || event.key === "k") {
      const links = [...document.querySelectorAll("tbody a.row")];
      const at = links.indexOf(document.activeElement);
      links[Math.max(0, Math.min(links.length - 1, at + (event.key === "j" ? 1 : -1)))]?.focus();
    }
  }

  // Whoever marks boxes or types is not disturbed.
  function busy(live) {
    return live.contains(document.activeElement) && document.activeElement.matches("input, select, textarea")
      || live.querySelector("input[name=run]:checked");
  }

  function follow() {
    if (!document.getElementById("live")) return;
    const events = new EventSource("/events");
    let loading = false, again = false;
    const load = async () => {
      if (loading || document.hidden) { again = true; return; }
      const live = document.getElementById("live");
      if (busy(live)) { again = true; return; }
      loading = true; again = false;
      try {
        const answer = await fetch(location.href, { headers: { accept: "text/html" } });
        if (answer.ok && !answer.redirected) {
          const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("live");
          if (fresh && fresh.innerHTML !== live.innerHTML) swap(live, fresh);
        }
      } catch { again = true; }
      loading = false;
      if (again) setTimeout(load, 1000);
    };
    events.addEventListener("changed", load);
    // What changed before the stream was there, or while it was broken off.
    events.addEventListener("open", load);
    const late = () => { if (again && !document.hidden) setTimeout(load); };
    for (const kind of ["visibilitychange", "focusout", "change"]) document.addEventListener(kind, late);
  }

  function swap(live, fresh) {
    const focused = live.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    const open = [...live.querySelectorAll("details")].map((one) => one.open);
    const log = live.querySelector("#log");
    const atEnd = !log || log.scrollTop + log.clientHeight >= log.scrollHeight - 20;
    const top = log?.scrollTop ?? 0;
    live.replaceChildren(...fresh.childNodes);
    live.querySelectorAll("details").forEach((one, index) => { if (open[index] !== undefined) one.open = open[index]; });
    const next = live.querySelector("#log");
    if (next) next.scrollTop = atEnd ? next.scrollHeight : top;
    if (focused) live.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus();
  }
})();
