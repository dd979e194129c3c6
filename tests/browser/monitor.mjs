// A monitor sees what an administrator sees, and can change nothing.

import { ask, enter, must, nothingWrong, pages, run, same, site } from './browser.mjs';

await run(async (chrome) => {
  const session = await ask('take', 'seat');
  await ask('open', 'server');
  const visitor = await enter(chrome, { user: 'max' });
  const { page, context } = visitor;
  const own = await pages(visitor);
  must(own.length >= 5, `only ${own} for a monitor`);
  for (const path of own) {
    const answer = await page.goto(site + path);
    same(answer.status(), 200, path);
    const forms = await page.$$eval('form:not([method=get])', (found) => found.map((form) => form.getAttribute('action')));
    same(forms.filter((action) => !/logout|look/.test(action ?? '')), [], `${path}: forms`);
    const acting = await page.$$eval('[hx-post], [hx-delete], [hx-put]', (found) => found.map((one) => one.outerHTML));
    same(acting, [], `${path}: what changes the node`);
  }
  nothingWrong(visitor, 'the pages of a monitor');
  await page.goto(`${site}/console/sessions`);
  must(await page.locator('main').getByText('seat', { exact: true }).first().isVisible(), 'a monitor does not see the seat');

  // What has no button is refused too.
  const administrator = await enter(chrome);
  await administrator.page.goto(`${site}/console/sessions`);
  const action = await administrator.page.locator('form[action*=release]').first().getAttribute('action');
  const token = await page.locator('input[name=token]').first().getAttribute('value');
  const refused = await context.request.post(new URL(action, `${site}/console/sessions`).href, {
    form: { token }, maxRedirects: 0, headers: { origin: site },
  });
  same(refused.status(), 403, 'a release by a monitor');
  must((await ask('get', `/api/sessions/${session.ID}`)).ID === session.ID, 'the monitor has released a seat');
});
