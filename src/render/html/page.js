"use strict";
// The theme, the filters of the findings, and the parts of a finding that are shown when it is opened.
// Texts of the report are only compared and copied. Markup is only that of the page: the content of its `noscript`s.
(() => {
  const root = document.documentElement;
  const MOST_OPEN = 500; // findings that one click, or a print, opens
  const stored = () => { try { return localStorage.getItem("deodar-theme"); } catch { return null; } };
  const store = (theme) => { try { localStorage.setItem("deodar-theme", theme); } catch { /* not available */ } };
  if (stored() === "dark" || stored() === "light") root.dataset.theme = stored();

  document.addEventListener("DOMContentLoaded", () => {
    const one = (selector, from = document) => from.querySelector(selector);
    const all = (selector, from = document) => Array.from(from.querySelectorAll(selector));

    const system = matchMedia("(prefers-color-scheme: dark)");
    const toggle = one("#theme");
    const isDark = () => (root.dataset.theme || (system.matches ? "dark" : "light")) === "dark";
    const showTheme = () => { toggle.textContent = isDark() ? "Light theme" : "Dark theme"; };
    toggle.hidden = false;
    toggle.addEventListener("click", () => {
      root.dataset.theme = isDark() ? "light" : "dark";
      store(root.dataset.theme);
      showTheme();
    });
    system.addEventListener("change", showTheme);
    showTheme();

    const form = one("#filters");
    const groups = all(".group").map((element) => ({
      element,
      severity: element.dataset.severity,
      name: one("h3", element).textContent,
      findings: all(".finding", element).map((row) => ({ row, verdict: row.dataset.verdict, text: null })),
    }));
    const findings = groups.flatMap((group) => group.findings);
    groups.forEach((group) => group.findings.forEach((finding) => { finding.group = group; }));

    // The parts of a finding are made when it is opened.
    const fill = (row) => {
      const hidden = one("noscript", row);
      if (!hidden) return;
      const parts = new DOMParser().parseFromString(hidden.textContent, "text/html").body.firstElementChild;
      const remedy = one(":scope > .remedy", row.parentElement);
      // In a short group, the remediation is just above.
      const isFar = row.parentElement.querySelectorAll(".finding").length > 3;
      if (remedy && isFar && row.dataset.verdict !== "unknown") one(".identity", parts).before(remedy.cloneNode(true));
      const tools = document.createElement("div");
      tools.className = "tools";
      const fingerprint = one(".identity > div:last-child code", parts).textContent;
      tools.append(copyButton("Copy link", () => linkTo(row.id)), copyButton("Copy fingerprint", () => fingerprint));
      parts.append(tools);
      hidden.replaceWith(parts);
    };
    const open = (row) => { fill(row); row.open = true; };
    document.addEventListener("toggle", (event) => {
      if (event.target.classList.contains("finding") && event.target.open) fill(event.target);
    }, true);

    const linkTo = (fragment) => location.href.split("#")[0] + "#" + fragment;
    const copy = async (text) => {
      try {
        await navigator.clipboard.writeText(text);
      } catch {
        const area = document.createElement("textarea");
        area.value = text;
        document.body.append(area);
        area.select();
        document.execCommand("copy");
        area.remove();
      }
    };
    function copyButton(name, text) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = name;
      onCopy(button, text);
      return button;
    }
    function onCopy(button, text) {
      const name = button.textContent;
      button.addEventListener("click", async () => {
        await copy(text());
        button.textContent = "Copied";
        setTimeout(() => { button.textContent = name; }, 1500);
      });
    }

    // A fragment is `f-FINGERPRINT`, the id of a section, or the state of the filters.
    const showFragment = () => {
      const fragment = location.hash.slice(1);
      const target = fragment && !fragment.includes("=") && document.getElementById(fragment);
      if (target && target.classList.contains("finding")) {
        if (target.hidden || target.parentElement.hidden) { clear(); apply(); }
        open(target);
        const show = () => {
          target.scrollIntoView({ block: "center" });
          one("summary", target).focus({ preventScroll: true });
        };
        show();
        // While a page loads, a browser moves the focus to the target of its address.
        if (document.readyState !== "complete") addEventListener("load", () => setTimeout(show), { once: true });
        one(".body", target).classList.add("flash");
      } else if (target) {
        if (target.hidden) { clear(); apply(); }
        target.scrollIntoView();
      } else if (form && (fragment === "" || fragment.includes("="))) {
        read(fragment);
        apply();
      }
    };
    addEventListener("hashchange", showFragment);

    // Before a print the findings are opened, because paper has no links.
    let opened = [];
    addEventListener("beforeprint", () => {
      const printed = one("#printed");
      if (!printed) return;
      const shown = findings.filter(({ row, group }) => !row.hidden && !group.element.hidden);
      const notes = [];
      if (shown.length < findings.length) {
        notes.push(`The filters hide ${findings.length - shown.length} of ${findings.length} findings.`);
      }
      if (shown.length <= MOST_OPEN) {
        opened = shown.map(({ row }) => row).filter((row) => !row.open);
        opened.forEach(open);
      } else {
        notes.push(`The excerpts of ${shown.length} findings are not printed, because only ${MOST_OPEN} are opened for a print.`);
      }
      printed.textContent = notes.join(" ");
      all(".framework:not([open])").forEach((row) => { row.open = true; opened.push(row); });
    });
    addEventListener("afterprint", () => { opened.forEach((row) => { row.open = false; }); opened = []; });

    if (!form) { showFragment(); return; }
    form.hidden = false;
    form.addEventListener("submit", (event) => event.preventDefault());

    // The state of the filters. Without a pressed button, a filter is off.
    const text = one("#q"), account = one("#account"), part = one("#part");
    const buttons = { severity: all("#severities button"), verdict: all("#verdicts button"), change: all("#changes button") };
    const selects = Object.entries({ account, part }).filter(([, select]) => select);
    const isPressed = (button) => button.getAttribute("aria-pressed") === "true";
    const press = (button, on) => button.setAttribute("aria-pressed", String(on));
    const pressed = (name) => buttons[name].filter(isPressed).map((button) => button.value);
    function read(fragment) {
      const state = new URLSearchParams(fragment);
      for (const [name, list] of Object.entries(buttons)) {
        const wanted = (state.get(name) || "").split(",");
        list.forEach((button) => press(button, wanted.includes(button.value)));
      }
      text.value = state.get("text") || "";
      for (const [name, select] of selects) {
        select.value = state.get(name) || "";
        if (select.selectedIndex < 0) select.value = "";
      }
    }
    function clear() { read(""); }
    function written() {
      const state = new URLSearchParams();
      for (const name of Object.keys(buttons)) if (pressed(name).length) state.set(name, pressed(name).join(","));
      for (const [name, select] of selects) if (select.value) state.set(name, select.value);
      if (text.value.trim()) state.set("text", text.value.trim());
      return state.toString();
    }
    const textOf = (finding) => {
      if (finding.text === null) {
        finding.text = `${finding.group.name} ${one("summary", finding.row).textContent} ${finding.row.id.slice(2)}`.toLowerCase();
      }
      return finding.text;
    };
    function apply() {
      const severities = pressed("severity"), verdicts = pressed("verdict"), changes = pressed("change");
      const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
      const [of, within] = [account && account.value, part && part.value];
      const isShown = (finding) =>
        (!verdicts.length || verdicts.includes(finding.verdict)) &&
        (!changes.length || changes.includes(finding.row.dataset.change)) &&
        (!of || finding.row.dataset.account === of) &&
        (!within || finding.row.dataset.part === within) &&
        words.every((word) => textOf(finding).includes(word));
      let count = 0;
      for (const group of groups) {
        const isSevere = !severities.length || severities.includes(group.severity);
        let some = false;
        for (const finding of group.findings) {
          const shown = isSevere && isShown(finding);
          if (finding.row.hidden === shown) finding.row.hidden = !shown;
          if (shown) { count += 1; some = true; }
        }
        group.element.hidden = !some;
      }
      one("#shown").value = `${count} of ${findings.length} findings`;
      one("#none").hidden = count > 0;
      one("#clear").disabled = written() === "";
      one("#open").disabled = count === 0 || count > MOST_OPEN;
    }
    const changed = () => {
      apply();
      const state = written();
      history.replaceState(null, "", state ? "#" + state : location.pathname + location.search);
    };
    for (const list of Object.values(buttons)) {
      list.forEach((button) => button.addEventListener("click", () => { press(button, !isPressed(button)); changed(); }));
    }
    selects.forEach(([, select]) => select.addEventListener("change", changed));
    let waiting;
    text.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(changed, 120); });
    one("#clear").addEventListener("click", () => { clear(); changed(); text.focus(); });
    onCopy(one("#link"), () => linkTo(written()));
    one("#open").addEventListener("click", () => {
      findings.filter(({ row, group }) => !row.hidden && !group.element.hidden).forEach(({ row }) => open(row));
    });
    document.addEventListener("keydown", (event) => {
      const isTyping = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
      if (event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey && !event.altKey) {
        event.preventDefault();
        text.focus();
      }
    });
    showFragment();
    if (!location.hash || !location.hash.includes("=")) apply();
  });
})();
