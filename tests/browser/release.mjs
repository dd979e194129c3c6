// Administrators release a seat and close a connection on the page, after a question that they may answer with no.

import { ask, enter, must, nothingWrong, run, same, site } from './browser.mjs';

await run(async (chrome) => {
  const visitor = await enter(chrome);
  const { page } = visitor;
  for (const [path, action, list, make] of [
    ['/console/sessions', 'release', '/api/sessions', 'take'],
    ['/console/connections', 'close', '/api/connections', 'open'],
  ]) {
    for (const name of ['one', 'other']) await ask(make, name);
    await page.goto(site + path);
    const row = (name) => page.locator('main tr, main li, main article').filter({ hasText: name }).last();
    const rows = async () => Object.values(await ask('get', list))[0].length;
    const press = () => row('one').locator(`form[action*=${action}] button`).click();
    const question = page.locator('dialog[open]');

    await press();
    await question.waitFor();
    must((await question.textContent()).includes('one'), `the question does not say what: ${await question.textContent()}`);
    await page.keyboard.press('Escape');
    await question.waitFor({ state: 'hidden' });
    same(await rows(), 2, `${list} after a no`);

    await press();
    await question.locator('button.danger').click();
    await row('one').waitFor({ state: 'detached' });
    must(await row('other').isVisible(), `the other row of ${path} is gone`);
    same(await rows(), 1, `${list} after a yes`);
    nothingWrong(visitor, path);
  }
});
