// The console of a node that a package has just installed, from the initial password to a released seat: every page, in both
// languages, the second one in the dark.

import {
  ask, changePassword, logIn, must, nothingWrong, pages, row, run, same, site, used, visit,
} from './browser.mjs';

const PASSWORD = 'a password of the administrator';

/// Loads every page that the navigation leads to.
async function lookAtAll(visitor, lang) {
  const all = await pages(visitor);
  must(all.length >= 8, `only ${all.length} pages in the navigation`);
  for (const path of all) {
    same((await visitor.page.goto(site + path)).status(), 200, path);
    same(await visitor.page.getAttribute('html', 'lang'), lang, `${path}: language`);
    nothingWrong(visitor, path);
  }
}

await run(async (chrome) => {
  const visitor = await visit(chrome);
  const { page } = visitor;
  await page.goto(`${site}/`);
  await logIn(page, 'admin', 'admin', null);
  await page.goto(`${site}/console/sessions`);
  must(page.url().includes('/password'), `with the initial password at ${page.url()}`);
  await changePassword(page, 'admin', PASSWORD);
  await page.goto(`${site}/console/`);
  await used(page, '672B', 0);
  nothingWrong(visitor, 'overview');
  await lookAtAll(visitor, 'en');

  // A program takes a seat, and the list that is open shows it; it is released after a question.
  await page.goto(`${site}/console/sessions`);
  await ask('take', 'Anna');
  await row(page, 'Anna').locator('input[type=checkbox]').check();
  await page.click('#release');
  await page.waitForURL(/release/);
  must((await page.textContent('main')).includes('Anna'), 'not asked about Anna');
  await page.click('main form button.danger');
  await page.waitForURL(/sessions\?/);
  same(await row(page, 'Anna').count(), 0, 'rows of what was released');
  await page.goto(`${site}/console/`);
  await used(page, '672B', 0);
  nothingWrong(visitor, 'the release');

  const dark = await visit(chrome, { locale: 'ru-RU', colorScheme: 'dark' });
  await logIn(dark.page, 'admin', PASSWORD);
  const [red] = await dark.page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor.match(/\d+/g));
  must(Number(red) < 80, `light in a dark browser: ${red}`);
  await lookAtAll(dark, 'ru');
});
