// Dongles are plugged in and pulled while the page of devices is open: the page shows it within a second, without being loaded
// again.

import { ask, change, enter, must, nothingWrong, run, seenWithinASecond, site } from './browser.mjs';

await run(async (chrome) => {
  const visitor = await enter(chrome);
  const { page } = visitor;
  await page.goto(`${site}/console/devices`);
  await page.evaluate(() => { window.loaded = 'once'; });
  const shown = (serial) => page.locator('main').getByText(serial).first();
  must(await shown('D1').count() === 0, 'a dongle is shown that is not there');
  for (let time = 0; time < 3; time += 1) {
    await change(() => ask('plug', ['E2', 'D1']), () => shown('D1').waitFor());
    must(await shown('E2').isVisible(), 'the dongle that stayed is not shown');
    await change(() => ask('plug', ['E2']), () => shown('D1').waitFor({ state: 'detached' }));
  }
  must(await page.evaluate(() => window.loaded) === 'once', 'the page was loaded again');
  nothingWrong(visitor, 'devices');
  seenWithinASecond();
});
