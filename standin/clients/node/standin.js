// The stand-in as a separate process, with an IAM file and with service-account files like Google's.
import {execFileSync, spawn} from 'node:child_process';
import {closeSync, openSync, readFileSync} from 'node:fs';
import {once} from 'node:events';
import path from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';

const {WORDTALLY} = process.env;
const DEADLINE = 20_000;
export const PROJECT = 'mock-project';
export const DATASET = 'bigquery-public-data.samples';
export const TABLE = `${DATASET}.shakespeare`;

export class Standin {
  #iam = [];

  constructor(folder) {
    this.folder = folder;
    this.log = path.join(folder, 'standin.log');
  }

  /** A service account and its key file; an unknown account is in no IAM file. */
  account(name, roles, known = true) {
    const iam = path.join(this.folder, `${name}.iam.json`);
    execFileSync(WORDTALLY, ['standin', 'keygen', '--email', `${name}@${PROJECT}.iam.gserviceaccount.com`, '--project', PROJECT,
      '--out', this.key(name), '--public', iam, ...roles], {timeout: DEADLINE, stdio: 'pipe'});
    if (known) this.#iam.push('--iam', iam);
  }

  key(name) {
    return path.join(this.folder, `${name}.json`);
  }

  async start() {
    const log = openSync(this.log, 'w');
    this.process = spawn(WORDTALLY, ['standin', 'serve', '--listen', '127.0.0.1:0', '--admin', '--state',
      path.join(this.folder, 'state'), ...this.#iam], {stdio: ['ignore', log, log]});
    closeSync(log);
    for (const end = Date.now() + DEADLINE; Date.now() < end; await sleep(20)) {
      this.url = readFileSync(this.log, 'utf8').match(/http:\/\/127\.0\.0\.1:\d+/)?.[0];
      if (this.url) return;
    }
    throw new Error(`the stand-in did not start: ${readFileSync(this.log, 'utf8')}`);
  }

  /** Stops it and returns its exit code. */
  async stop() {
    const ended = once(this.process, 'exit');
    this.process.kill();
    return (await ended)[0];
  }

  fault(target, kind, details = {}) {
    return this.#request('POST', '/standin/faults', JSON.stringify({target, kind, times: 1, ...details}));
  }

  async waitingFaults() {
    return (await this.#request('GET', '/standin/faults')).json();
  }

  clearFaults() {
    return this.#request('DELETE', '/standin/faults');
  }

  async counters() {
    return (await this.#request('GET', '/standin/counters')).json();
  }

  revoke(token) {
    return this.#request('POST', '/revoke', new URLSearchParams({token}));
  }

  async #request(method, where, body) {
    const response = await fetch(this.url + where, {method, body, signal: AbortSignal.timeout(DEADLINE)});
    if (!response.ok) throw new Error(`${method} ${where}: ${response.status} ${await response.text()}`);
    return response;
  }
}
