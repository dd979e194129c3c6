// What every script shares: one Chromium, an ear for everything that goes wrong in its pages, and a line to the test that
// started the script. The test does to the node what the script asks for; neither ever waits for a while to pass.

import { chromium } from 'playwright-core';
import { createInterface } from 'node:readline';
import { execFileSync } from 'node:child_process';

/// Longer than anything takes on a busy computer.
const PATIENCE = 30_000;

const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

/// Where the console is, without a slash at the end.
export const site = process.argv[2];

/// Has the test do something to the node; the result is its answer.
export async function ask(what, value = null) {
  process.stdout.write(JSON.stringify({ what, value }) + '\n');
  const { value: line, done } = await answers.next();
  if (done) throw new Error(`the test does not answer to "${what}"`);
  return JSON.parse(line);
}

/// Fails with the text unless the condition holds.
export function must(condition, text) {
  if (!condition) throw new Error(text);
}

/// Fails unless both are the same.
export function same(found, expected, text) {
  const [left, right] = [JSON.stringify(found), JSON.stringify(expected)];
  must(left === right, `${text}: found ${left}, expected ${right}`);
}

/// Times from a change to its sight, in milliseconds.
const delays = [];

/// Does something, then waits until a page shows it.
export async function change(act, shown) {
  await act();
  const start = performance.now();
  await shown();
  delays.push(Math.round(performance.now() - start));
}

/// Fails unless changes were seen within a second. One that another process held up is no fault of the console's: so the middle
/// of them counts.
export function seenWithinASecond() {
  const sorted = [...delays].sort((left, right) => left - right);
  console.error(`changes were seen after ${delays.join(', ')} ms`);
  must(sorted.length >= 5, 'too few changes to tell');
  must(sorted[sorted.length >> 1] < 1000, `changes were seen after ${delays.join(', ')} ms`);
}

/// Opens a browser of its own, with its own cookies. The result's `wrongs` fills with whatever a page should not do.
export async function visit(chrome, options = {}) {
  const context = await chrome.newContext({
    locale: 'en-GB', viewport: { width: 1280, height: 800 }, reducedMotion: 'reduce', ...options,
  });
  context.setDefaultTimeout(PATIENCE);
  const wrongs = Object.assign([], { left: 0 });
  const page = await context.newPage();
  watch(page, wrongs);
  return { context, page, wrongs };
}

/// How Chromium words that a page was left while it followed the node: its script is told that the stream ended, and says so.
const LEFT = '[object Event]';

/// Writes down what a page must never do: errors, violations of its own policy, a request to anybody else.
function watch(page, wrongs) {
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) wrongs.push(`${page.url()}: ${message.text()}`);
  });
  page.on('requestfailed', (request) => {
    if (request.url().includes('/console/live') && request.failure().errorText === 'net::ERR_ABORTED') wrongs.left += 1;
  });
  page.on('pageerror', (error) => wrongs.push(`${page.url()}: ${error}`));
  page.on('request', (request) => {
    const url = request.url();
    if (!url.startsWith(`${site}/`) && !/^(data|blob|about):/.test(url)) wrongs.push(`a request to ${url}`);
  });
  page.on('response', (response) => {
    if (response.status() >= 500) wrongs.push(`${response.status()} ${response.url()}`);
  });
}

/// Fails if anything went wrong since the last look.
export function nothingWrong(visitor, where) {
  const found = visitor.wrongs.splice(0);
  const wrongs = found.filter((wrong) => !wrong.endsWith(LEFT) || (visitor.wrongs.left -= 1) < 0);
  must(wrongs.length === 0, `${where}:\n  ${wrongs.join('\n  ')}`);
}

/// Forgets what went wrong, all of which must match: an answer of 403 is an error to Chromium, for one.
export function expectWrong(visitor, pattern) {
  for (const wrong of visitor.wrongs.splice(0)) must(pattern.test(wrong), wrong);
}

/// Logs in by the form, which is at this path; without one it is on the page.
export async function logIn(page, user, password, path = '/console/login') {
  if (path) await page.goto(site + path);
  await page.fill('input[name=user]', user);
  await page.fill('input[name=password]', password);
  await page.click('main form button');
  await page.waitForLoadState();
}

/// Changes a password by the form, which is on the page.
export async function changePassword(page, old, password) {
  for (const [field, value] of [['old', old], ['new', password], ['again', password]]) {
    await page.fill(`input[name=${field}]`, value);
  }
  await page.click('main form button');
  await page.waitForLoadState();
}

/// Somebody who has logged in: an administrator, unless a monitor is named.
export async function enter(chrome, { user = 'olga', ...options } = {}) {
  const visitor = await visit(chrome, options);
  await logIn(visitor.page, user, 'a good password');
  must(!visitor.page.url().includes('/login'), `the login was refused: ${await visitor.page.textContent('main')}`);
  return visitor;
}

/// Waits until the overview shows so many seats of a series in use.
export function used(overview, series, seats) {
  return overview.waitForFunction(([name, number]) => {
    const rows = [...document.querySelectorAll('main tr')];
    const row = rows.find((one) => one.querySelector('th[scope=row]')?.textContent.trim() === name);
    return row?.querySelector('td:has(meter)')?.textContent.trim() === number;
  }, [series, String(seats)], { polling: 20 });
}

/// The row of a table in which this stands, in a cell of its own.
export function row(page, text) {
  return page.locator('main tbody tr').filter({ has: page.getByText(text, { exact: true }) });
}

/// Waits until a text is in the page's main part, or is not. Looked at in the page: to ask from outside takes long itself.
export function shows(page, text, wanted = true) {
  return page.waitForFunction(
    ([words, is]) => document.querySelector('main').textContent.includes(words) === is, [text, wanted], { polling: 20 });
}

/// All pages that the navigation leads to, as paths.
export async function pages(visitor) {
  const links = await visitor.page.$$eval('nav a[href]', (found) => found.map((link) => new URL(link.href).pathname));
  const own = [...new Set(links)].filter((path) => path.startsWith('/console/') && !path.includes('logout'));
  must(own.length > 0, 'the navigation has no links');
  return own;
}

/// Pages that those lead to: one of each kind of object, the questions before something is ended, the form for a new password, and
/// what is shown where there is nothing.
export async function details({ page }, lists) {
  const found = new Set(['/console/password', '/console/nothing', '/console/sessions?q=nothing', '/console/audit?event=none']);
  const follow = async (path, selector) => {
    await page.goto(site + path);
    const link = await page.$$eval(selector, (all) => all[0]?.getAttribute('href'));
    if (link?.startsWith('/console/')) found.add(link);
    return link;
  };
  for (const path of lists) {
    const object = await follow(path, 'main tbody th a');
    if (object) await follow(object, 'main a.danger');
  }
  must(found.size >= 4 + 8, `only ${[...found]} behind the lists`);
  return [...found];
}

/// Runs a script: gives it a browser that it opens visits with, and ends with what went wrong.
export async function run(script) {
  const executablePath = execFileSync('which', ['chromium'], { encoding: 'utf8' }).trim();
  const chrome = await chromium.launch({
    executablePath,
    args: [
      '--headless=new', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
      '--disable-background-networking', '--disable-component-update', '--disable-sync',
      // Nothing is asked of anybody but the node, whatever else Chromium would like to know.
      '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1', '--disable-features=AutofillServerCommunication',
    ],
  });
  try {
    await script(chrome);
  } catch (error) {
    console.error(error.stack ?? String(error));
    process.exitCode = 1;
  } finally {
    await chrome.close();
    process.stdin.destroy();
  }
}
