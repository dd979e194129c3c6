// Every page 360 pixels wide: nothing has to be scrolled sideways, and what is touched is large enough.

import { details, enter, expectWrong, must, nothingWrong, pages, run, same, site, visit } from './browser.mjs';

const PHONE = { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 };

await run(async (chrome) => {
  const stranger = await visit(chrome, PHONE);
  await stranger.page.goto(`${site}/console/login`);
  same(await stranger.page.evaluate(() => document.documentElement.scrollWidth), 360, 'the login is as wide as the phone');
  for (const locale of ['en-GB', 'ru-RU']) {
    const visitor = await enter(chrome, { ...PHONE, locale });
    const { page } = visitor;
    const lists = await pages(visitor);
    const further = await details(visitor, lists);
    expectWrong(visitor, /$^|404|Event\]/);
    for (const path of [...lists, ...further]) {
      await page.goto(site + path);
      const wide = await page.evaluate(() => {
        // What scrolls within its own box is no reason to scroll the page.
        const own = (element) => {
          for (let above = element.parentElement; above && above !== document.body; above = above.parentElement) {
            if (['auto', 'scroll', 'hidden'].includes(getComputedStyle(above).overflowX)) return false;
          }
          return true;
        };
        return [...document.querySelectorAll('body *')]
          .filter((element) => element.getBoundingClientRect().right > 361 && own(element))
          .map((element) => element.outerHTML.slice(0, 120));
      });
      const width = await page.evaluate(() => document.documentElement.scrollWidth);
      must(width <= 360, `${path} in ${locale} is ${width} pixels wide: ${wide.slice(0, 3).join(' | ')}`);
      if (path === '/console/nothing') expectWrong(visitor, /404/);
      nothingWrong(visitor, path);
    }
    await visitor.context.close();
  }
});
