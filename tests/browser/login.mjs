// The door: what is asked of a stranger, a wrong password, a right one, the way out.

import { expectWrong, logIn, must, nothingWrong, run, same, site, visit } from './browser.mjs';

await run(async (chrome) => {
  const visitor = await visit(chrome);
  const { page, context } = visitor;
  // A stranger is led to the door, and from there to where they wanted to go.
  await page.goto(`${site}/console/sessions`);
  must(page.url().startsWith(`${site}/console/login`), `a stranger is at ${page.url()}`);
  same(await page.locator('nav a').count(), 0, 'pages that are offered to a stranger');
  nothingWrong(visitor, 'the door');

  for (const [user, password] of [['olga', 'a bad password'], ['nobody', 'a good password'], ['<b>olga</b>', 'x']]) {
    await logIn(page, user, password);
    must(page.url().includes('/login'), `${user} with "${password}" is at ${page.url()}`);
    must(await page.locator('[role=alert]').isVisible(), 'a refusal is not told');
    same((await context.cookies()).filter(({ httpOnly }) => httpOnly), [], 'cookies of a stranger');
    expectWrong(visitor, /40[013]|429/);
  }

  await page.goto(`${site}/console/sessions`);
  await logIn(page, 'olga', 'a good password', null);
  same(new URL(page.url()).pathname, '/console/sessions', 'where one wanted to go');
  const [cookie] = (await context.cookies()).filter(({ httpOnly }) => httpOnly);
  must(cookie?.name === `keynode_console_${new URL(page.url()).port}`, 'no cookie that scripts cannot read');
  same(cookie.sameSite, 'Lax', 'the cookie');
  nothingWrong(visitor, 'within');

  // A link in a mail or on a dashboard, which is another site, leads to the page and not to the door.
  await page.goto(`data:text/html,<a href="${site}/console/keys">keys</a>`);
  await page.click('a');
  await page.waitForURL(/console/);
  same(new URL(page.url()).pathname, '/console/keys', 'where a link from elsewhere leads');
  nothingWrong(visitor, 'from elsewhere');

  // A second tab is the same person; the way out is for both.
  const tab = await context.newPage();
  await tab.goto(`${site}/console/`);
  must(!tab.url().includes('/login'), 'a second tab is a stranger');
  // A tab behind another is not drawn, and what is not drawn cannot be clicked.
  await page.bringToFront();
  await page.locator('form[action*=logout] button').click();
  await page.waitForURL(/login/);
  // The other tab is told, and goes to the door by itself: wherever a script sent it meanwhile, it would be in the way.
  await tab.bringToFront();
  await tab.waitForURL(/login/);
  // The old cookie is worth nothing.
  await context.addCookies([cookie]);
  await page.goto(`${site}/console/sessions`);
  must(page.url().includes('/login'), 'the cookie of a login that has ended opens the door');
});
