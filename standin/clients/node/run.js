// Runs the tests in a process that trusts a throwaway certificate: Node.js reads NODE_EXTRA_CA_CERTS only when it starts.
import {execFileSync, spawnSync} from 'node:child_process';
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {TOKEN_HOST} from './google-hosts.js';

const folder = mkdtempSync(path.join(tmpdir(), 'wordtally-node-'));
try {
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', '-subj', `/CN=${TOKEN_HOST}`,
    '-addext', `subjectAltName=DNS:${TOKEN_HOST}`, '-keyout', 'tls.key', '-out', 'tls.crt'], {cwd: folder, stdio: 'pipe'});
  const ran = spawnSync(process.execPath, ['--test', '--test-timeout=120000', '--test-reporter=spec'], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: {...process.env, CLIENT_TEST_FOLDER: folder, NODE_EXTRA_CA_CERTS: path.join(folder, 'tls.crt')},
  });
  process.exitCode = ran.status ?? 1;
} finally {
  rmSync(folder, {recursive: true});
}
