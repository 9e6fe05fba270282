/** Errors of set-up code. The packet path counts instead of throwing. */

/** What kind of failure, for programs. */
export type NicErrorCode =
  | 'timeout' // a wait ended without its condition
  | 'gone' // all ones: the device was removed
  | 'no-resource' // memory, vectors, address space
  | 'bad-nvm' // checksum or content of the NVM
  | 'unsupported' // a device that this driver cannot drive
  | 'bad-device' // the device answered something impossible
  | 'bad-argument'
  | 'closed';

/** Where it happened. */
export interface NicErrorPlace {
  /** Driver or module. */
  readonly device?: string;
  readonly register?: string;
  readonly value?: number;
  /** Datasheet section. */
  readonly ref?: string;
}

/** A failure in set-up: what, where, which value, which section. */
export class NicError extends Error {
  readonly code: NicErrorCode;
  readonly place: NicErrorPlace;

  constructor(code: NicErrorCode, message: string, place: NicErrorPlace = {}) {
    const value = place.value === undefined ? '' : `, last value 0x${(place.value >>> 0).toString(16)}`;
    const ref = place.ref === undefined ? '' : ` (${place.ref})`;
    super(`${place.device ? `${place.device}: ` : ''}${message}${value}${ref}`);
    this.name = 'NicError';
    this.code = code;
    this.place = place;
  }
}
