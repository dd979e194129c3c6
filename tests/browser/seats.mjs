// Seats are taken and given back over the API: two consoles, of two people on different pages, show it within a second.

import { ask, change, enter, nothingWrong, run, same, seenWithinASecond, shows, site, used } from './browser.mjs';

await run(async (chrome) => {
  const [first, second] = [await enter(chrome), await enter(chrome, { user: 'max' })];
  const [sessions, overview] = [first.page, second.page];
  await sessions.goto(`${site}/console/sessions`);
  await overview.goto(`${site}/console/`);
  for (const page of [sessions, overview]) await page.evaluate(() => { window.loaded = 'once'; });
  await used(overview, '672B', 0);

  for (let time = 0; time < 3; time += 1) {
    let taken;
    await change(async () => { taken = await ask('take', 'Anna'); },
      () => Promise.all([shows(sessions, 'Anna'), used(overview, '672B', 1)]));
    await change(async () => same(await ask('delete', `/api/sessions/${taken.ID}`), 200, 'the release'),
      () => Promise.all([shows(sessions, 'Anna', false), used(overview, '672B', 0)]));
  }
  for (const page of [sessions, overview]) same(await page.evaluate(() => window.loaded), 'once', 'the page was loaded');
  nothingWrong(first, 'sessions');
  nothingWrong(second, 'overview');
  seenWithinASecond();
});
