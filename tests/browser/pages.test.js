// Tests every kind of page in a real browser: everyone can read it, on every device, and it does nothing else.
import assert from 'node:assert/strict';
import {after, before, describe, test} from 'node:test';
import {Browser, MOST_BYTES, overflow, violations} from './browser.js';
import {Demo, HEBREW, Hostile, LONG, MARKUP} from './sites.js';

/** A width of 640 is a screen of 1,280 px at 200 %. */
const WIDTHS = [320, 390, 640, 1280];

const browser = new Browser();
const demo = new Demo();
const hostile = new Hostile();

/** Each page's address, by its name; known once the programs run. */
const PAGES = {
  'a word': () => demo.pages.love,
  'a word by rate': () => `${demo.pages.love}?order=rate`,
  'the index': () => demo.index,
  'an error': () => `${demo.pages.love}no/such/page`,
  'mark-up as a word and as names': () => hostile.pages[MARKUP],
  'a word from right to left': () => hostile.pages[HEBREW],
  'a word of 252 letters': () => hostile.pages[LONG],
  'one row': () => hostile.pages.one,
  '10,000 rows': () => hostile.pages.many,
  'a word in another case': () => hostile.pages.nowhere,
};

before(async () => {
  await browser.start();
  await Promise.all([demo.start('the', 'love', 'death'), hostile.start()]);
});

after(async () => {
  await Promise.all([demo.stop(), hostile.stop()]);
  await browser.stop();
});

for (const [name, url] of Object.entries(PAGES)) {
  describe(name, () => {
    let opened;

    before(async () => {
      opened = await browser.open(url());
      // The folded part belongs to the page.
      for (const summary of await opened.page.locator('summary').all()) await summary.click();
    });

    after(() => opened.close());

    for (const width of WIDTHS) {
      test(`is accessible and fits at ${width} px`, async () => {
        await opened.page.setViewportSize({width, height: 800});
        assert.deepEqual(await violations(opened.page), []);
        assert.equal(await overflow(opened.page), 0, 'px too wide');
      });
    }

    test('is accessible in the dark', async () => {
      await opened.page.emulateMedia({colorScheme: 'dark'});
      assert.deepEqual(await violations(opened.page), []);
    });

    test('fits on paper', async () => {
      await opened.page.setViewportSize({width: 720, height: 1000});
      await opened.page.emulateMedia({media: 'print'});
      assert.equal(await overflow(opened.page), 0, 'px too wide');
    });

    test('is small, and asks for nothing that its policy does not allow', async () => {
      assert.equal(opened.response.headers()['content-type'], 'text/html; charset=utf-8');
      assert.ok((await opened.response.body()).length < MOST_BYTES);
      // The browser logs this for each error page.
      assert.deepEqual(opened.faults.filter(fault => !fault.includes('status of 404')), []);
    });

    test('has links that lead somewhere', async () => {
      const {page, close} = await browser.open(url(), {javaScriptEnabled: false});
      const links = await page.locator('a, link:not([rel=icon])').evaluateAll(all => all.map(link => link.href));
      assert.ok(links.length > 0, 'no way on');
      for (const link of new Set(links)) {
        const answer = await fetch(link);
        assert.equal(answer.status, 200, link);
        await answer.body.cancel();
      }
      await close();
    });
  });
}

describe('a word', () => {
  test('is a table to a screen reader', async () => {
    const {page, close} = await browser.open(demo.pages.love);
    const heard = await page.locator('body').ariaSnapshot();
    assert.match(heard, /heading "'love' in Shakespeare's works" \[level=1\]/);
    assert.match(heard, /table "How often 'love' appears, highest count first"/);
    assert.match(heard, /columnheader "Work"/);
    assert.match(heard, /rowheader "Hamlet hamlet · 1600"/);
    assert.doesNotMatch(heard, /\bimg\b/, 'a bar is read aloud');
    await close();
  });

  test('is sorted by rate, saved as CSV and left for the next word without a script', async () => {
    const {page, close} = await browser.open(demo.pages.love, {javaScriptEnabled: false});
    const column = async number => {
      const cells = await page.locator(`tbody td:nth-child(${number})`).allInnerTexts();
      return cells.map(cell => Number(cell.replaceAll(',', '')));
    };
    const isSorted = numbers => numbers.every((number, at) => at === 0 || number <= numbers[at - 1]);
    assert.ok(isSorted(await column(2)) && !isSorted(await column(3)));
    await page.getByRole('link', {name: 'Per 10,000 words'}).click();
    assert.ok(isSorted(await column(3)) && !isSorted(await column(2)));
    await page.getByRole('link', {name: 'Times'}).click();
    assert.ok(isSorted(await column(2)));

    const download = page.waitForEvent('download');
    await page.getByRole('link', {name: 'CSV'}).click();
    assert.match((await download).suggestedFilename(), /\.csv$/);

    await page.getByRole('link', {name: 'Next: death'}).first().click();
    assert.match(await page.locator('h1').innerText(), /^'death'/);
    await page.getByRole('link', {name: 'All words'}).first().click();
    assert.equal(page.url(), demo.index);
    await page.getByRole('link', {name: 'love', exact: true}).click();
    assert.match(await page.locator('h1').innerText(), /^'love'/);
    await close();
  });

  test('shows its bars in colours that are forced on it', async () => {
    const {page, close} = await browser.open(demo.pages.love, {forcedColors: 'active', colorScheme: 'dark'});
    const fill = await page.locator('rect').first().evaluate(rect => getComputedStyle(rect).fill);
    assert.equal(fill, 'rgb(255, 255, 255)');
    await close();
  });
});

test('a script that gets into a page does not run, and the tests hear of it', async () => {
  const {page, faults, close} = await browser.open(demo.pages.love);
  await page.evaluate(() => {
    const script = document.createElement('script');
    script.textContent = 'window.ran = true';
    document.body.append(script);
  });
  assert.equal(await page.evaluate(() => window.ran), undefined);
  assert.equal(faults.length, 1);
  assert.match(faults[0], /Content Security Policy/);
  await close();
});

test('numbers that are not BigQuery\'s say so, on every page that has some', async () => {
  for (const name of ['a word', 'a word by rate', 'the index', 'a word in another case']) {
    const {page, close} = await browser.open(PAGES[name]());
    assert.ok(await page.getByText('Sample data, from the stand-in.').isVisible(), name);
    await close();
  }
});

test('a word that appears in another case only says which', async () => {
  const {page, close} = await browser.open(hostile.pages.nowhere);
  assert.equal(await page.locator('.lead').innerText(), "'nowhere' appears nowhere. With different capitals: 'Nowhere', 4 times.");
  await close();
});

// This comes last, because it stops the stand-in.
test('a page that is older than its TTL says so, and is accessible', async () => {
  await hostile.makeStale('one');
  const {page, close} = await browser.open(hostile.pages.one);
  assert.ok(await page.getByText('Not up to date.').isVisible());
  assert.deepEqual(await violations(page), []);
  await close();
});
