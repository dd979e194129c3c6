// A seat is released without a mouse; the first stop of the Tab key leads past the navigation; what is drawn anew leaves the focus
// and the scroll where they were.

import { ask, enter, must, nothingWrong, row, run, same, shows, site } from './browser.mjs';

const STOPS = 100;

/// Presses Tab until the element that has the focus is one of these.
async function tabTo(page, selector) {
  for (let stop = 0; stop < STOPS; stop += 1) {
    await page.keyboard.press('Tab');
    if (await page.evaluate((wanted) => document.activeElement.matches(wanted), selector)) {
      const seen = await page.evaluate(() => {
        const style = getComputedStyle(document.activeElement);
        return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0;
      });
      must(seen, `the focus on ${selector} cannot be seen`);
      return;
    }
  }
  throw new Error(`Tab does not lead to ${selector}`);
}

await run(async (chrome) => {
  await ask('take', 'seat');
  const visitor = await enter(chrome);
  const { page } = visitor;
  await page.goto(`${site}/console/sessions`);
  await page.keyboard.press('Tab');
  must(await page.evaluate(() => document.activeElement.matches('a.skip')), 'the first stop of Tab leads past nothing');
  await page.keyboard.press('Enter');
  same(await page.evaluate(() => document.activeElement.localName), 'main', 'the focus');

  await tabTo(page, 'tbody input[type=checkbox]');
  await page.keyboard.press('Space');
  await ask('take', 'another');
  await row(page, 'another').waitFor();
  must(await page.evaluate(() => document.activeElement.matches('tbody input:checked')), 'the focus or the choice is lost');
  await tabTo(page, '#release');
  await page.keyboard.press('Enter');
  await page.waitForURL(/release/);
  await page.waitForLoadState();
  await tabTo(page, 'main form button.danger');
  await page.keyboard.press('Enter');
  await page.waitForURL(/sessions\?/);
  same((await ask('get', '/api/sessions')).Sessions.map((one) => one.UserName), ['another'], 'sessions');
  nothingWrong(visitor, 'sessions');

  // A narrow window, so that the table is scrolled sideways.
  await page.setViewportSize({ width: 360, height: 740 });
  await ask('plug', ['E2']);
  await page.goto(`${site}/console/devices`);
  await page.locator('main tbody a[href$="E2"]').focus();
  await page.evaluate(() => { document.querySelector('main .wide').scrollLeft = 40; });
  await ask('plug', ['D1', 'E2']);
  await shows(page, 'D1');
  must(await page.evaluate(() => document.activeElement.matches('tbody a[href$="E2"]')), 'the focus is lost on devices');
  same(await page.evaluate(() => document.querySelector('main .wide').scrollLeft), 40, 'how far the table is scrolled');
  nothingWrong(visitor, 'devices');
});
