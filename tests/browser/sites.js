// The pages under test: the demo, and instances with a stand-in whose data is meant to break a page.
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {execFileSync} from 'node:child_process';
import {DEADLINE, Program, freePorts, until} from './programs.js';

const PROJECT = 'mock-project';
const ACCOUNT = `page@${PROJECT}.iam.gserviceaccount.com`;

/** The demo with some words: the addresses of its index and of each word's page. */
export class Demo {
  async start(...words) {
    this.program = new Program(['demo', '--listen', '127.0.0.1:0', ...words.flatMap(word => ['--word', word])]);
    await this.program.says(/Ctrl-C/);
    const addresses = [...new Set(this.program.said.match(/http:\/\/127\.0\.0\.1:\d+\//g))];
    const titled = await Promise.all(addresses.map(async url => [await text(url), url]));
    this.index = titled.find(([page]) => page.includes('<h1>Words'))[1];
    this.pages = Object.fromEntries(words.map(word => [word, titled.find(([page]) => page.includes(`<h1>'${word}'`))[1]]));
    return this;
  }

  async stop() {
    await this.program.stop();
  }
}

export const LONG = 'honorificabilitudinitatibus'.repeat(10).slice(0, 252);
export const HEBREW = 'שלום';
export const MARKUP = '<script>alert(1)</script>';
const HOSTILE = [
  '</td></tr></table><script>alert(1)</script>', '"><img src=x onerror=alert(1)>', '\' onmouseover=\'alert(1)',
  'hamlet', '\u202Eevil', 'שלום עולם', '', '日本語のとても長い名前'.repeat(20), 'x'.repeat(3000),
];

/** One word each with an empty table, one row, 10,000 rows, and values that a page must survive. */
const TABLE = {
  [MARKUP]: HOSTILE.map((corpus, row) => [corpus, 1000 - 7 * row]),
  [HEBREW]: [['hamlet', 12], ['שלום עולם', 7], ['sonnets', 3]],
  [LONG]: [['loveslabourslost', 1], ['y'.repeat(252), 1]],
  one: [['tempest', 1]],
  many: Array.from({length: 10_000}, (_, row) => [`corpus ${String(row).padStart(5, '0')} `.padEnd(64, 'abc '), 20_000 - row]),
  Nowhere: [['hamlet', 4]],
};
/** The words under test; `nowhere` has no count. */
export const WORDS = [MARKUP, HEBREW, LONG, 'one', 'many', 'nowhere'];

export class Hostile {
  async start() {
    this.folder = mkdtempSync(path.join(tmpdir(), 'wordtally-browser-'));
    const file = name => path.join(this.folder, name);
    const quoted = field => `"${field.replaceAll('"', '""')}"`;
    const rows = Object.entries(TABLE).flatMap(([word, counts]) =>
      counts.map(([corpus, count]) => `${quoted(word)},${count},${quoted(corpus)},1600`));
    writeFileSync(file('table.csv'), `word,word_count,corpus,corpus_date\n${rows.join('\n')}\n`);

    const [standin, ...ports] = await freePorts(1 + WORDS.length);
    const endpoint = `http://127.0.0.1:${standin}`;
    execFileSync(process.env.WORDTALLY, ['standin', 'keygen', '--email', ACCOUNT, '--project', PROJECT,
      '--token-uri', `${endpoint}/token`, '--out', file('key.json'), '--public', file('iam.json'),
      '--job-user', PROJECT, '--data-viewer', 'bigquery-public-data.samples'], {timeout: DEADLINE, stdio: 'pipe'});
    this.standin = new Program(['standin', 'serve', '--listen', `127.0.0.1:${standin}`, '--iam', file('iam.json'),
      '--state', file('state'), '--data', file('table.csv')]);
    await this.standin.says(/http:\/\/127\.0\.0\.1:\d+/);

    const address = word => `http://127.0.0.1:${ports[WORDS.indexOf(word)]}/`;
    this.pages = Object.fromEntries(WORDS.map(word => [word, address(word)]));
    // A word's page is used as the index here, so that every link leads somewhere.
    writeFileSync(file('site.json'), JSON.stringify({
      index: address('one'), words: WORDS.map(word => ({word, url: address(word)})),
    }));
    this.instances = WORDS.map(word => new Program(['serve', '--word', word, '--listen', new URL(address(word)).host,
      '--credentials', file('key.json'), '--bigquery-endpoint', endpoint, '--ttl', '2s'], {SITE: file('site.json')}));
    await Promise.all(this.instances.map(instance => instance.says(/listening/)));
    await Promise.all(WORDS.map(word => until(`counts of ${word}`, async () => (await fetch(address(word))).ok)));
    return this;
  }

  /** Stops the stand-in and waits until the word's page is older than its TTL. */
  async makeStale(word) {
    await this.standin.stop();
    await until('a stale page', async () => (await text(this.pages[word])).includes('Not up to date'));
  }

  async stop() {
    await Promise.all([...this.instances, this.standin].map(program => program.stop()));
    rmSync(this.folder, {recursive: true});
  }
}

async function text(url) {
  const response = await fetch(url, {headers: {accept: 'text/html'}, signal: AbortSignal.timeout(DEADLINE)});
  return response.text();
}
