// The usual operations of @google-cloud/bigquery, unmodified, against the stand-in.
import assert from 'node:assert/strict';
import {readFileSync, writeFileSync} from 'node:fs';
import {after, afterEach, before, test} from 'node:test';
import {BigQuery} from '@google-cloud/bigquery';
import {leadGoogleHosts} from './google-hosts.js';
import {DATASET, PROJECT, Standin, TABLE} from './standin.js';

const COUNTS = `SELECT corpus, SUM(word_count) AS total_words FROM \`${TABLE}\` WHERE word = @word GROUP BY corpus ORDER BY total_words DESC`;
const WORDS = `SELECT word FROM \`${TABLE}\` WHERE corpus = 'hamlet' ORDER BY word`;
const THE = {query: COUNTS, params: {word: 'the'}};
const JOBS = ['--job-user', PROJECT];
const DATA = ['--data-viewer', DATASET];

const standin = new Standin(process.env.CLIENT_TEST_FOLDER);
const connect = (name, projectId = PROJECT) => new BigQuery({projectId, keyFilename: standin.key(name), apiEndpoint: standin.url});
let client;
let hosts;

before(async () => {
  standin.account('reader', [...JOBS, ...DATA]);
  standin.account('no-reader', JOBS);
  standin.account('no-jobs', DATA);
  standin.account('unknown', [...JOBS, ...DATA], false);
  await standin.start();
  hosts = await leadGoogleHosts(standin.folder, standin.url);
  client = connect('reader');
});

afterEach(async () => {
  const waiting = await standin.waitingFaults();
  await standin.clearFaults();
  assert.deepEqual(waiting, [], 'an ordered fault did not strike');
});

after(async () => {
  hosts?.close();
  assert.equal(await standin.stop(), 0);
  assert.doesNotMatch(readFileSync(standin.log, 'utf8'), /PRIVATE KEY|ya29\./);
});

test('query with a named parameter', async () => {
  const [rows] = await client.query(THE);
  assert.equal(rows.length, 42);
  assert.equal(rows.find(row => row.corpus === 'hamlet').total_words, 989);
  assert.ok((await standin.counters()).tokenRequests > 0, 'the token came from the redirected host');
});

test('a parameter is a value and never SQL', async () => {
  assert.deepEqual(await client.query({query: COUNTS, params: {word: "the' OR 'a' = 'a"}}).then(([rows]) => rows), []);
});

test('an empty result', async () => {
  const [rows] = await client.query({query: COUNTS, params: {word: 'xyzzy'}});
  assert.deepEqual(rows, []);
});

test('positional and array parameters', async () => {
  const query = `SELECT corpus FROM \`${TABLE}\` WHERE word = 'the' AND word_count > ? AND corpus IN UNNEST(?)`;
  const [rows] = await client.query({query, params: [900, ['hamlet', 'venusandadonis']]});
  assert.deepEqual(rows, [{corpus: 'hamlet'}]);
});

test('values of every type survive a round trip', async () => {
  const at = BigQuery.timestamp('2026-01-02T03:04:05.000006Z');
  const params = {s: "naïve 'quoted' \\ \n日本", i: BigQuery.int('9007199254740993'), f: 0.1, b: true, at, on: BigQuery.date('1599-12-31')};
  const [[row]] = await client.query({query: 'SELECT @s AS s, @i AS i, @f AS f, @b AS b, @at AS at, @on AS on_', params, wrapIntegers: true});
  assert.equal(row.s, params.s);
  assert.equal(row.i.value, '9007199254740993');
  assert.deepEqual([row.f, row.b, row.on_.value], [0.1, true, '1599-12-31']);
  assert.equal(row.at.value, at.value);
});

test('paging', async () => {
  const [job] = await client.createQueryJob(WORDS);
  const words = [];
  const pages = [];
  for (let options = {maxResults: 1000, autoPaginate: false}; options; ) {
    const [rows, next] = await job.getQueryResults(options);
    words.push(...rows.map(row => row.word));
    pages.push(rows.length);
    options = next && {...next, autoPaginate: false};
  }
  assert.ok(pages.length > 4 && pages.slice(0, -1).every(length => length === 1000), String(pages));
  const [all] = await client.query(WORDS);
  assert.deepEqual(words, all.map(row => row.word));
});

test('a stream of rows, page after page', async () => {
  const [all] = await client.query(WORDS);
  await standin.fault('query', 'pageRows', {rows: 2000});
  await standin.fault('results', 'pageRows', {rows: 2000, times: 2});
  const words = [];
  for await (const row of client.createQueryStream(WORDS)) words.push(row.word);
  assert.deepEqual(words, all.map(row => row.word));
});

test('dry run', async () => {
  const {jobsCreated} = await standin.counters();
  const [job] = await client.createQueryJob({...THE, dryRun: true});
  assert.ok(Number(job.metadata.statistics.totalBytesProcessed) > 0);
  assert.deepEqual(job.metadata.statistics.query.schema.fields.map(field => field.type), ['STRING', 'INTEGER']);
  assert.equal((await standin.counters()).jobsCreated, jobsCreated);
});

test('missing table', async () => {
  await assert.rejects(client.query('SELECT 1 FROM `bigquery-public-data.samples.nothing`'), {
    code: 404, message: /Not found: Table bigquery-public-data:samples\.nothing/,
  });
});

test('bad SQL', async () => {
  await assert.rejects(client.query('SELEKT 1'), {code: 400, message: /Syntax error/});
});

test('more bytes than allowed', async () => {
  await assert.rejects(client.query({...THE, maximumBytesBilled: '1'}), /bytes billed/i);
});

test('no access to the data', async () => {
  await assert.rejects(connect('no-reader').query(THE), {code: 403, message: /Access Denied: Table/});
});

test('no right to create jobs', async () => {
  await assert.rejects(connect('no-jobs').query(THE), {code: 403, message: /bigquery\.jobs\.create/});
});

test('an account that is not known', async () => {
  await assert.rejects(connect('unknown').query(THE), /invalid_grant/);
});

test("another account's key", async () => {
  writeFileSync(standin.key('forged'), readFileSync(standin.key('unknown'), 'utf8').replaceAll('unknown@', 'reader@'));
  await assert.rejects(connect('forged').query(THE), /invalid_grant/);
});

test('a revoked token', async () => {
  const own = connect('reader');
  await own.query(THE);
  await standin.revoke((await own.authClient.getClient()).credentials.access_token);
  // Unlike Python's client, this one keeps a token until it expires, and reports that it is refused.
  await assert.rejects(own.query(THE), {code: 401, message: /invalid authentication credentials/});
  assert.equal((await connect('reader').query(THE))[0].length, 42);
});

test('datasets and tables', async () => {
  const [datasets] = await connect('reader', 'bigquery-public-data').getDatasets();
  assert.deepEqual(datasets.map(dataset => dataset.id), ['samples']);
  const dataset = client.dataset('samples', {projectId: 'bigquery-public-data'});
  assert.deepEqual((await dataset.getTables())[0].map(table => table.id), ['shakespeare']);
  const table = dataset.table('shakespeare');
  const [metadata] = await table.getMetadata();
  assert.deepEqual(metadata.schema.fields.map(field => field.name), ['word', 'word_count', 'corpus', 'corpus_date']);
  const [rows] = await table.getRows({maxResults: 7, autoPaginate: false});
  assert.equal(rows.length, 7);
  assert.equal(typeof rows[0].word_count, 'number');
});

test('jobs', async () => {
  const [job] = await client.createQueryJob({...THE, labels: {team: 'words'}});
  await job.getQueryResults();
  const [{configuration, status}] = await job.getMetadata();
  assert.deepEqual([configuration.labels, status.state], [{team: 'words'}, 'DONE']);
  const [jobs] = await client.getJobs({maxResults: 20, autoPaginate: false});
  assert.ok(jobs.some(listed => listed.id === job.id));
});

test('a slow job is waited for', async () => {
  const polls = async () => {
    const before = (await standin.counters()).polls;
    const [rows] = await client.query(THE);
    assert.equal(rows.length, 42);
    return (await standin.counters()).polls - before;
  };
  const atOnce = await polls();
  await standin.fault('query', 'incomplete', {polls: 3});
  assert.ok(await polls() > atOnce);
});

test('a failure that passes is tried again', async () => {
  await standin.fault('results', 'status', {code: 503});
  const [job] = await client.createQueryJob(THE);
  assert.equal((await job.getQueryResults())[0].length, 42);
});
