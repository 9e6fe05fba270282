/** A file server on loopback with a body whose SHA-256 is known. */
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What {@link serveBytes} started. */
export interface FileServer {
  readonly port: number;
  readonly sha256: string;
  readonly bytes: number;
  /** How the body begins. */
  readonly head: Buffer;
  /** Bodies sent to the end. */
  readonly served: () => number;
  close(): Promise<void>;
}

/** Reproducible bytes that do not compress. */
export function noise(bytes: number, seed = 1): Buffer {
  const out = Buffer.alloc(bytes);
  let state = seed | 0 || 1;
  for (let at = 0; at + 4 <= bytes; at += 4) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    out.writeInt32LE(state, at);
  }
  return out;
}

/** Serves `bytes` bytes at every path on a free port of 127.0.0.1. */
export function serveBytes(bytes: number): Promise<FileServer> {
  const body = noise(bytes);
  const sha256 = createHash('sha256').update(body).digest('hex');
  let served = 0;
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': body.length });
    response.end(body, () => {
      served++;
    });
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      resolve({
        port: (server.address() as AddressInfo).port,
        sha256,
        bytes,
        head: body.subarray(0, 64),
        served: () => served,
        close: () =>
          new Promise((done) => {
            server.closeAllConnections();
            server.close(() => done());
          }),
      });
    });
  });
}
