// The browser's part of `.ci/external/html`: `inputs FOLDER` writes snapshots of the harbour, `pages FOLDER` opens the reports.
"use strict";
const assert = require("node:assert/strict");
const fs = require("node:fs");
const path = require("node:path");
const { pathToFileURL } = require("node:url");
const [, , part, folder] = process.argv;
const at = (name) => path.join(folder, name);

/** Texts that are markup, end a script or a part of the page, or hide and reorder text. */
const HOSTILE = [
  "<script>window.hacked = 1</script>",
  "</script><script>window.hacked = 2</script>",
  "</noscript><script>window.hacked = 3</script><noscript>",
  "<!-- <script> -->",
  "--><img src=x onerror='window.hacked = 4'>",
  "<img src=x onerror=\"window.hacked = 5\">",
  "</title></style></template></textarea><svg onload='window.hacked = 6'>",
  "\" onmouseover=\"window.hacked = 7\" x=\"",
  "' autofocus onfocus='window.hacked = 8",
  "javascript:window.hacked = 9",
  "&lt;script&gt;window.hacked = 10&lt;/script&gt;",
  "\u2028window.hacked = 11\u2029",
  "\u202eevil\u2066\u200b\u0000\u001b[31m",
  "{{ 7 * 7 }}{% raw %}${1}`",
];

function harbour(boats, piers = 1) {
  const people = ["ada", "bo"].map((name) => ({ email: `${name}@anse.example`, active: true }));
  const part = (at) => boats.filter((_, boat) => boat % piers === at);
  return {
    name: "Anse <b>",
    captured_at: "2026-08-31T06:00:00Z",
    people,
    piers: Array.from({ length: piers }, (_, at) => ({ id: `pier-${at}`, length: 40, flags: [], boats: part(at) })),
    buoys: [],
  };
}

const boat = (name, length) => ({ name, owner: "bo@anse.example", ...(length && { length }), light: "red" });

function inputs() {
  const write = (name, value) => fs.writeFileSync(at(name), typeof value === "string" ? value : JSON.stringify(value, null, 1));
  write("hostile-snapshot.json", harbour(HOSTILE.flatMap((name, at) => [boat(name, 41), boat(`${at}${name}`)])));
  // Nineteen of twenty boats are too long, and of the others the length is unknown.
  write("large-snapshot.json", harbour(Array.from({ length: 20000 }, (_, at) => boat(`boat ${at}`, at % 20 ? 41 : 0)), 25));
  write("invalid-snapshot.json", "{\n  \"name\": \"Anse\",\n  \"piers\": [ <script> ]\n}\n");
}

async function pages() {
  const { chromium } = require("playwright-core");
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox"] });
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const url = (name) => pathToFileURL(at(`${name}.html`)).href;
  const report = (name) => JSON.parse(fs.readFileSync(at(`${name}.json`), "utf8"));
  const problems = [];

  async function open(address, options = {}) {
    const page = options.context ? await options.context.newPage() : await context.newPage();
    page.on("console", (message) => problems.push(`${address}: console: ${message.text()}`));
    page.on("pageerror", (error) => problems.push(`${address}: error: ${error.message}`));
    page.on("request", (request) => {
      const isPage = request.url().split("#")[0] === address.split("#")[0];
      if (!isPage && request.url() !== "data:,") problems.push(`${address}: request: ${request.url()}`);
    });
    await page.goto(address, { timeout: 120000 });
    return page;
  }
  const shown = (page) => page.evaluate(() =>
    [...document.querySelectorAll(".finding")].filter((row) => !row.hidden && !row.parentElement.hidden).map((row) => row.id));
  const fingerprints = (name, test) => report(name).findings.filter(test).map((it) => `f-${it.fingerprint}`).sort();
  const sorted = async (page) => (await shown(page)).sort();

  // Every finding has a row.
  for (const name of ["acme", "half", "clean", "hostile"]) {
    const page = await open(url(name));
    assert.deepEqual(await sorted(page), fingerprints(name, () => true), name);
    await page.close();
  }

  // Filters, and their state in the address.
  const page = await open(url("acme"));
  const press = (value) => page.click(`#filters button[value="${value}"]`);
  await press("critical");
  assert.deepEqual(await sorted(page), fingerprints("acme", (it) => it.severity === "critical"));
  await press("unknown");
  const both = fingerprints("acme", (it) => it.severity === "critical" && it.verdict === "unknown");
  assert.deepEqual(await sorted(page), both);
  assert.equal(new URL(page.url()).hash, "#severity=critical&verdict=unknown");
  await page.click("#clear");
  assert.equal((await shown(page)).length, report("acme").findings.length);
  await page.keyboard.type("MOE-MEM-03 raj");
  await page.waitForFunction(() => location.hash.includes("text="));
  const typed = await sorted(page);
  assert.deepEqual(typed, fingerprints("acme", (it) => it.check === "MOE-MEM-03" && JSON.stringify(it.resource).includes("raj")));
  assert.ok(typed.length > 0);
  await page.selectOption("#part", "ACMEIN02");
  assert.ok((await shown(page)).every((id) => typed.includes(id)));
  await page.click("#link");
  const filtered = await page.evaluate(() => navigator.clipboard.readText());
  const again = await open(filtered);
  assert.deepEqual(await sorted(again), await sorted(page));
  assert.equal(await again.inputValue("#q"), "MOE-MEM-03 raj");
  assert.equal(await again.inputValue("#part"), "ACMEIN02");
  await again.close();

  // A finding is opened by the keyboard, and its link opens it again.
  await page.focus(`#${typed[0]} summary`);
  await page.keyboard.press("Enter");
  const body = page.locator(`#${typed[0]} .body`);
  await body.waitFor();
  assert.ok((await body.locator("mark").count()) >= 2);
  const headings = await body.locator("h4").allTextContents();
  assert.deepEqual(headings.slice(0, 2), ["Policy", "Snapshot"]);
  const finding = report("acme").findings.find((it) => `f-${it.fingerprint}` === typed[0]);
  const text = await body.textContent();
  for (const part of [finding.clauses[0].text, finding.fingerprint, finding.resource.pointer]) {
    assert.ok(text.includes(part), `${part} in ${text}`);
  }
  await body.getByText("Copy link").click();
  const link = await page.evaluate(() => navigator.clipboard.readText());
  assert.ok(link.endsWith(`#${typed[0]}`), link);
  const linked = await open(link);
  await linked.locator(`#${typed[0]} .body`).waitFor();
  await linked.waitForFunction((id) => document.activeElement.parentElement.id === id, typed[0]);
  await linked.close();

  // The theme changes, and remains after the page is loaded again.
  const ground = (of) => of.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await ground(page);
  await page.click("#theme");
  assert.notEqual(await ground(page), light);
  await page.reload();
  assert.notEqual(await ground(page), light);
  await page.click("#theme");
  assert.equal(await ground(page), light);
  const dark = await browser.newContext({ colorScheme: "dark", viewport: { width: 1280, height: 900 } });
  const night = await open(url("acme"), { context: dark });
  assert.notEqual(await ground(night), light);

  // A print has the excerpts of all findings that are shown.
  await page.goto("about:blank");
  await page.goto(url("acme"));
  const pdf = await page.pdf({ format: "A4" });
  assert.equal(pdf.subarray(0, 5).toString(), "%PDF-");
  assert.ok((pdf.toString("latin1").match(/\/Type ?\/Page\b/g) || []).length > 10, "a print has the findings");
  await page.evaluate(() => dispatchEvent(new Event("beforeprint")));
  const isOpen = () => page.evaluate(() => [...document.querySelectorAll(".finding")].every((row) => row.open && !row.querySelector("noscript")));
  assert.ok(await isOpen());
  await page.evaluate(() => dispatchEvent(new Event("afterprint")));
  assert.equal(await page.locator(".finding[open]").count(), 0);

  // Without scripts, the page has every excerpt.
  const plain = await browser.newContext({ javaScriptEnabled: false });
  const still = await open(url("acme"), { context: plain });
  assert.equal(await still.locator(".finding .body").count(), report("acme").findings.length);
  assert.equal(await still.locator("#filters").isVisible(), false);
  await plain.close();

  // A page of hostile texts runs no script and has no element of theirs.
  for (const name of ["hostile", "invalid"]) {
    const hostile = await open(url(name));
    await hostile.evaluate(() => document.querySelectorAll("details").forEach((row) => { row.open = true; }));
    await hostile.waitForTimeout(200);
    const state = await hostile.evaluate(() => ({
      hacked: window.hacked,
      scripts: document.scripts.length,
      foreign: document.querySelectorAll("img, iframe, object, embed, template, [onerror], [onload], [onmouseover], [onfocus], [style]").length,
      policy: document.querySelector("meta[http-equiv]").content.startsWith("default-src 'none'"),
      hidden: /[\u0000-\u0008\u001b\u200b\u202a-\u202e\u2028\u2029\u2066-\u2069]/.test(document.body.textContent),
      text: document.body.textContent,
    }));
    assert.deepEqual({ ...state, text: "" }, { hacked: undefined, scripts: 1, foreign: 0, policy: true, hidden: false, text: "" }, name);
    if (name === "hostile") for (const name of HOSTILE.slice(0, 7)) assert.ok(state.text.includes(name), name);
    await hostile.close();
  }

  // The policy of the page blocks a script that is added to it.
  const blocked = await open(url("clean"));
  const before = problems.length;
  await blocked.evaluate(() => {
    const script = document.createElement("script");
    script.textContent = "window.hacked = 1";
    document.body.append(script);
  });
  assert.equal(await blocked.evaluate(() => window.hacked), undefined);
  problems.length = before;
  await blocked.close();

  // The page of a history has a plot for each account, every finding, and no script.
  for (const width of [1280, 400]) {
    const sized = await browser.newContext({ viewport: { width, height: 900 } });
    const history = await open(url("history"), { context: sized });
    const accounts = report("history").accounts;
    const state = await history.evaluate(() => ({
      hacked: window.hacked,
      foreign: document.querySelectorAll("script, img, iframe, [onerror], [onload], [onmouseover], [onfocus], [style]").length,
      overflow: Math.max(0, document.documentElement.scrollWidth - innerWidth),
      plots: [...document.querySelectorAll("svg.plot")].filter((plot) => plot.getBoundingClientRect().height > 100).length,
      findings: document.querySelectorAll("tr[id]").length,
    }));
    const findings = accounts.flatMap((account) => account.findings).length;
    assert.deepEqual(state, { hacked: undefined, foreign: 0, overflow: 0, plots: accounts.length, findings });
    assert.ok(accounts.length === 2 && findings > 20);
    await sized.close();
  }

  // 20,000 findings.
  const count = report("large").findings.length;
  assert.ok(count >= 20000);
  const started = Date.now();
  const large = await open(url("large"));
  await large.waitForFunction(() => document.querySelector("#shown").value.length > 0);
  const loaded = Date.now() - started;
  const timed = (action) => large.evaluate(async (action) => {
    const started = performance.now();
    if (action === "verdict") document.querySelector('#verdicts button[value="unknown"]').click();
    if (action === "text") {
      const text = document.querySelector("#q");
      text.value = "boat 1999";
      text.dispatchEvent(new Event("input"));
      await new Promise((done) => setTimeout(done, 130));
    }
    document.body.getBoundingClientRect();
    await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
    return Math.round(performance.now() - started);
  }, action);
  const byVerdict = await timed("verdict");
  assert.deepEqual(await sorted(large), fingerprints("large", (it) => it.verdict === "unknown"));
  const byText = await timed("text");
  assert.ok((await shown(large)).length > 0);
  const size = fs.statSync(at("large.html")).size;
  console.log(`html: ${count} findings, ${(size / 1e6).toFixed(1)} MB: loaded in ${loaded} ms, filtered by verdict in ${byVerdict} ms, by text in ${byText} ms`);
  assert.ok(loaded < 20000 && byVerdict < 3000 && byText < 3000, "the page is too slow");
  await large.close();

  if (process.env.PICTURES) await pictures(browser, open, url, process.env.PICTURES);
  await browser.close();
  assert.deepEqual(problems, []);
  console.log("html: filters, links, themes, prints and hostile texts are as expected; no request and no message of the console");
}

async function pictures(browser, open, url, folder) {
  if (folder === "docs") {
    const context = await browser.newContext({ viewport: { width: 1280, height: 1130 }, colorScheme: "light" });
    const page = await open(url("acme"), { context });
    await page.locator(".finding").first().evaluate((row) => { row.open = true; });
    await page.waitForTimeout(200);
    await page.screenshot({ path: path.join(folder, "html-report.png") });
    return;
  }
  for (const scheme of ["light", "dark"]) {
    for (const width of [1280, 400]) {
      const context = await browser.newContext({ viewport: { width, height: 1000 }, colorScheme: scheme });
      for (const name of ["acme", "half", "hostile", "invalid", "clean"]) {
        const page = await open(url(name), { context });
        await page.evaluate(() => {
          [...document.querySelectorAll(".finding")].slice(0, 3).forEach((row) => { row.open = true; });
          const framework = document.querySelector(".framework");
          if (framework) framework.open = true;
        });
        await page.waitForTimeout(200);
        await page.screenshot({ path: path.join(folder, `${name}-${scheme}-${width}.png`) });
        const height = await page.evaluate(() => document.documentElement.scrollHeight);
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        if (overflow > 0) console.log(`${name} ${scheme} ${width}: ${overflow} px too wide`);
        await page.screenshot({ path: path.join(folder, `${name}-${scheme}-${width}-all.png`), fullPage: true });
        console.log(`${name} ${scheme} ${width}: ${height} px`);
        await page.close();
      }
      await context.close();
    }
  }
}

if (part === "inputs") inputs();
else pages().then(() => process.exit(0), (error) => { console.error(error); process.exit(1); });
