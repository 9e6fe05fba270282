/**
 * An HTTP server on this machine's loopback (or in a network namespace), in a thread of its own: hosts that talk to foreign
 * programs block this one. Serves `/bytes/N` and takes `/upload`, like the lab's gateway.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { STREAM_PERIOD, writeStream } from '../net/index.js';

const PROGRAM = `
const http = require('node:http'), { createHash } = require('node:crypto');
const chunks = [];
process.stdin.on('data', (chunk) => chunks.push(chunk));
process.stdin.on('end', () => {
  const period = Buffer.concat(chunks);
  const server = http.createServer((request, response) => {
    const match = /^\\/bytes\\/(\\d+)$/.exec(request.url);
    if (match) {
      const total = Number(match[1]);
      response.writeHead(200, { 'Content-Length': total });
      let sent = 0;
      const more = () => {
        while (sent < total) {
          const piece = period.subarray(sent % period.length, Math.min(period.length, sent % period.length + Math.min(65536, total - sent)));
          sent += piece.length;
          if (!response.write(piece)) return void response.once('drain', more);
        }
        response.end();
      };
      more();
    } else if (request.url === '/upload') {
      const hash = createHash('sha256');
      let length = 0;
      request.on('data', (data) => { hash.update(data); length += data.length; });
      request.on('end', () => response.end(JSON.stringify({ length, sha256: hash.digest('hex') })));
    } else response.writeHead(404).end();
  });
  server.listen(0, process.argv[1], () => console.log(server.address().port));
});
`;

/** A running server. */
export interface LoopbackServer {
  readonly port: number;
  close(): void;
}

/**
 * Starts the server and waits until it listens on `address`.
 * @param prefix program and arguments to start it with, e.g. `ip netns exec NAME`
 */
export async function startLoopbackServer(
  address = '127.0.0.1',
  prefix: readonly string[] = [],
): Promise<LoopbackServer> {
  const period = new Uint8Array(STREAM_PERIOD);
  writeStream(period, 0, 0, STREAM_PERIOD);
  const [program, ...args] = [...prefix, process.execPath, '-e', PROGRAM, address];
  const child: ChildProcess = spawn(program!, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin!.on('error', () => {});
  child.stdin!.end(period);
  const port = await new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`the HTTP server ended with ${code}`)));
    child.stdout!.once('data', (data: Buffer) => resolve(Number(data.toString())));
  });
  return { port, close: () => void child.kill('SIGKILL') };
}
