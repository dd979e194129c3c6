// Clients call themselves what they like: on every page that stays text.

import { ask, enter, must, nothingWrong, pages, run, same, site } from './browser.mjs';

const NAME = '"><img src=x onerror="window.taken=1"><script>window.taken=1</script>{{1}}<b>';

await run(async (chrome) => {
  const session = await ask('take as', {
    KeyID: '672B', ClientSessionID: NAME, AppName: NAME, UserName: NAME, ComputerName: NAME,
  });
  const connection = await ask('open', NAME);
  const visitor = await enter(chrome);
  const { page } = visitor;
  const own = [`/console/sessions/${session.ID}`, `/console/connections/${connection.ID}`];
  for (const path of [...await pages(visitor), ...own, `/console/sessions?q=${encodeURIComponent(NAME)}`]) {
    await page.goto(site + path);
    same(await page.evaluate(() => window.taken ?? null), null, path);
    same(await page.locator('main img, main script, main b').count(), 0, `${path}: elements of a client's making`);
    nothingWrong(visitor, path);
  }
  for (const path of ['/console/sessions', ...own]) {
    await page.goto(site + path);
    must((await page.textContent('main')).includes(NAME), `${path} does not show the name as it is`);
  }
});
