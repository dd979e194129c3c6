// A seat is released without a mouse; the first stop of the Tab key leads past the navigation; a list that is drawn anew leaves
// the focus where it was.

import { ask, enter, must, nothingWrong, row, run, same, site } from './browser.mjs';

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
});
