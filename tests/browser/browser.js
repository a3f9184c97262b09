// A browser that reports every error in a page, and the measurements of a page.
import axe from 'axe-core';
import {chromium} from 'playwright-core';

/** Pages stay below this size, because they are sent without an encoding. */
export const MOST_BYTES = 1_000_000;

export class Browser {
  async start() {
    this.browser = await chromium.launch({
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      // A build's sandbox has no user namespaces and little shared memory, and the pages are our own.
      args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'],
    });
    return this;
  }

  /**
   * The page at an address, as a device of that width sees it, and a list of what went wrong there: errors on the
   * console, violations of the policy, failed requests, and requests for anything but the page.
   */
  async open(url, {width = 390, height = 844, ...device} = {}) {
    const context = await this.browser.newContext({viewport: {width, height}, ...device});
    const page = await context.newPage();
    const faults = [];
    page.on('console', message => faults.push(`console: ${message.text()}`));
    page.on('pageerror', error => faults.push(`error: ${error}`));
    page.on('dialog', dialog => { faults.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
    page.on('requestfailed', request => faults.push(`failed: ${request.url()}`));
    page.on('request', request => {
      if (!request.isNavigationRequest() && !request.url().startsWith('data:')) faults.push(`request: ${request.url()}`);
    });
    const response = await page.goto(url);
    return {page, response, faults, close: () => context.close()};
  }

  async stop() {
    await this.browser.close();
  }
}

/** The faults that axe finds, one on each line. Its code is loaded through the debugger, which no page's policy blocks. */
export async function violations(page) {
  await page.evaluate(axe.source);
  const {violations} = await page.evaluate(() => window.axe.run(document, {
    runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
  }));
  return violations.flatMap(({id, help, nodes}) => nodes.map(node => `${id}: ${help}: ${node.html.slice(0, 200)}`));
}

/** By how many pixels the page is wider than its window. */
export function overflow(page) {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
}
