/** v86's hooks against a machine of ours; the real v86 is met in test/guest. */
import { describe, expect, test } from 'vitest';
import { DmaFault } from '../../src/emulators/function.js';
import { V86Interrupts, V86Memory } from '../../src/hosts/v86/index.js';
import { arenaOver } from '../../src/platform/arena.js';

const EFLAGS = 120 / 4;
const IF = 1 << 9;
const APIC = 4096;

function machine() {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const words = new Int32Array(memory.buffer);
  words[EFLAGS] = IF | 2;
  const calls: string[] = [];
  const note = (what: string): void => {
    calls.push(`${what}${(words[EFLAGS]! & IF) === 0 ? ' with interrupts off' : ''}`);
  };
  const exports = {
    memory,
    device_raise_irq: (irq: number) => note(`raise ${irq}`),
    device_lower_irq: (irq: number) => note(`lower ${irq}`),
    handle_irqs: () => note('handle'),
    get_apic_addr: () => APIC,
  };
  return { interrupts: new V86Interrupts(exports), calls, words };
}

describe('interrupts', () => {
  test('pins are swizzled by slot and routed by the PIRQ registers', () => {
    const { interrupts, calls } = machine();
    interrupts.setPin(10, 1, true);
    expect(calls).toEqual([]);
    // Slot 10, INTA#: (1 - 1 + 10 - 1) & 3 = PIRQB.
    interrupts.setRoute(0, 5);
    interrupts.setRoute(1, 11);
    expect(calls).toEqual(['raise 11']);
    interrupts.setRoute(1, 9);
    expect(calls).toEqual(['raise 11', 'raise 9', 'lower 11']);
    interrupts.setPin(14, 1, true);
    interrupts.setPin(10, 1, false);
    expect(calls).toHaveLength(3);
    interrupts.setPin(14, 1, false);
    expect(calls[3]).toBe('lower 9');
    interrupts.setPin(10, 1, true);
    interrupts.setRoute(1, 0x80);
    expect(calls.slice(4)).toEqual(['raise 9', 'lower 9']);
  });

  test('inside a trap the interrupt flag is off for the call, and as before afterwards', () => {
    const { interrupts, calls, words } = machine();
    interrupts.setRoute(1, 11);
    interrupts.trapped = true;
    interrupts.setPin(10, 1, true);
    expect(calls).toEqual(['raise 11 with interrupts off']);
    expect(words[EFLAGS]).toBe(IF | 2);
    words[EFLAGS] = 2;
    interrupts.setPin(10, 1, false);
    expect(words[EFLAGS]).toBe(2);
  });

  test('a message sets its vector in the request register; other addresses are no interrupts', () => {
    const { interrupts, calls, words } = machine();
    interrupts.message(0xfee0_0000 | 0, 0x4041);
    expect(words[(APIC + 64) / 4 + 2]).toBe(1 << 1);
    expect(calls).toEqual(['handle']);
    interrupts.message(0x1000, 0x41);
    interrupts.message(0xfee0_0000 | 0, 3);
    expect(calls).toEqual(['handle']);
  });
});

describe('memory', () => {
  test('copies, tells the compiler, survives growth, keeps out of the VGA window and of what is not there', () => {
    const memory = new WebAssembly.Memory({ initial: 32, maximum: 64 });
    const dirty: number[][] = [];
    const base = 65_536;
    const guest = new V86Memory({ memory, jit_dirty_cache: (a, b) => dirty.push([a, b]) }, base, 0x11_0000);
    const arena = arenaOver(new ArrayBuffer(8192));
    arena.u8.fill(7, 100, 4200);
    expect(guest.write(0x1000, arena, 100, 4100)).toBe(DmaFault.none);
    expect(dirty).toEqual([[0x1000, 0x1000 + 4100]]);
    memory.grow(1);
    expect(new Uint8Array(memory.buffer)[base + 0x1000]).toBe(7);
    expect(guest.read32(0x1000)).toBe(0x0707_0707);
    expect(guest.write32(0x10_fffc, -2)).toBe(DmaFault.none);
    expect(guest.read32(0x10_fffc)).toBe(-2);
    expect(guest.read16(0x10_fffc)).toBe(0xfffe);
    for (const [address, bytes] of [
      [0x9_fffe, 4],
      [0xb_ffff, 2],
      [0x10_fffe, 4],
      [-4, 4],
      [2 ** 40, 4],
    ] as const) {
      expect(guest.read(address, arena, 0, bytes)).toBe(DmaFault.noMemory);
      expect(guest.write(address, arena, 0, bytes)).toBe(DmaFault.noMemory);
    }
    expect(guest.read32(0xa_0000)).toBe(0);
    expect(guest.fault).toBe(DmaFault.noMemory);
  });
});
