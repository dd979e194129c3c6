// Without JavaScript: pages are read, and a seat is released after a question.

import { ask, enter, must, pages, run, same, site } from './browser.mjs';

await run(async (chrome) => {
  await ask('take', 'seat');
  const visitor = await enter(chrome, { javaScriptEnabled: false });
  const { page } = visitor;
  for (const path of await pages(visitor)) {
    same((await page.goto(site + path)).status(), 200, path);
    must((await page.textContent('main')).trim().length > 20, `${path} is empty without scripts`);
  }
  await page.goto(`${site}/console/sessions`);
  const row = page.locator('main').getByText('seat', { exact: true });
  must(await row.first().isVisible(), 'the seat is not shown');
  await page.locator('form[action*=release] button').first().click();
  await page.waitForLoadState();
  if (await page.locator('main button.danger').count() > 0 && (await ask('get', '/api/sessions')).Sessions.length === 1) {
    await page.locator('main button.danger').first().click();
    await page.waitForLoadState();
  }
  same((await ask('get', '/api/sessions')).Sessions, [], 'sessions');
  await page.goto(`${site}/console/sessions`);
  same(await row.count(), 0, 'rows of the seat');
});
