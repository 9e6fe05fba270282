/** Registers of a standard at the place where a chip has them. */
import { type AnyReg, meta, type RegSpec, reg } from '../define.js';

/** The same register at byte offset `at`, with another reset value or reference if given. */
export function placed<R extends AnyReg>(register: R, at: number, change: Partial<RegSpec> = {}): R {
  const info = register[meta];
  return reg(info.name, at, { ...info, ...change }, info.fields) as unknown as R;
}
