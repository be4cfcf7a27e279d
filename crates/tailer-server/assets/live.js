// News: what changes in #live is changed in place, so that what the reader has opened, marked, scrolled or focused stays as it is.
// Changes are gathered by the server; and a page that is dear to load, or not looked at, is loaded less often.
(() => {
  document.addEventListener("DOMContentLoaded", () => {
    opened();
    addEventListener("hashchange", opened);
    if (document.querySelector("#live, [data-live], #log")) follow();
  });

  // A link to something folded unfolds it.
  function opened() {
    const wanted = location.hash ? document.getElementById(decodeURIComponent(location.hash.slice(1))) : null;
    if (wanted?.matches("details")) wanted.open = true;
  }

  // The parts that follow. In those that say so by themselves, everything that is typed into has an id, and stays.
  const parts = () => [...document.querySelectorAll("#live, [data-live]")];

  // Whoever types is not disturbed.
  const busy = (live) => live.id === "live" && live.contains(document.activeElement) && document.activeElement.matches("input:not([type=checkbox]), select, textarea");

  function follow() {
    const events = new EventSource("/events");
    let loading = false, again = false;
    const load = async () => {
      const live = parts();
      if (loading || document.hidden || (live.length && live.every(busy))) { again = true; return; }
      loading = true; again = false;
      let waits = false;
      const began = performance.now();
      try {
        document.dispatchEvent(new Event("news"));
        if (live.length) waits = await refresh(live);
      } catch { again = true; }
      // At most a quarter of the time is spent on loading.
      // What waits for somebody to be done is looked at when they are.
      setTimeout(() => { loading = false; if (again) load(); else again = waits; }, Math.max(300, 3 * (performance.now() - began)));
    };
    events.addEventListener("changed", load);
    // What changed before the stream was there, or while it was broken off.
    events.addEventListener("open", load);
    const late = () => { if (again) setTimeout(load); };
    for (const kind of ["visibilitychange", "focusout", "change"]) document.addEventListener(kind, late);
  }

  // Answers whether some part has to wait.
  async function refresh(live) {
    const answer = await fetch(location.href, { headers: { accept: "text/html" } });
    if (!answer.ok || answer.redirected) return false;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    let waits = false;
    for (const part of live) {
      const fresh = page.getElementById(part.id);
      if (fresh && busy(part)) waits = true;
      else if (fresh) children(part, fresh);
    }
    return waits;
  }

  // Nodes with the same key are the same; without any, those of the same kind at the same place.
  const key = (node) => node.nodeType === 1 ? node.dataset?.key || node.id || null : null;
  const alike = (old, fresh) => old && old.nodeType === fresh.nodeType && old.nodeName === fresh.nodeName && key(old) === key(fresh);

  function children(old, fresh) {
    const known = new Map();
    for (const child of old.children) if (key(child)) known.set(key(child), child);
    let at = old.firstChild;
    for (const wanted of [...fresh.childNodes]) {
      const same = key(wanted) ? known.get(key(wanted)) : at;
      if (!alike(same, wanted)) { old.insertBefore(wanted, at); continue; }
      if (same === at) at = at.nextSibling; else old.insertBefore(same, at);
      change(same, wanted);
    }
    while (at) { const next = at.nextSibling; at.remove(); at = next; }
  }

  function change(old, fresh) {
    if (old.isEqualNode(fresh)) return;
    if (old.nodeType !== 1) { old.nodeValue = fresh.nodeValue; return; }
    const kept = old.nodeName === "DETAILS" ? "open" : null;
    // What has become important unfolds by itself, once.
    if (kept && fresh.dataset.opens && fresh.dataset.opens !== old.dataset.opens) old.open = true;
    for (const { name } of [...old.attributes]) if (name !== kept && !fresh.hasAttribute(name)) old.removeAttribute(name);
    for (const { name, value } of fresh.attributes) if (name !== kept && old.getAttribute(name) !== value) old.setAttribute(name, value);
    children(old, fresh);
  }
})();
