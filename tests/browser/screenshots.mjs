// Pictures of the console, into the directory that is named.

import { enter, pages, run, site } from './browser.mjs';

const place = process.argv[3];

const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };

/// Name, path, and how the browser is set up.
const PICTURES = [
  ['overview', '/console/', {}],
  ['overview-dark', '/console/', { colorScheme: 'dark' }],
  ['overview-ru', '/console/', { locale: 'ru-RU' }],
  ['overview-phone', '/console/', PHONE],
  ['keys', '/console/keys', {}],
  ['sessions', '/console/sessions', {}],
  ['sessions-ru', '/console/sessions', { locale: 'ru-RU' }],
  ['devices', '/console/devices', {}],
  ['devices-dark', '/console/devices', { colorScheme: 'dark' }],
  ['devices-phone', '/console/devices', PHONE],
  ['gateway', '/console/gateway', {}],
  ['certificates', '/console/certificates', {}],
  ['audit', '/console/audit', {}],
];

await run(async (chrome) => {
  for (const [name, path, options] of PICTURES) {
    const visitor = await enter(chrome, { viewport: { width: 1280, height: 800 }, timezoneId: 'Europe/Moscow', ...options });
    if (!(await pages(visitor)).includes(path)) {
      console.error(`${path} is no page`);
    } else {
      await visitor.page.goto(site + path);
      await visitor.page.screenshot({ path: `${place}/${name}.png`, animations: 'disabled' });
    }
    await visitor.context.close();
  }
});
