// Light and dark follow the browser until one is chosen; the choice is kept, and nothing flashes in the other colours.

import { enter, must, nothingWrong, run, same, site } from './browser.mjs';

/// How bright the page is: 0 to 255.
function brightness(page) {
  return page.evaluate(() => {
    const colour = getComputedStyle(document.documentElement).backgroundColor.match(/[\d.]+/g).map(Number);
    return (colour[0] + colour[1] + colour[2]) / 3;
  });
}

const isDark = async (page) => await brightness(page) < 80;

await run(async (chrome) => {
  const visitor = await enter(chrome, { colorScheme: 'light' });
  const { page } = visitor;
  await page.goto(`${site}/console/`);
  same(await isDark(page), false, 'dark in a light browser');
  await page.emulateMedia({ colorScheme: 'dark' });
  same(await isDark(page), true, 'dark in a dark browser');

  // Each of the switch's choices, in a browser that wants the other.
  for (const [scheme, dark] of [['light', false], ['dark', true]]) {
    await page.emulateMedia({ colorScheme: dark ? 'light' : 'dark' });
    await page.click(`button[name=colours][value=${scheme}]`);
    await page.locator(`html[data-colours=${scheme}]`).waitFor();
    same(await isDark(page), dark, `dark after ${scheme} was chosen`);
    await page.goto(`${site}/console/keys`);
    same(await isDark(page), dark, `dark on the next page after ${scheme} was chosen`);
    must(await page.evaluate(() => getComputedStyle(document.documentElement).colorScheme.length > 0), 'no color-scheme');
  }
  nothingWrong(visitor, 'colours');
});
