/** The client's side of vfio-user, as small as tests of the server need it. */
import { closeSync } from 'node:fs';
import { type Libc, libc } from '../../src/hosts/native/libc.js';

/** An answer: errno 0 unless it is an error. */
export interface Answer {
  readonly id: number;
  readonly command: number;
  readonly errno: number;
  readonly body: Buffer;
}

const EAGAIN = 11;

/** A connection to a server in this process; every wait gives the event loop its turn. */
export class VfioClient {
  readonly #libc: Libc = libc();
  readonly #fd: number;
  #id = 0;
  #in = Buffer.alloc(0);
  readonly #into = Buffer.allocUnsafeSlow(65_536);
  #open = true;

  constructor(path: string) {
    this.#fd = this.#libc.connectUnix(path);
  }

  /** Sends bytes as they are. */
  raw(bytes: Uint8Array, fds: readonly number[] = []): void {
    const own = Buffer.alloc(bytes.length);
    own.set(bytes);
    const sent = this.#libc.send(this.#fd, own, 0, own.length, fds);
    if (sent !== own.length) throw new Error(`sent ${sent} of ${own.length}`);
  }

  /** Sends bytes as they are, waiting for room. False: the server has closed the connection. */
  async patient(bytes: Buffer): Promise<boolean> {
    for (let at = 0; at < bytes.length; ) {
      const sent = this.#libc.send(this.#fd, bytes, at, bytes.length - at);
      if (sent > 0) at += sent;
      else if (sent !== -EAGAIN) return false;
      else await new Promise((resolve) => setImmediate(resolve));
    }
    return true;
  }

  /** Sends a command; `flags` 0x10: no reply. Returns its id. */
  send(command: number, body: Uint8Array, fds: readonly number[] = [], flags = 0): number {
    this.raw(this.#message(command, body, flags), fds);
    return this.#id;
  }

  #message(command: number, body: Uint8Array, flags: number): Buffer {
    const message = Buffer.alloc(16 + body.length);
    message.writeUInt16LE(++this.#id & 0xffff, 0);
    message.writeUInt16LE(command, 2);
    message.writeUInt32LE(message.length, 4);
    message.writeUInt32LE(flags, 8);
    message.set(body, 16);
    return message;
  }

  /** The next answer; undefined when the server has closed the connection. */
  async answer(): Promise<Answer | undefined> {
    const into = this.#into;
    const deadline = Date.now() + 10_000;
    while (Date.now() < deadline) {
      if (this.#in.length >= 16 && this.#in.length >= this.#in.readUInt32LE(4)) {
        const size = this.#in.readUInt32LE(4);
        const message = this.#in.subarray(0, size);
        this.#in = this.#in.subarray(size);
        return {
          id: message.readUInt16LE(0),
          command: message.readUInt16LE(2),
          errno: message.readUInt32LE(12),
          body: message.subarray(16),
        };
      }
      const count = this.#libc.receivePlain(this.#fd, into, 0, into.length);
      if (count > 0) this.#in = Buffer.concat([this.#in, into.subarray(0, count)]);
      else if (count === 0 || count === -104) return undefined;
      else await new Promise((resolve) => setImmediate(resolve));
    }
    throw new Error('the server did not answer within 10 s');
  }

  /** Sends, behind all that was sent before, and waits for the answer. */
  async call(command: number, body: Uint8Array, fds: readonly number[] = []): Promise<Answer> {
    if (fds.length > 0) this.send(command, body, fds);
    else await this.patient(this.#message(command, body, 0));
    const id = this.#id & 0xffff;
    const answer = await this.answer();
    if (!answer || answer.id !== id || answer.command !== command)
      throw new Error(`command ${command} got ${JSON.stringify(answer)}`);
    return answer;
  }

  close(): void {
    if (this.#open) closeSync(this.#fd);
    this.#open = false;
  }
}

/** 32-bit words, little-endian. */
export function words(...values: number[]): Buffer {
  const out = Buffer.alloc(4 * values.length);
  values.forEach((value, i) => {
    out.writeInt32LE(value | 0, 4 * i);
  });
  return out;
}
