// Every page in both languages: it says what it is, nothing goes wrong in it, and it asks nobody but this node.

import { enter, must, nothingWrong, pages, run, same, site } from './browser.mjs';

await run(async (chrome) => {
  const seen = {};
  for (const [locale, lang] of [['en-GB', 'en'], ['ru-RU', 'ru']]) {
    const visitor = await enter(chrome, { locale });
    const { page } = visitor;
    seen[lang] = {};
    const all = await pages(visitor);
    must(all.length >= 8, `only ${all.length} pages in the navigation`);
    for (const path of all) {
      const answer = await page.goto(site + path);
      same(answer.status(), 200, path);
      const policy = answer.headers()['content-security-policy'] ?? '';
      must(policy.includes("default-src 'none'") || policy.includes("default-src 'self'"), `${path}: policy "${policy}"`);
      must(!policy.includes('unsafe'), `${path}: policy "${policy}"`);
      same(await page.getAttribute('html', 'lang'), lang, `${path}: language`);
      same(await page.locator('h1').count(), 1, `${path}: headings of the first rank`);
      same(await page.locator('main').count(), 1, `${path}: main parts`);
      same(await page.locator('nav [aria-current=page]').count(), 1, `${path}: links to itself`);
      must((await page.title()).trim() !== '', `${path} has no title`);
      seen[lang][path] = await page.textContent('h1');
      // Whatever loads by itself has loaded: then the page has had the chance to do wrong.
      await page.waitForLoadState('load');
      await page.evaluate(() => document.fonts.ready.then(() => null));
      nothingWrong(visitor, path);
    }
    await visitor.context.close();
  }
  same(Object.keys(seen.en), Object.keys(seen.ru), 'pages');
  for (const path of Object.keys(seen.en)) {
    // Some names are the same everywhere.
    must(/[А-Яа-я]/.test(seen.ru[path]) || /^[A-Z]+$/.test(seen.ru[path]), `${path}: "${seen.ru[path]}" is no Russian`);
    must(!/[А-Яа-я]/.test(seen.en[path]), `${path}: "${seen.en[path]}" is no English`);
  }
});
