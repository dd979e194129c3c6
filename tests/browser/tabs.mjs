// More tabs than a browser has connections to one node: each of them answers, and shows what is, once it is seen.

import { ask, enter, nothingWrong, run, shows, site } from './browser.mjs';

const TABS = 8;

await run(async (chrome) => {
  const visitor = await enter(chrome);
  // Without a screen all tabs are in front: which one is, is said by this script.
  await visitor.context.addInitScript(() => {
    let hidden = false;
    Object.defineProperty(document, 'hidden', { get: () => hidden });
    window.hide = (is) => {
      hidden = is;
      document.dispatchEvent(new Event('visibilitychange'));
    };
  });
  const tabs = [];
  while (tabs.length < TABS) {
    const tab = await visitor.context.newPage();
    for (const other of tabs) await other.evaluate(() => window.hide(true));
    await tab.goto(`${site}/console/sessions`);
    tabs.push(tab);
  }
  await ask('take', 'Anna');
  for (const tab of tabs) {
    for (const other of tabs) await other.evaluate((is) => window.hide(is), other !== tab);
    await shows(tab, 'Anna');
    await tab.goto(`${site}/console/sessions`);
  }
  nothingWrong(visitor, 'tabs');
});
