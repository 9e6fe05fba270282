/** What the lab's gateway serves over HTTP: streams to download, their hashes, and a place to upload to. */
import { type HashFactory, hex, plainSha256 } from './hash.js';
import type { HttpAnswer, HttpHandler, HttpUpload } from './http-server.js';
import { StreamHash, streamBody } from './stream.js';

/** Largest download offered: 16 GiB. */
const MOST = 2 ** 34;

function amount(text: string): number | undefined {
  if (!/^\d{1,11}$/.test(text)) return undefined;
  const value = Number(text);
  return value <= MOST ? value : undefined;
}

/**
 * `GET /bytes/N`: N bytes of the fixed stream. `GET /sha256/N`: their SHA-256 in hex. `POST /upload`: JSON
 * `{"length":…,"sha256":"…"}` of what was sent. `GET /`: a line of text. `GET /chunked/N`: as bytes, in chunks.
 */
export function labRoutes(createHash: HashFactory = plainSha256): HttpHandler {
  return (request): HttpAnswer | HttpUpload => {
    const [, route = '', argument = ''] = request.path.split('/');
    if (route === 'upload') {
      if (request.method !== 'POST' && request.method !== 'PUT')
        return { status: 405, headers: { Allow: 'POST, PUT' } };
      return upload(createHash);
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') return { status: 405, headers: { Allow: 'GET, HEAD' } };
    if (route === '') return { status: 200, headers: { 'Content-Type': 'text/plain' }, body: 'nicforge lab gateway\n' };
    const bytes = amount(argument);
    if (bytes === undefined) return { status: 404 };
    const headers = { 'Content-Type': 'application/octet-stream' };
    if (route === 'bytes') return { status: 200, headers, body: streamBody(bytes) };
    if (route === 'chunked') {
      const { pull } = streamBody(bytes);
      return { status: 200, headers, body: { length: undefined, pull } };
    }
    if (route === 'sha256') return digest(bytes, createHash);
    return { status: 404 };
  };
}

function upload(createHash: HashFactory): HttpUpload {
  const hash = createHash();
  let length = 0;
  return {
    onBody(u8, at, bytes) {
      hash.update(u8.subarray(at, at + bytes));
      length += bytes;
    },
    finish() {
      const body = JSON.stringify({ length, sha256: hex(hash.digest()) });
      return { status: 200, headers: { 'Content-Type': 'application/json' }, body: `${body}\n` };
    },
  };
}

// A slice is hashed each time the server looks for more to send, so that no turn takes long.
function digest(bytes: number, createHash: HashFactory): HttpAnswer {
  const hash = new StreamHash(bytes, createHash);
  let text: string | undefined;
  let sent = 0;
  const length = 64;
  return {
    status: 200,
    headers: { 'Content-Type': 'text/plain' },
    body: {
      length,
      pull(u8, at, most) {
        if (text === undefined) {
          const found = hash.step();
          if (found === undefined) return 0;
          text = hex(found);
        }
        const count = Math.min(most, length - sent);
        for (let i = 0; i < count; i++) u8[at + i] = text.charCodeAt(sent + i);
        sent += count;
        return count;
      },
    },
  };
}
