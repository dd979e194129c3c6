// The user whom every new node has, with the password that everybody knows: nothing is shown until it is another.

import { expectWrong, logIn, must, run, site, visit } from './browser.mjs';

await run(async (chrome) => {
  const visitor = await visit(chrome);
  const { page } = visitor;
  await logIn(page, 'admin', 'admin');
  const asked = /password/;
  must(asked.test(page.url()), `after the initial password at ${page.url()}`);
  for (const path of ['/console/', '/console/sessions', '/console/settings']) {
    await page.goto(site + path);
    must(asked.test(page.url()), `${path} is open to the initial password`);
  }
  const change = async (old, fresh, again) => {
    const fields = page.locator('main input[type=password]');
    await fields.nth(0).fill(old);
    await fields.nth(1).fill(fresh);
    await fields.nth(2).fill(again);
    await page.click('main form button');
    await page.waitForLoadState();
  };
  for (const [old, fresh, again] of [
    ['admin', 'another password', 'yet another one'],
    ['wrong', 'another password', 'another password'],
    ['admin', 'admin', 'admin'],
    ['admin', 'x', 'x'],
  ]) {
    await change(old, fresh, again);
    must(asked.test(page.url()), `"${old}" was changed to "${fresh}", "${again}"`);
    must(await page.locator('[role=alert]').isVisible(), 'a refusal is not told');
    expectWrong(visitor, /40[0139]|422|429/);
  }
  await change('admin', 'another password', 'another password');
  await page.goto(`${site}/console/sessions`);
  if (page.url().includes('/login')) await logIn(page, 'admin', 'another password');
  await page.goto(`${site}/console/sessions`);
  must(page.url().endsWith('/console/sessions'), `after the change at ${page.url()}`);

  const stranger = await visit(chrome);
  await logIn(stranger.page, 'admin', 'admin');
  must(stranger.page.url().includes('/login'), 'the initial password still opens the door');
});
