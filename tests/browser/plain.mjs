// Without JavaScript: pages are read, the language and the colours are switched, and a seat is released after a question.

import { ask, enter, must, pages, row, run, same, site } from './browser.mjs';

await run(async (chrome) => {
  await ask('take', 'seat');
  const visitor = await enter(chrome, { javaScriptEnabled: false });
  const { page } = visitor;
  for (const path of await pages(visitor)) {
    same((await page.goto(site + path)).status(), 200, path);
    must((await page.textContent('main')).trim().length > 20, `${path} is empty without scripts`);
  }
  await page.goto(`${site}/console/sessions`);
  await page.click('button[name=language]');
  same(await page.getAttribute('html', 'lang'), 'ru', 'the language');
  await page.click('button[name=colours][value=dark]');
  same(await page.getAttribute('html', 'data-colours'), 'dark', 'the colours');

  await row(page, 'seat').locator('input[type=checkbox]').check();
  await page.click('#release');
  same((await ask('get', '/api/sessions')).Sessions.length, 1, 'sessions before the answer');
  await page.click('main form button.danger');
  same((await ask('get', '/api/sessions')).Sessions, [], 'sessions');
  same(await row(page, 'seat').count(), 0, 'rows of the seat');
});
