// A monitor sees what an administrator sees, and can change nothing.

import { ask, enter, must, nothingWrong, pages, row, run, same, site } from './browser.mjs';

await run(async (chrome) => {
  const session = await ask('take', 'seat');
  const connection = await ask('open', 'server');
  const visitor = await enter(chrome, { user: 'max' });
  const { page, context } = visitor;
  const [session_page, connection_page] = [`/console/sessions/${session.ID}`, `/console/connections/${connection.ID}`];
  const own = await pages(visitor);
  must(own.length >= 5, `only ${own} for a monitor`);
  for (const path of [...own, session_page, connection_page]) {
    same((await page.goto(site + path)).status(), 200, path);
    const forms = await page.$$eval('form[method=post]', (found) => found.map((form) => form.getAttribute('action')));
    same(forms.filter((action) => !/logout|look/.test(action)), [], `${path}: forms`);
    same(await page.locator('main .danger, main input[type=checkbox]').count(), 0, `${path}: buttons`);
  }
  nothingWrong(visitor, 'the pages of a monitor');
  await page.goto(`${site}/console/sessions`);
  must(await row(page, 'seat').isVisible(), 'a monitor does not see the seat');

  // What has no button is refused too.
  const token = await page.locator('input[name=token]').first().getAttribute('value');
  for (const [action, id] of [['sessions/release', session.ID], ['connections/close', connection.ID]]) {
    const refused = await context.request.post(`${site}/console/${action}`, {
      form: { token, pick: id }, maxRedirects: 0, headers: { origin: site },
    });
    same(refused.status(), 403, `${action} by a monitor`);
  }
  same((await ask('get', '/api/sessions')).Sessions.length, 1, 'sessions');
  const connections = (await ask('get', '/api/connections')).Connections.map((one) => one.ID);
  must(connections.includes(connection.ID), 'a monitor has closed a connection');
});
