// The language is that of the browser, until another one is chosen; that is kept.

import { enter, nothingWrong, run, same, site, visit } from './browser.mjs';

const lang = (page) => page.getAttribute('html', 'lang');

await run(async (chrome) => {
  for (const [locale, own, other] of [['ru-RU', 'ru', 'en'], ['en-US', 'en', 'ru'], ['de-DE', 'en', 'ru']]) {
    const stranger = await visit(chrome, { locale });
    await stranger.page.goto(`${site}/console/login`);
    same(await lang(stranger.page), own, `the door for ${locale}`);
    const visitor = await enter(chrome, { locale });
    const { page } = visitor;
    await page.goto(`${site}/console/keys`);
    same(await lang(page), own, locale);
    await page.click(`button[name=language][value=${other}]`);
    await page.waitForFunction((wanted) => document.documentElement.lang === wanted, other);
    same(new URL(page.url()).pathname, '/console/keys', 'where the switch leads');
    await page.goto(`${site}/console/sessions`);
    same(await lang(page), other, 'the next page after the switch');
    nothingWrong(visitor, locale);
  }
});
