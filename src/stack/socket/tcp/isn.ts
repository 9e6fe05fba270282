/** Initial sequence numbers (RFC 6528): a clock of 4 microseconds plus a keyed hash of the connection. */
import type { Micros } from '../../../platform/clock.js';
import type { Random } from '../../../platform/random.js';
import { KeyedHash } from '../../storage/keyed-hash.js';
import type { Tuple } from '../../storage/tuple-table.js';

/** One secret per stack. */
export class IsnGenerator {
  readonly #hash: KeyedHash;

  constructor(random: Random) {
    this.#hash = new KeyedHash(random);
  }

  /** int32. */
  next(tuple: Tuple, now: Micros): number {
    const clock = Math.floor(now / 4) | 0;
    return (clock + this.#hash.tuple(tuple.local, tuple.localPort, tuple.remote, tuple.remotePort)) | 0;
  }
}
