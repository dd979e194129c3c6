// Every page, and one of each kind that those lead to, before the judge of accessibility: light, dark, and on a phone.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

import { details, enter, must, pages, run, site, visit } from './browser.mjs';

const judge = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const WAYS = [
  ['light', { colorScheme: 'light' }],
  ['dark', { colorScheme: 'dark' }],
  ['on a phone', { colorScheme: 'light', viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true }],
];

/// What the judge has against the page, in a line each.
async function faults(page) {
  // The judge is put beside the page, not into it: the page's policy lets no foreign script in.
  await page.evaluate(judge);
  const { violations } = await page.evaluate(() => axe.run(document, { resultTypes: ['violations'] }));
  return violations.map(({ id, impact, nodes, help }) =>
    `${impact}: ${id} (${help}): ${nodes.slice(0, 3).map((node) => node.html.slice(0, 200)).join(' | ')}`);
}

await run(async (chrome) => {
  const found = [];
  for (const [way, options] of WAYS) {
    const stranger = await visit(chrome, options);
    await stranger.page.goto(`${site}/console/login`);
    for (const fault of await faults(stranger.page)) found.push(`login, ${way}: ${fault}`);
    const visitor = await enter(chrome, options);
    const lists = await pages(visitor);
    for (const path of [...lists, ...await details(visitor, lists)]) {
      await visitor.page.goto(site + path);
      for (const fault of await faults(visitor.page)) found.push(`${path}, ${way}: ${fault}`);
    }
    await Promise.all([stranger.context.close(), visitor.context.close()]);
  }
  must(found.length === 0, found.join('\n'));
});
