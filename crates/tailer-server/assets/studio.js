// The Studio's script, with live.js and log.js. Everything works without it; this adds the theme, marks, and keys.
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
    // On a phone the sections are wider than the window: the one that is shown is in sight.
    const here = document.querySelector(".sections [aria-current]");
    if (here) here.parentElement.scrollLeft = here.offsetLeft - (here.parentElement.clientWidth - here.clientWidth) / 2;
    document.addEventListener("change", ({ target }) => {
      if (target.id !== "all") return;
      for (const box of document.querySelectorAll("input[name=run]")) box.checked = target.checked;
    });
    document.addEventListener("keydown", keys);
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
})();
