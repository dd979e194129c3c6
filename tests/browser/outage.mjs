// The node goes away while a page is open: the page says so, catches up when the node is back, and is at the door once the node
// has forgotten its login.

import { ask, enter, expectWrong, must, nothingWrong, run, same, shows, site } from './browser.mjs';

await run(async (chrome) => {
  const visitor = await enter(chrome);
  const { page } = visitor;
  await page.goto(`${site}/console/sessions`);
  await page.evaluate(() => { window.loaded = 'once'; });
  await ask('take', 'first');
  await shows(page, 'first');
  same(await page.locator('#lost').isVisible(), false, 'the node is there');
  nothingWrong(visitor, 'sessions');

  await ask('cut');
  await page.locator('#lost').waitFor({ state: 'visible' });
  must(/No connection to the node.*\d\d:\d\d:\d\d/.test(await page.textContent('#lost')), 'it is not said since when');
  await ask('take', 'second');
  must(!(await page.textContent('main')).includes('second'), 'the page shows what it cannot know');
  await ask('mend');
  await page.locator('#lost').waitFor({ state: 'hidden' });
  await shows(page, 'second');
  same(await page.evaluate(() => window.loaded), 'once', 'the page was loaded');
  expectWrong(visitor, /net::ERR|\[object Event\]/);

  await ask('restart');
  await page.waitForURL(`${site}/console/login?back=%2Fconsole%2Fsessions`);
  must(await page.locator('input[name=password]').isVisible(), 'the door has no form');
});
