/**
 * Memory of the MAC's processor behind OCPDR: a window of 256 words whose page MCU_PAGE chooses. Firmware is written there and
 * read back; what it does is not public, and nothing of it runs here.
 */
import { meta, pick, type RegisterFile, rtl8168h } from '../../registers/index.js';

const { MCU_PAGE, MCU_RAM } = rtl8168h;
const WORDS = MCU_RAM[meta].count;
const PAGES = 4;

/** The pages. @param regs registers behind OCPDR */
export class McuMemory {
  readonly #words = new Uint16Array(PAGES * WORDS);

  constructor(regs: RegisterFile) {
    const at = (index: number): number => pick(regs.get(MCU_PAGE), MCU_PAGE.PAGE) * WORDS + index;
    regs.on(MCU_RAM, {
      read: (_stored, index) => this.#words[at(index)]!,
      write: (value, index) => {
        this.#words[at(index)] = value;
      },
    });
  }

  /** Power-on. */
  reset(): void {
    this.#words.fill(0);
  }
}
