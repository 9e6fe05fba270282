/** Says that something a test needs cannot be had here; the test is then skipped with this reason printed. */
export class Unavailable extends Error {
  /** What is missing: the name of a piece (`qemu`, `kernel`, `tun`). */
  readonly what: string;
  /** Why, as a word of a closed list that `test/allowed-skips.json` may name. */
  readonly code: UnavailableCode;

  constructor(what: string, code: UnavailableCode, detail: string) {
    super(`${what}: ${code}: ${detail}`);
    this.name = 'Unavailable';
    this.what = what;
    this.code = code;
  }
}

/**
 * Why a piece is missing. `platform`: not Linux on x86-64 with apt; `no-debian-source`: apt names no Debian mirror;
 * `download`: the mirror did not answer or lacks the package; `unpack`: what came could not be used; `privilege`: the
 * right (root, a namespace, /dev/net/tun) is missing; `too-old`: a version below the one needed; `missing`: it is not installed.
 */
export type UnavailableCode =
  | 'platform'
  | 'no-debian-source'
  | 'download'
  | 'unpack'
  | 'privilege'
  | 'too-old'
  | 'missing';
