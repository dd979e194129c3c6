// A seat is released without a mouse; the first stop of the Tab key leads past the navigation.

import { ask, enter, must, nothingWrong, run, same, site } from './browser.mjs';

const STOPS = 200;

/// Presses Tab until the element that has the focus is the one.
async function tabTo(page, is, what) {
  for (let stop = 0; stop < STOPS; stop += 1) {
    await page.keyboard.press('Tab');
    if (await page.evaluate(is)) return;
  }
  throw new Error(`Tab does not lead to ${what}`);
}

/// Whether the focus can be seen: something around the element is drawn otherwise than without it.
async function isSeen(page) {
  return page.evaluate(() => {
    const style = getComputedStyle(document.activeElement);
    return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0 || style.boxShadow !== 'none';
  });
}

await run(async (chrome) => {
  const session = await ask('take', 'seat');
  const visitor = await enter(chrome);
  const { page } = visitor;
  await page.goto(`${site}/console/sessions`);
  await page.keyboard.press('Tab');
  const target = await page.evaluate(() => document.activeElement.getAttribute('href'));
  must(target?.startsWith('#'), `the first stop of Tab leads to ${target}`);
  await page.keyboard.press('Enter');
  same(await page.evaluate((id) => document.activeElement.id === id || location.hash === `#${id}`, target.slice(1)), true,
    'the focus is past the navigation');

  await tabTo(page, () => document.activeElement.matches('form[action*=release] button, button[data-release]'), 'a release');
  must(await isSeen(page), 'the focus cannot be seen');
  await page.keyboard.press('Enter');
  // The question may be a page or a dialogue: either way its button is reached by Tab, or has the focus already.
  await page.waitForFunction(() => document.querySelector('dialog[open]') || /release/.test(location.pathname));
  const confirm = () => document.activeElement?.matches('dialog[open] button.danger, main form[action*=release] button.danger');
  if (!await page.evaluate(confirm)) await tabTo(page, confirm, 'the confirmation');
  await page.keyboard.press('Enter');
  await page.locator('main').getByText('seat', { exact: true }).first().waitFor({ state: 'detached' });
  same((await ask('get', '/api/sessions')).Sessions, [], 'sessions');
  must(session.ID, 'no session was taken');
  nothingWrong(visitor, 'sessions');
});
