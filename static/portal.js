/* The portal's one script. Every page works without it; it makes pages live and quick to use.
   Nothing here evaluates text, and no markup holds code: elements ask for what they need by data attributes. */
(() => {
  "use strict";
  const root = document.documentElement;
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const on = (type, handler, options) => document.addEventListener(type, handler, options);
  root.classList.add("js");

  /* ── times: the server writes UTC; people read their own. The title keeps UTC. ── */
  const format = (options) => new Intl.DateTimeFormat("en-GB", options);
  const DAY = { day: "numeric", month: "short", year: "numeric" };
  const FORMS = {
    clock: format({ hour: "2-digit", minute: "2-digit", second: "2-digit" }),
    day: format(DAY),
    when: format({ ...DAY, hour: "2-digit", minute: "2-digit" }),
  };

  function duration(seconds) {
    const whole = Math.max(Math.floor(seconds), 0);
    const two = (big, bigName, small, smallName) => {
      const rest = Math.floor((whole % big) / small);
      return Math.floor(whole / big) + bigName + (rest ? ` ${rest}${smallName}` : "");
    };
    if (whole < 60) return `${whole}s`;
    if (whole < 3600) return two(60, "m", 1, "s");
    return whole < 86400 ? two(3600, "h", 60, "m") : two(86400, "d", 3600, "h");
  }

  function ago(at) {
    const gap = (Date.now() - at) / 1000;
    if (Math.abs(gap) >= 30 * 86400) return FORMS.day.format(at);
    if (Math.abs(gap) < 1) return "just now";
    return gap > 0 ? `${duration(gap)} ago` : `in ${duration(-gap)}`;
  }

  const write = (element, text) => { if (element.textContent !== text) element.textContent = text; };

  function localise(within) {
    for (const time of all("time[data-time]", within)) {
      const form = FORMS[time.dataset.time];
      if (form) write(time, form.format(new Date(time.dateTime)));
    }
  }

  function tick() {
    if (document.hidden) return;
    for (const time of all('time[data-time="ago"]')) write(time, ago(new Date(time.dateTime)));
    for (const part of all("[data-since]")) write(part, duration((Date.now() - new Date(part.dataset.since)) / 1000));
  }

  /* ── copy, print, dismiss ── */
  async function copy(button) {
    const source = button.dataset.copy ? document.querySelector(button.dataset.copy) : button.parentElement.querySelector("pre");
    const label = button.querySelector("span") || button;
    const before = label.textContent;
    label.textContent = (await put(source)) ? "Copied" : "Press Ctrl+C";
    setTimeout(() => { label.textContent = before; }, 2000);
  }

  async function put(source) {
    const text = "value" in source ? source.value : source.textContent;
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      getSelection().selectAllChildren(source); // no clipboard outside of HTTPS: select it, the person copies
      return false;
    }
  }

  const CLICKS = {
    "[data-copy]": copy,
    "[data-print]": () => print(),
    "[data-dismiss]": (button) => button.closest(".toast, .banner").remove(),
  };

  on("click", (event) => {
    for (const [selector, act] of Object.entries(CLICKS)) {
      const found = event.target.closest(selector);
      if (found) act(found);
    }
  });

  // A step's link with Ctrl, Shift or Alt opens where the person wants it, not in a fragment.
  on("click", (event) => {
    if ((event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) && event.target.closest("a[hx-get]")) {
      event.stopPropagation();
    }
  }, true);

  function fade(within) {
    for (const toast of all(".toast[data-fades]", within)) {
      const go = () => (toast.matches(":hover, :focus-within") ? setTimeout(go, 2000) : toast.remove());
      setTimeout(go, 8000);
    }
  }

  /* ── dialogs, where the browser does not know `command` yet ── */
  if (!("commandForElement" in HTMLButtonElement.prototype)) {
    on("click", (event) => {
      const button = event.target.closest("button[commandfor]");
      const dialog = button && document.getElementById(button.getAttribute("commandfor"));
      if (!dialog) return;
      if (button.getAttribute("command") === "show-modal") dialog.showModal();
      else dialog.close();
    });
  }

  /* ── the log: follow, search, remember how one likes it ── */
  const atEnd = (view) => view.scrollHeight - view.scrollTop - view.clientHeight < 24;

  function follow(log) {
    const box = log.querySelector(".t-follow");
    const view = log.querySelector(".log-view");
    if (box && box.checked && view) view.scrollTop = view.scrollHeight;
  }

  function setUpLog(log) {
    const view = log.querySelector(".log-view");
    if (log.dataset.ready || !view) return;
    log.dataset.ready = "true";
    const box = log.querySelector(".t-follow");
    let seen = view.scrollTop;
    view.addEventListener("scroll", () => {
      if (view.scrollTop < seen - 4 && !atEnd(view)) box.checked = false; // somebody reads further up
      else if (atEnd(view) && log.dataset.follows === "true") box.checked = true;
      seen = view.scrollTop;
    });
    for (const name of ["t-time", "t-wrap"]) {
      const toggle = log.querySelector(`.${name}`);
      const kept = recall(name);
      if (toggle && kept) toggle.checked = kept === "on";
    }
    follow(log);
    search(log);
  }

  function search(log) {
    const field = log.querySelector("[data-log-search]");
    const lines = all(".log-lines > li", log);
    const wanted = field ? field.value.trim().toLowerCase() : "";
    const ranges = [];
    let found = 0;
    for (const line of lines) {
      const hit = !wanted || line.textContent.toLowerCase().includes(wanted);
      line.hidden = !hit;
      if (hit) found += 1;
      if (hit && wanted) ranges.push(...matches(line, wanted));
    }
    if (window.Highlight) CSS.highlights.set("log-search", new Highlight(...ranges));
    const says = log.querySelector("[data-log-found]");
    if (says) write(says, wanted ? `${found} of ${lines.length} lines` : "");
  }

  function matches(line, wanted) {
    const ranges = [];
    const walker = document.createTreeWalker(line, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const text = walker.currentNode.data.toLowerCase();
      for (let at = text.indexOf(wanted); at !== -1; at = text.indexOf(wanted, at + wanted.length)) {
        const range = new Range();
        range.setStart(walker.currentNode, at);
        range.setEnd(walker.currentNode, at + wanted.length);
        ranges.push(range);
      }
    }
    return ranges;
  }

  /** A line that came twice (two answers crossed) stays once. */
  function onlyOnce(lines) {
    const seen = new Set();
    for (const line of all(":scope > li[data-n]", lines)) {
      if (seen.has(line.dataset.n)) line.remove();
      seen.add(line.dataset.n);
    }
  }

  const recall = (name) => { try { return localStorage.getItem(name); } catch { return null; } };
  const remember = (name, value) => { try { localStorage.setItem(name, value); } catch { /* private window */ } };

  on("input", (event) => {
    if (event.target.matches("[data-log-search]")) search(event.target.closest(".log"));
    if (event.target.matches("textarea[data-count]")) count(event.target);
  });
  on("submit", (event) => {
    if (event.target.querySelector("[data-log-search]")) event.preventDefault();
  });
  on("change", (event) => {
    const box = event.target;
    for (const name of ["t-time", "t-wrap"]) if (box.matches(`.${name}`)) remember(name, box.checked ? "on" : "off");
    if (box.matches(".t-follow")) follow(box.closest(".log"));
    if (box.matches("[data-shortcuts-switch]")) remember("shortcuts", box.checked ? "on" : "off");
  });

  function count(area) {
    const says = document.getElementById(area.dataset.count);
    if (says) write(says, `${area.value.length} of ${area.maxLength} characters.`);
  }

  /* ── htmx: polls that rest, an expired session, a portal that is away ── */
  const isPoll = (event) => event.detail.elt && event.detail.elt.matches("[data-poll]");

  on("htmx:beforeRequest", (event) => {
    if (document.hidden && isPoll(event)) event.preventDefault();
  });

  on("htmx:configRequest", (event) => {
    if (!event.detail.elt.matches("[data-after]")) return;
    const last = document.querySelector(`${event.detail.elt.getAttribute("hx-target")} > li[data-n]:last-of-type`);
    event.detail.parameters.after = last ? last.dataset.n : "0";
  });

  on("htmx:beforeSwap", (event) => {
    const url = new URL(event.detail.xhr.responseURL || location.href, location.href);
    if (!url.pathname.startsWith("/accounts/login/")) return;
    event.detail.shouldSwap = false; // the session has ended: the page goes to sign-in, not the fragment
    location.assign(`/accounts/login/?next=${encodeURIComponent(location.pathname + location.search)}`);
  });

  let lostSince = null;
  function lost(event) {
    if (!isPoll(event)) return toast("That did not reach the portal. Nothing was changed; please try again.");
    const banner = document.getElementById("connection-lost");
    if (!banner) return;
    lostSince ??= new Date();
    write(banner.querySelector("[data-lost-since]"), `at ${FORMS.clock.format(lostSince)}`);
    banner.hidden = false;
  }

  function toast(text) {
    const region = document.getElementById("toasts");
    if (!region) return;
    const box = document.createElement("div");
    box.className = "toast tone-bad";
    const words = document.createElement("span");
    words.textContent = text;
    const button = document.createElement("button");
    Object.assign(button, { className: "btn ghost sm", type: "button", textContent: "Dismiss" });
    button.dataset.dismiss = "";
    box.append(words, button);
    region.append(box);
  }

  on("htmx:sendError", lost);
  on("htmx:timeout", lost);
  on("htmx:responseError", (event) => {
    if (event.detail.xhr.status >= 502 && isPoll(event)) lost(event);
    else if (!isPoll(event)) toast(`The portal refused that (${event.detail.xhr.status}). Load the page again to see why.`);
  });
  on("htmx:afterRequest", (event) => {
    if (!event.detail.successful || lostSince === null) return;
    lostSince = null;
    document.getElementById("connection-lost").hidden = true;
  });

  /* What a person folded stays as they left it when the answer is drawn anew. */
  const folds = new Map();
  const keep = (fold) => folds.set(fold.dataset.key, fold.open);
  on("toggle", (event) => {
    if (event.target.matches("details[data-key]")) keep(event.target);
  }, true);
  // The event comes a moment after the click: an answer that is quicker must not undo what was clicked.
  for (const name of ["htmx:beforeSwap", "htmx:oobBeforeSwap"]) {
    on(name, (event) => all("details[data-key]", event.detail.target).forEach(keep));
  }

  function unfold(within) {
    const own = within.matches?.("details[data-key]") ? [within] : [];
    for (const fold of [...own, ...all("details[data-key]", within)]) {
      if (folds.has(fold.dataset.key)) fold.open = folds.get(fold.dataset.key);
    }
  }

  /** A live region that is itself replaced says nothing: the page keeps one, and tells it what is new. */
  function announce(within) {
    const live = document.getElementById("live");
    for (const news of all("[data-announce]", within)) if (live) write(live, news.dataset.announce);
  }

  function arrived(within) {
    localise(within);
    fade(within);
    for (const log of all(".log")) setUpLog(log);
    const wants = within.matches?.("[data-focus]") ? within : within.querySelector("[data-focus]");
    if (wants) {
      wants.focus();
      wants.removeAttribute("data-focus");
    }
  }

  // Before anything is painted: settling comes some 20 ms later, and a fold would be seen to close and open.
  on("htmx:afterSwap", (event) => unfold(event.target));
  on("htmx:afterSettle", (event) => {
    const target = event.detail.elt;
    if (target.matches(".log-lines")) {
      onlyOnce(target);
      const log = target.closest(".log");
      search(log);
      follow(log);
    }
    const place = target.isConnected ? target : document;
    arrived(place);
    announce(place);
  });
  on("htmx:oobAfterSwap", (event) => {
    unfold(event.detail.target);
    arrived(event.detail.target);
  });

  /* ── keys: only outside of fields, and only while the person wants them ── */
  const press = (selector) => { const found = document.querySelector(selector); if (found) found.click(); return Boolean(found); };
  const visit = (path) => { location.assign(path); return true; };
  const rows = () => all("[data-row], .table tbody tr:has(a), .queue > li").filter((row) => row.checkVisibility());
  let row = null;

  function move(step) {
    const list = rows();
    if (!list.length) return false;
    if (row) row.removeAttribute("data-row-current");
    row = list[Math.min(Math.max(list.indexOf(row) + step, 0), list.length - 1)];
    row.setAttribute("data-row-current", "");
    const link = row.querySelector("a[href]");
    if (link) link.focus();
    row.scrollIntoView({ block: "nearest" });
    return true;
  }

  const inRow = (selector) => { const found = row && row.isConnected && row.querySelector(selector); if (found) found.click(); return Boolean(found); };

  function step(by) {
    const nodes = all(".dag .node, .gantt li > a");
    const at = nodes.findIndex((node) => node.hasAttribute("aria-current"));
    const next = nodes[at + by];
    if (next) next.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true }));
    return Boolean(next);
  }

  const KEYS = {
    "/": () => { const field = document.getElementById("nav-q"); if (!field) return false; openNav(field); field.focus(); return true; },
    "n": () => visit("/requests/new/"),
    "j": () => move(1),
    "k": () => move(-1),
    "x": () => inRow('input[type="checkbox"]'),
    "d": () => inRow("[data-decide]"),
    "f": () => press(".t-follow"),
    "[": () => step(-1),
    "]": () => step(1),
    "?": () => press('[commandfor="shortcuts"]'),
  };
  const AFTER_G = { h: "/", r: "/history/", a: "/approvals/" };
  let afterG = 0;

  function openNav(field) {
    const nav = field.closest("[popover]");
    if (nav && !field.checkVisibility()) nav.showPopover();
  }

  on("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || recall("shortcuts") === "off") return;
    if (event.target.closest("input, textarea, select, [contenteditable]") || document.querySelector("dialog[open]")) return;
    const second = Date.now() - afterG < 1500 && AFTER_G[event.key];
    afterG = event.key === "g" ? Date.now() : 0;
    if (second ? visit(second) : KEYS[event.key]?.()) event.preventDefault();
  });

  /* ── begin ── */
  for (const box of all("[data-shortcuts-switch]")) box.checked = recall("shortcuts") !== "off";
  for (const area of all("textarea[data-count]")) count(area);
  arrived(document);
  tick();
  setInterval(tick, 1000);
  on("visibilitychange", tick);
})();
