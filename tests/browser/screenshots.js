// Writes screenshots: each page, as devices and readers of many kinds see it.
//     WORDTALLY=PROGRAM node screenshots.js FOLDER   all of them
//     WORDTALLY=PROGRAM node screenshots.js --docs   those of docs/pictures
import {mkdirSync} from 'node:fs';
import path from 'node:path';
import {Browser} from './browser.js';
import {Demo, HEBREW, Hostile, LONG, MARKUP} from './sites.js';

/** The settings of readers' devices. A zoom of 200 % on a screen of 1280 px leaves 640. */
const READERS = {
  320: {width: 320, height: 640},
  390: {width: 390},
  768: {width: 768, height: 1024},
  1280: {width: 1280, height: 900},
  dark: {width: 390, colorScheme: 'dark'},
  'forced-colors': {width: 390, forcedColors: 'active', colorScheme: 'dark'},
  zoom: {width: 640, height: 450, deviceScaleFactor: 2},
};

async function shoot(browser, url, file, device, {fullPage = true, media, open = false} = {}) {
  const {page, close} = await browser.open(url, device);
  if (media) await page.emulateMedia({media});
  if (open) await page.locator('summary').click();
  await page.screenshot({path: file, fullPage});
  await close();
}

const [target] = process.argv.slice(2);
const browser = await new Browser().start();
const demo = await new Demo().start('the', 'love', 'death', 'Romeo');
try {
  if (target === '--docs') {
    const at = name => path.join(import.meta.dirname, `../../docs/pictures/${name}.png`);
    await shoot(browser, demo.pages.love, at('page'), {width: 1200, height: 900}, {fullPage: false});
    await shoot(browser, demo.index, at('index'), {width: 1200, height: 380}, {fullPage: false});
  } else {
    mkdirSync(target, {recursive: true});
    const at = name => path.join(target, `${name}.png`);
    for (const [name, device] of Object.entries(READERS)) {
      await shoot(browser, demo.pages.love, at(`word-${name}`), device);
      await shoot(browser, demo.index, at(`index-${name}`), device);
    }
    await shoot(browser, demo.pages.love, at('word-print'), {width: 794, height: 1123}, {media: 'print'});
    await shoot(browser, `${demo.pages.love}?order=rate`, at('word-by-rate'), {width: 390});
    await shoot(browser, demo.pages.love, at('word-plain-text'), {width: 390}, {open: true});
    await shoot(browser, `${demo.pages.love}nothing`, at('error'), {width: 390});
    const hostile = await new Hostile().start();
    try {
      for (const [name, word] of Object.entries({markup: MARKUP, hebrew: HEBREW, long: LONG, one: 'one', nowhere: 'nowhere'})) {
        await shoot(browser, hostile.pages[word], at(`hostile-${name}`), {width: 390});
      }
      await shoot(browser, hostile.pages[MARKUP], at('hostile-markup-1280'), {width: 1280});
      await shoot(browser, hostile.pages.many, at('hostile-many'), {width: 390}, {fullPage: false});
      await hostile.makeStale('one');
      await shoot(browser, hostile.pages.one, at('hostile-stale'), {width: 390});
    } finally {
      await hostile.stop();
    }
  }
} finally {
  await demo.stop();
  await browser.stop();
}
