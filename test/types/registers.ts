/** What must not compile; checked by `npm run typecheck`. */
import { i82540em, type Mmio } from './imports.js';

declare const io: Mmio;
const { CTRL } = i82540em;

export const mask: number = CTRL.SLU;
export const offset: number = CTRL.at;
// @ts-expect-error a field that the chip does not have
export const none: number = CTRL.NOPE;
// @ts-expect-error a declaration is not writable
CTRL.at = 4;
// @ts-expect-error values are numbers
io.write32(CTRL.at, '1');
