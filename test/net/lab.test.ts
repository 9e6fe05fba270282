import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { checkStream, HttpClient, type HttpRequest, hex, streamBody, streamDigest } from '../../src/net/index.js';
import { Lab, type LabOptions } from './support.js';

function bound(options: LabOptions = {}): Lab {
  const lab = new Lab(options);
  expect(lab.run(() => lab.dhcp!.bound)).toBe(true);
  return lab;
}

function fetch(lab: Lab, request: HttpRequest): HttpClient {
  const client = lab.clientLoop.add(new HttpClient(lab.client, lab.dns, request));
  expect(lab.run(() => client.ended)).toBe(true);
  lab.clientLoop.remove(client);
  return client;
}

function text(lab: Lab, request: HttpRequest): [HttpClient, string] {
  let body = '';
  const onBody = (u8: Uint8Array, at: number, bytes: number) => {
    body += Buffer.from(u8.subarray(at, at + bytes)).toString('latin1');
  };
  return [fetch(lab, { ...request, onBody }), body];
}

describe('a client behind a gateway, in virtual time', () => {
  it('gets a lease, a name and a file', () => {
    const lab = bound();
    expect(lab.client.address.toString()).toBe('10.0.2.15');
    expect(lab.scheduler.now).toBeLessThan(500_000);
    const bytes = 3_000_000;
    let position = 0;
    let wrong = -1;
    const client = fetch(lab, {
      url: `http://gateway.lab/bytes/${bytes}`,
      onBody(u8, at, count) {
        if (wrong < 0) wrong = checkStream(u8, at, position, count);
        position += count;
      },
    });
    expect(client.error).toBeUndefined();
    expect([client.phase, client.status, client.received, client.total]).toEqual(['done', 200, bytes, bytes]);
    expect(wrong).toBe(-1);
    expect(client.times.resolved - client.times.begun).toBeLessThan(100_000);
    expect(client.times.connected - client.times.resolved).toBeLessThan(50_000);
    expect(lab.run(() => lab.gateway.tcp.size === 0 || lab.http!.connections === 0)).toBe(true);
  });

  it('serves the hash of what it serves, in slices', () => {
    const lab = bound();
    const bytes = 5_000_001;
    const [, body] = text(lab, { url: `http://10.0.2.1/sha256/${bytes}` });
    expect(body).toBe(hex(streamDigest(bytes, () => createHash('sha256'))));
  });

  it('takes uploads with a length and in chunks', () => {
    const lab = bound();
    const bytes = 700_001;
    const sha256 = hex(streamDigest(bytes, () => createHash('sha256')));
    const source = streamBody(bytes);
    for (const length of [bytes, undefined]) {
      const { pull } = streamBody(bytes);
      const body = { length, pull };
      const [client, answer] = text(lab, { method: 'POST', url: 'http://gateway.lab/upload', body });
      expect(client.error).toBeUndefined();
      expect(JSON.parse(answer)).toEqual({ length: bytes, sha256 });
    }
    expect(source.length).toBe(bytes);
    const [, small] = text(lab, {
      method: 'POST',
      url: 'http://www.lab/upload',
      body: new TextEncoder().encode('abc'),
    });
    expect(JSON.parse(small).sha256).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  });

  it('downloads in chunks', () => {
    const lab = bound();
    let position = 0;
    const client = fetch(lab, {
      url: 'http://gateway.lab/chunked/300000',
      onBody(u8, at, count) {
        expect(checkStream(u8, at, position, count)).toBe(-1);
        position += count;
      },
    });
    expect([client.phase, client.total, position]).toEqual(['done', undefined, 300_000]);
  });

  it('says what went wrong', () => {
    const lab = bound();
    const code = (request: HttpRequest) => fetch(lab, request).error?.code;
    expect(code({ url: 'http://nobody.lab/' })).toBe('dns');
    expect(code({ url: 'http://gateway.lab:81/' })).toBe('refused');
    expect(code({ url: 'ftp://gateway.lab/' })).toBe('bad-url');
    expect(code({ url: 'http://10.0.2.99/', deadlines: { connect: 10_000_000 } })).toBe('unreachable');
    expect(code({ url: 'http://gateway.lab:9/', deadlines: { head: 2_000_000 } })).toBe('timeout');
    expect(fetch(lab, { url: 'http://gateway.lab/nothing' }).status).toBe(404);
    expect(fetch(lab, { url: 'http://gateway.lab/upload' }).status).toBe(405);
  });

  it('survives a bad cable', () => {
    const faults = { loss: 0.03, reorder: 0.05, duplicate: 0.03, seed: 7 };
    const lab = bound({ ...faults });
    let position = 0;
    const client = fetch(lab, {
      url: 'http://gateway.lab/bytes/500000',
      onBody(u8, at, count) {
        expect(checkStream(u8, at, position, count)).toBe(-1);
        position += count;
      },
    });
    expect([client.error, position]).toEqual([undefined, 500_000]);
  });
});
