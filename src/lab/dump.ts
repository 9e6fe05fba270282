/** What a model holds, for looking on: registers by name and field, rings with descriptors. Nothing changes by it. */
import type { DeviceBus, EmulatedFunction } from '../emulators/index.js';
import { explainFields, hex, meta } from '../registers/index.js';

/** One register. */
export interface DumpedRegister {
  /** BAR and offset: `BAR0+0x0000`. */
  readonly at: string;
  readonly name: string;
  /** Hexadecimal. */
  readonly value: string;
  /** Its fields in words. */
  readonly fields: string;
}

/** Registers that a model declares and stores; of arrays only the elements that are not 0, of those at most 16. */
export function dumpRegisters(fn: EmulatedFunction): DumpedRegister[] {
  const all: DumpedRegister[] = [];
  for (const { bar, at, map, file } of fn.maps ?? []) {
    if (file === undefined) continue;
    for (const register of Object.values(map.registers)) {
      const info = register[meta];
      let shown = 0;
      for (let i = 0; i < info.count && shown < MOST; i++) {
        const value = file.peek(register, i);
        if (info.count > 1 && value === 0) continue;
        shown++;
        all.push({
          at: `BAR${bar}+${hex(at + info.at + i * info.stride, at + map.bytes > 0x10000 ? 32 : 16)}`,
          name: info.count > 1 ? `${info.name}[${i}]` : info.name,
          value: hex(value, info.width),
          fields: explainFields(register, value),
        });
      }
    }
  }
  return all;
}

/** Elements of one array that a dump shows. */
const MOST = 16;

/** One ring. */
export interface DumpedRing {
  readonly ring: string;
  readonly address: string;
  readonly entries: number;
  readonly head: number;
  readonly tail: number;
  /** Descriptors around the head, the oldest first, as 32-bit words; empty when guest memory cannot be read. */
  readonly descriptors: readonly { readonly index: number; readonly words: string }[];
}

/** The rings of a model, each with up to `count` descriptors, half of them before its head. @param bus undefined: no guest memory */
export function dumpRings(fn: EmulatedFunction, bus: DeviceBus | undefined, count: number): DumpedRing[] {
  return (fn.rings?.() ?? []).map(({ ring, address, entries, entryBytes, head, tail, numbers }) => {
    const descriptors: { index: number; words: string }[] = [];
    const most = Math.min(count, entries);
    const first = head + entries - Math.floor(most / 2);
    for (let i = 0; bus !== undefined && i < most; i++) {
      const place = (first + i) % entries;
      const index = numbers === undefined ? place : bus.read16(numbers + 2 * place) % entries;
      const words: string[] = [];
      for (let byte = 0; byte < entryBytes; byte += 4)
        words.push(hex(bus.read32(address + index * entryBytes + byte), 32).slice(2));
      descriptors.push({ index, words: words.join(' ') });
    }
    return { ring, address: `0x${address.toString(16)}`, entries, head, tail, descriptors };
  });
}
