// The first view of a page, with an empty cache: everything that is sent for it, heads included.

import { enter, must, pages, run, site, visit } from './browser.mjs';

/// Bytes that a first view may take.
const MOST = 100_000;

await run(async (chrome) => {
  const known = await enter(chrome);
  const cookies = await known.context.cookies();
  for (const path of await pages(known)) {
    // The cache of a new context is empty.
    const visitor = await visit(chrome);
    await visitor.context.addCookies(cookies);
    const wire = await visitor.context.newCDPSession(visitor.page);
    await wire.send('Network.enable');
    const sent = new Map();
    const add = ({ requestId, encodedDataLength }) =>
      sent.set(requestId, (sent.get(requestId) ?? 0) + encodedDataLength);
    wire.on('Network.dataReceived', add);
    wire.on('Network.responseReceived', ({ requestId, response }) =>
      add({ requestId, encodedDataLength: response.encodedDataLength }));
    await visitor.page.goto(site + path);
    const total = [...sent.values()].reduce((all, one) => all + one, 0);
    must(total > 1000, `${path}: ${total} bytes were counted`);
    must(total < MOST, `${path}: ${total} bytes for the first view`);
    await visitor.context.close();
  }
});
