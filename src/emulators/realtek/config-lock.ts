/** CFG9346 as the lock of configuration registers and station address. Source: RTL8169 specification, register 50h. */
import { type AnyReg, meta, pick, type RegisterFile, rtl8168h } from '../../registers/index.js';
import type { DeviceBus } from '../function.js';
import { EepromMode } from './eeprom.js';

const { CFG9346, CONFIG0, CONFIG1, CONFIG2, CONFIG3, CONFIG4, CONFIG5, IDR0, IDR4 } = rtl8168h;
const LOCKED: readonly AnyReg[] = [CONFIG0, CONFIG1, CONFIG2, CONFIG3, CONFIG4, CONFIG5, IDR0, IDR4];

/** Makes the locked registers keep their values while they are locked. */
export function lockConfiguration(bus: DeviceBus, regs: RegisterFile): void {
  for (const register of LOCKED) {
    regs.on(register, {
      write: (value, _index, old) => {
        const now = regs.get(register);
        if (now === old || pick(regs.get(CFG9346), CFG9346.EEM) === EepromMode.configWrite) return;
        regs.set(register, old);
        bus.report({
          rule: 'negotiation-order',
          register: register[meta].name,
          value,
          message: 'written while CFG9346 locks it: it keeps its value',
          ref: CFG9346[meta].ref,
        });
      },
    });
  }
}
