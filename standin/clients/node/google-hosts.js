// Redirects Google's token host to the stand-in, because the client uses that host whatever the key file says.
//
// A proxy (HTTPS_PROXY) accepts connections to that one host, presents the certificate that run.js made, and forwards what
// it reads. It refuses all other hosts.
import {readFileSync} from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import path from 'node:path';
import {pipeline} from 'node:stream';
import tls from 'node:tls';

export const TOKEN_HOST = 'oauth2.googleapis.com';

/** Starts the proxy, for the stand-in at this URL; `close` ends it. */
export async function leadGoogleHosts(folder, url) {
  const secureContext = tls.createSecureContext({
    key: readFileSync(path.join(folder, 'tls.key')),
    cert: readFileSync(path.join(folder, 'tls.crt')),
  });
  const sockets = new Set();
  const proxy = http.createServer((request, response) => response.writeHead(403).end());
  proxy.on('connect', (request, socket) => {
    if (request.url !== `${TOKEN_HOST}:443`) return socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
    socket.write('HTTP/1.1 200 OK\r\n\r\n');
    const {hostname, port} = new URL(url);
    const onward = net.connect(port, hostname);
    const client = new tls.TLSSocket(socket, {isServer: true, secureContext});
    sockets.add(socket).add(onward);
    pipeline(client, onward, client, () => socket.destroy());
  });
  await new Promise(resolve => proxy.listen(0, '127.0.0.1', resolve));
  process.env.HTTPS_PROXY = `http://127.0.0.1:${proxy.address().port}`;
  process.env.NO_PROXY = '127.0.0.1';
  return {
    close() {
      proxy.close();
      sockets.forEach(socket => socket.destroy());
    },
  };
}
