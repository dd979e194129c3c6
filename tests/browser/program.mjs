// `keynode demo` as it was just started: the door, the new password, the first page with the demo's series.

import { changePassword, logIn, must, nothingWrong, pages, run, same, site, used, visit } from './browser.mjs';

await run(async (chrome) => {
  const visitor = await visit(chrome);
  const { page } = visitor;
  // Whoever types in the address alone is led to the console.
  await page.goto(`${site}/`);
  await logIn(page, 'admin', 'admin', null);
  await changePassword(page, 'admin', 'a new password');
  await page.goto(`${site}/console/`);
  await used(page, '672B', 0);
  for (const path of await pages(visitor)) {
    same((await page.goto(site + path)).status(), 200, path);
    nothingWrong(visitor, path);
  }
  await page.goto(`${site}/console/keys`);
  const text = await page.textContent('main');
  for (const key of ['7131766', '7131767', '7181155']) must(text.includes(key), `key ${key} is not shown`);
});
