// Clients call themselves what they like: on every page that stays text.

import { ask, enter, must, nothingWrong, pages, run, same, site } from './browser.mjs';

const NAME = '"><img src=x onerror="window.taken=1"><script>window.taken=1</script>{{1}}<b>';

await run(async (chrome) => {
  await ask('take as', {
    KeyID: '672B', ClientSessionID: NAME, AppName: NAME, UserName: NAME, ComputerName: NAME,
  });
  await ask('open', NAME);
  const visitor = await enter(chrome);
  const { page } = visitor;
  for (const path of await pages(visitor)) {
    await page.goto(site + path);
    same(await page.evaluate(() => window.taken ?? null), null, path);
    same(await page.locator('main img').count(), 0, `${path}: images`);
    nothingWrong(visitor, path);
  }
  for (const path of ['/console/sessions', '/console/connections']) {
    await page.goto(site + path);
    must((await page.textContent('main')).includes(NAME), `${path} does not show the name as it is`);
  }
});
