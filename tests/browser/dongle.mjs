// Dongles are plugged in and pulled while the page of devices is open: the page shows it within a second, without being loaded
// again.

import { ask, change, enter, must, nothingWrong, run, seenWithinASecond, shows, site } from './browser.mjs';

await run(async (chrome) => {
  const visitor = await enter(chrome);
  const { page } = visitor;
  await page.goto(`${site}/console/devices`);
  await page.evaluate(() => { window.loaded = 'once'; });
  await shows(page, 'D1', false);
  for (let time = 0; time < 3; time += 1) {
    await change(() => ask('plug', ['E2', 'D1']), () => shows(page, 'D1'));
    await shows(page, 'E2');
    await change(() => ask('plug', ['E2']), () => shows(page, 'D1', false));
  }
  must(await page.evaluate(() => window.loaded) === 'once', 'the page was loaded again');
  nothingWrong(visitor, 'devices');
  seenWithinASecond();
});
