/** Heads of HTTP/1.1 messages (RFC 9112): collected from a socket up to a limit, then parsed once. */
import type { TcpSocket } from '../stack/socket/tcp/socket.js';

/** Longest head taken. */
export const LONGEST_HEAD = 16384;
const MOST_FIELDS = 100;

/** A start line and the fields under it; names in lower case, repeated fields joined with `, `. */
export interface HttpHead {
  readonly start: string;
  readonly fields: ReadonlyMap<string, string>;
}

/** Collects a head. Reuse it with {@link HeadReader.clear}. */
export class HeadReader {
  readonly #bytes = new Uint8Array(LONGEST_HEAD);
  #used = 0;

  clear(): void {
    this.#used = 0;
  }

  /** True once some of a head has come. */
  get begun(): boolean {
    return this.#used > 0;
  }

  /**
   * Takes bytes from the socket up to and including the empty line. The head when it is whole, `undefined` when more must
   * come, `'bad'` when it does not parse or is too long.
   */
  read(socket: TcpSocket): HttpHead | 'bad' | undefined {
    const u8 = socket.layer.arena.u8;
    const bytes = this.#bytes;
    for (let piece = 0; piece < 2; piece++) {
      const run = socket.readRun;
      const from = socket.readAt;
      for (let i = 0; i < run; i++) {
        if (this.#used === LONGEST_HEAD) return 'bad';
        const byte = u8[from + i]!;
        bytes[this.#used++] = byte;
        if (byte !== 10) continue;
        const n = this.#used;
        const ends = (bytes[n - 2] === 13 && bytes[n - 3] === 10) || bytes[n - 2] === 10;
        // Empty lines before a start line are skipped (RFC 9112 §2.2).
        if (n <= 2 && (n === 1 || bytes[0] === 13)) this.#used = 0;
        else if (ends) {
          socket.consume(i + 1);
          return this.#parse();
        }
      }
      socket.consume(run);
    }
    return undefined;
  }

  #parse(): HttpHead | 'bad' {
    let text = '';
    for (let i = 0; i < this.#used; i++) text += String.fromCharCode(this.#bytes[i]!);
    this.#used = 0;
    const lines = text.split(/\r?\n/);
    const fields = new Map<string, string>();
    if (lines.length > MOST_FIELDS + 3) return 'bad';
    for (const line of lines.slice(1)) {
      if (line === '') continue;
      const match = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*$/.exec(line);
      // Folded lines and blanks before the colon are refused (RFC 9112 §5.1, §5.2).
      if (match === null || match[2]!.includes('\0')) return 'bad';
      const name = match[1]!.toLowerCase();
      const old = fields.get(name);
      fields.set(name, old === undefined ? match[2]! : `${old}, ${match[2]!}`);
    }
    return { start: lines[0]!, fields };
  }
}

/** How a body ends (RFC 9112 §6.3): after this many bytes, with the last chunk, or with the connection. */
export type BodyLength = number | 'chunked' | 'close' | 'bad';

/** What the fields say about the body; without a word `otherwise`. Contradictions are `'bad'`. */
export function bodyLength(head: HttpHead, otherwise: 0 | 'close'): BodyLength {
  const coding = head.fields.get('transfer-encoding');
  const length = head.fields.get('content-length');
  if (coding !== undefined) {
    // Both at once is how requests are smuggled (RFC 9112 §6.1).
    if (length !== undefined || coding.toLowerCase() !== 'chunked') return 'bad';
    return 'chunked';
  }
  if (length === undefined) return otherwise;
  const values = new Set(length.split(',').map((part) => part.trim()));
  const [first = ''] = values;
  if (values.size !== 1 || !/^\d{1,15}$/.test(first)) return 'bad';
  return Number(first);
}
