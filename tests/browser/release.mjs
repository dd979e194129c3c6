// Administrators release seats and close a connection in the page, after a question that they may answer with no.

import { ask, enter, must, nothingWrong, row, run, same, site } from './browser.mjs';

await run(async (chrome) => {
  const visitor = await enter(chrome);
  const { page } = visitor;
  const sessions = async () => (await ask('get', '/api/sessions')).Sessions.map((one) => one.UserName).sort();
  for (const name of ['one', 'two', 'three', 'four']) await ask('take', name);

  // Two at once, chosen in the list; a choice outlives the redrawing of the list.
  await page.goto(`${site}/console/sessions`);
  for (const name of ['one', 'two']) await row(page, name).locator('input[type=checkbox]').check();
  await ask('take', 'five');
  await row(page, 'five').waitFor();
  for (const name of ['one', 'two']) {
    must(await row(page, name).locator('input[type=checkbox]').isChecked(), `the choice of "${name}" is lost`);
  }
  await page.click('#release');
  await page.waitForURL(/release/);
  const question = await page.textContent('main');
  must(question.includes('one') && question.includes('two') && !question.includes('three'), `asked is: ${question}`);
  await page.goBack();
  same(await sessions(), ['five', 'four', 'one', 'three', 'two'], 'sessions after a no');
  await page.goForward();
  await page.click('main form button.danger');
  await page.waitForURL(/sessions\?/);
  must(await page.locator('[role=status]').first().isVisible(), 'nothing is said of the release');
  same(await sessions(), ['five', 'four', 'three'], 'sessions after a yes');
  same(await row(page, 'one').count(), 0, 'rows of what was released');

  // One, from its own page.
  await row(page, 'three').locator('th a').click();
  await page.click('main a.danger');
  await page.click('main form button.danger');
  await page.waitForURL(/sessions\?/);
  same(await sessions(), ['five', 'four'], 'sessions');
  nothingWrong(visitor, 'sessions');

  const { ID } = await ask('open', 'server');
  await page.goto(`${site}/console/connections`);
  await page.locator(`main th a[href$="${ID}"]`).click();
  await page.click('main a.danger');
  await page.click('main form button.danger');
  await page.waitForURL(/connections\?/);
  same(await page.locator(`main th a[href$="${ID}"]`).count(), 0, 'rows of the connection');
  const left = (await ask('get', '/api/connections')).Connections.map((one) => one.ID);
  must(!left.includes(ID), 'the connection is not closed');
  nothingWrong(visitor, 'connections');
});
