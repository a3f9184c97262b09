// The program's commands as processes: starts them, waits for their output, and stops them.
import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {createServer} from 'node:net';
import {setTimeout as sleep} from 'node:timers/promises';

export const DEADLINE = 60_000;

export class Program {
  /** Starts `wordtally` with these arguments and variables. */
  constructor(args, variables = {}) {
    this.said = '';
    this.name = args.slice(0, 2).join(' ');
    this.process = spawn(process.env.WORDTALLY, args, {stdio: ['ignore', 'pipe', 'pipe'], env: {...process.env, ...variables}});
    for (const stream of [this.process.stdout, this.process.stderr]) {
      stream.setEncoding('utf8').on('data', text => { this.said += text; });
    }
  }

  /** Waits for this output and returns the match. */
  async says(pattern) {
    for (const end = Date.now() + DEADLINE; Date.now() < end; await sleep(20)) {
      const found = this.said.match(pattern);
      if (found) return found;
      if (this.process.exitCode !== null) break;
    }
    throw new Error(`${this.name} did not say ${pattern}: ${this.said}`);
  }

  async stop() {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const ended = once(this.process, 'exit');
    this.process.kill();
    await ended;
  }
}

/** Ports that are free now. */
export async function freePorts(number) {
  const servers = await Promise.all(Array.from({length: number}, async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return server;
  }));
  const ports = servers.map(server => server.address().port);
  await Promise.all(servers.map(server => once(server.close(), 'close')));
  return ports;
}

/** Waits until the condition returns something. */
export async function until(what, condition) {
  for (const end = Date.now() + DEADLINE; Date.now() < end; await sleep(50)) {
    const found = await condition();
    if (found) return found;
  }
  throw new Error(`not in time: ${what}`);
}
