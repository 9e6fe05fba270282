/** Tally counters, EEPROM and wake-up of Realtek's chips, each alone. */
import { describe, expect, test } from 'vitest';
import { lockConfiguration } from '../../src/emulators/realtek/config-lock.js';
import { EepromUnit, eepromImage } from '../../src/emulators/realtek/eeprom.js';
import { FilterUnit } from '../../src/emulators/realtek/filter.js';
import { InterruptUnit } from '../../src/emulators/realtek/interrupts.js';
import { TallyUnit } from '../../src/emulators/realtek/tally.js';
import { crc16, type WakePatterns, WakeUnit, wakesOnLink } from '../../src/emulators/realtek/wake.js';
import type { LinkFrame } from '../../src/link/index.js';
import { RegisterFile, rtl8125b, rtl8168h } from '../../src/registers/index.js';
import { MEMORY, UnitBus } from './realtek-bench.js';
import { BROADCAST, ethernet, MAC } from './rig.js';

const DUMP = 8;
const CLEAR = 1;

describe('tally', () => {
  function bench(schedule: 'fast' | 'timed' | 'adversarial' = 'fast', extended = false) {
    const bus = new UnitBus(schedule);
    const regs = new RegisterFile(rtl8125b.bar2Map);
    const unit = new TallyUnit(bus, regs, rtl8125b.tallyMap, {
      map: rtl8125b.tallyExtendedMap,
      on: () => extended,
    });
    const memory = new DataView(bus.memory.buffer);
    bus.memory.fill(0xee);
    const command = (bits: number, address = MEMORY): void => {
      regs.write(0x14, 32, 0);
      regs.write(0x10, 32, address);
      regs.write(0x10, 32, address | bits);
    };
    return { bus, regs, unit, memory, command };
  }

  test('64 bytes, little-endian, as r8169 reads them', () => {
    const { bus, regs, unit, memory, command } = bench();
    unit.sent(60, false, false);
    for (let i = 0; i < 3; i++) unit.received(1514, false, false);
    unit.received(60, true, true);
    for (let i = 0; i < 2; i++) unit.received(60, true, false);
    unit.count(rtl8125b.TALLY_RX_ER);
    unit.count(rtl8125b.TALLY_MISS_PKT, 0x1_0002);
    unit.count(rtl8125b.TALLY_TX_ABT);
    command(DUMP);
    expect(regs.read(0x10, 32) & 0x3f).toBe(0);
    expect(memory.getBigUint64(0x00, true)).toBe(1n);
    expect(memory.getBigUint64(0x08, true)).toBe(6n);
    expect(memory.getUint32(0x18, true)).toBe(1);
    expect(memory.getUint16(0x1c, true)).toBe(2);
    expect(memory.getUint16(0x1e, true)).toBe(0);
    expect(memory.getBigUint64(0x28, true)).toBe(3n);
    expect(memory.getBigUint64(0x30, true)).toBe(1n);
    expect(memory.getUint32(0x38, true)).toBe(2);
    expect(memory.getUint16(0x3c, true)).toBe(1);
    expect(memory.getUint8(64)).toBe(0xee);
    expect(bus.findings).toEqual([]);
  });

  test('192 bytes when software asked for them', () => {
    const { unit, memory, command } = bench('fast', true);
    unit.sent(1514, true, true);
    unit.sent(60, true, false);
    unit.sent(60, false, false);
    unit.received(96, true, false);
    unit.count(rtl8125b.TALLY_RDU);
    command(DUMP);
    expect(memory.getBigUint64(0x40, true)).toBe(1646n);
    expect(memory.getBigUint64(0x48, true)).toBe(100n);
    expect(memory.getBigUint64(0x50, true)).toBe(1n);
    expect([0x58, 0x60, 0x68].map((at) => memory.getBigUint64(at, true))).toEqual([1n, 1n, 1n]);
    expect(memory.getUint32(0xbc, true)).toBe(1);
    expect(memory.getUint8(192)).toBe(0xee);
  });

  test('timed: the command reads 1 and memory is old until it is done', () => {
    const { bus, regs, memory, command, unit } = bench('timed');
    unit.sent(60, false, false);
    command(DUMP);
    bus.wait(4);
    expect(regs.read(0x10, 32) & DUMP).toBe(DUMP);
    expect(memory.getUint8(0)).toBe(0xee);
    bus.wait(1);
    expect(regs.read(0x10, 32) & DUMP).toBe(0);
    expect(memory.getUint8(0)).toBe(1);
  });

  test('cleared by command, not by a reset of the chip', () => {
    const { bus, regs, unit, command } = bench('adversarial');
    unit.received(60, false, false);
    command(DUMP);
    unit.stop();
    bus.wait(1_000);
    expect(unit.value(rtl8125b.TALLY_RX_OK)).toBe(1);
    expect(bus.memory[8]).toBe(0xee);
    command(CLEAR);
    expect(regs.read(0x10, 32) & CLEAR).toBe(CLEAR);
    bus.wait(1_000);
    expect(regs.read(0x10, 32) & CLEAR).toBe(0);
    expect(unit.value(rtl8125b.TALLY_RX_OK)).toBe(0);
  });

  test('a command during a command is a mistake; without bus mastering nothing is written', () => {
    const { bus, command, regs } = bench('timed');
    command(DUMP);
    command(DUMP);
    expect(bus.findings).toMatchObject([{ rule: 'command-busy', register: 'DTCCR' }]);
    bus.wait(100);
    bus.memory.fill(0xee);
    bus.master = false;
    command(DUMP);
    bus.wait(100);
    expect(regs.read(0x10, 32) & DUMP).toBe(0);
    expect(bus.memory[0]).toBe(0xee);
  });

  test('the shorter map alone', () => {
    const bus = new UnitBus();
    const regs = new RegisterFile(rtl8168h.bar2Map);
    const unit = new TallyUnit(bus, regs, rtl8168h.tallyMap);
    unit.sent(60, true, true);
    unit.count(rtl8125b.TALLY_RDU);
    expect(unit.value(rtl8168h.TALLY_TX_OK)).toBe(1);
    expect(unit.value(rtl8125b.TALLY_RDU)).toBe(0);
  });
});

describe('interrupts', () => {
  const ROK = 1;
  const TOK = 4;

  function bench() {
    const bus = new UnitBus();
    const regs = new RegisterFile(rtl8168h.bar2Map);
    const none = { rxTime: () => 0, rxFrames: () => 0, txTime: () => 0, txFrames: () => 0 };
    const unit = new InterruptUnit(bus, regs, rtl8168h, none);
    regs.write(0x3c, 16, ROK | TOK);
    return { bus, regs, unit };
  }

  test('the cause of a frame comes behind the frame: an acknowledgement under way does not take it', () => {
    const { bus, regs, unit } = bench();
    unit.sent(TOK, 1);
    expect(regs.read(0x3e, 16)).toBe(TOK);
    // The guest's handler is between its read of the status and its acknowledgement.
    unit.sent(TOK, 1);
    unit.received(ROK);
    regs.write(0x3e, 16, TOK);
    expect(bus.level).toBe(false);
    bus.wait(1);
    expect(bus.level).toBe(true);
    expect(regs.read(0x3e, 16)).toBe(ROK | TOK);
  });

  test('a read of the status brings it at once, an acknowledgement then takes it', () => {
    const { bus, regs, unit } = bench();
    unit.received(ROK);
    expect(regs.read(0x3e, 16)).toBe(ROK);
    expect(bus.level).toBe(true);
    regs.write(0x3e, 16, ROK);
    bus.wait(10);
    expect(regs.read(0x3e, 16)).toBe(0);
    expect(bus.level).toBe(false);
  });

  test('a reset forgets what is under way', () => {
    const { bus, regs, unit } = bench();
    unit.sent(TOK, 1);
    unit.reset();
    bus.wait(10);
    expect(regs.read(0x3e, 16)).toBe(0);
  });
});

describe('EEPROM', () => {
  const contents = {
    mac: Uint8Array.from(MAC),
    vendor: 0x10ec,
    device: 0x8168,
    subsystemVendor: 0x10ec,
    subsystem: 0x123,
  };
  const PROGRAM = 0x80;
  const CS = 8;
  const SK = 4;
  const DI = 2;

  function bench(words = eepromImage(contents)) {
    const bus = new UnitBus('timed');
    const regs = new RegisterFile(rtl8168h.bar2Map);
    let loads = 0;
    const unit = new EepromUnit(bus, regs, words, () => loads++);
    const pins = (value: number): void => regs.write(0x50, 8, value);
    /** As FreeBSD's re_eeprom_getword: start bit, operation and address, then 16 bits; pins at their place in 9346CR. */
    const word = (address: number, addressBits: number): number => {
      pins(PROGRAM | CS);
      const command = (6 << addressBits) | address;
      for (let i = addressBits + 2; i >= 0; i--) {
        const bit = command & (1 << i) ? DI : 0;
        pins(PROGRAM | CS | bit);
        pins(PROGRAM | CS | bit | SK);
      }
      let value = 0;
      for (let i = 0; i < 16; i++) {
        pins(PROGRAM | CS);
        pins(PROGRAM | CS | SK);
        value = (value << 1) | (regs.read(0x50, 8) & 1);
      }
      pins(PROGRAM);
      pins(0);
      return value;
    };
    return { bus, regs, unit, word, loads: () => loads, pins };
  }

  test('a driver that tries eight address bits first sees no 8129h, then finds it with six', () => {
    const { bus, unit, word } = bench();
    expect(word(0, 8)).not.toBe(0x8129);
    expect(word(0, 6)).toBe(0x8129);
    expect([7, 8, 9].map((at) => word(at, 6))).toEqual([0x5452, 0x1200, 0x5634]);
    expect([1, 2, 3, 4].map((at) => word(at, 6))).toEqual([0x10ec, 0x8168, 0x10ec, 0x123]);
    expect(unit.is9356).toBe(false);
    expect([...unit.mac]).toEqual(MAC);
    expect(bus.findings).toEqual([]);
  });

  test('a 93C56 answers to eight', () => {
    const words = new Uint16Array(256).fill(0xffff);
    words.set(eepromImage(contents));
    const { unit, word } = bench(words);
    expect(unit.is9356).toBe(true);
    expect(word(0, 8)).toBe(0x8129);
  });

  test('auto-load ends by itself after 2 ms', () => {
    const { bus, regs, loads, pins } = bench();
    pins(0x40);
    expect(loads()).toBe(1);
    expect(regs.read(0x50, 8) & 0xc0).toBe(0x40);
    bus.wait(2_000);
    expect(regs.read(0x50, 8) & 0xc0).toBe(0);
  });

  test('config write unlocks; pins driven outside of program mode are a mistake', () => {
    const { bus, regs, pins } = bench();
    lockConfiguration(bus, regs);
    const written = (value: number): number => {
      regs.write(0x00, 32, value);
      return regs.read(0x00, 32);
    };
    pins(0xc0);
    expect(written(0x1111)).toBe(0x1111);
    expect(bus.findings).toEqual([]);
    pins(0);
    expect(written(0x2222)).toBe(0x1111);
    expect(bus.findings).toMatchObject([{ rule: 'negotiation-order', register: 'IDR0' }]);
    bus.findings.length = 0;
    expect(bus.findings).toEqual([]);
    pins(CS);
    expect(bus.findings).toMatchObject([{ rule: 'nvm-access', register: 'CFG9346' }]);
  });
});

describe('wake-up', () => {
  const OTHER = [2, 0, 0, 0, 0, 9];
  const GROUP = [0x01, 0x00, 0x5e, 0, 0, 0xfb];

  function bench(setup: Record<number, number>, patterns?: WakePatterns) {
    const bus = new UnitBus();
    const regs = new RegisterFile(rtl8125b.bar2Map);
    regs.write(0x00, 32, 0x1200_5452);
    regs.write(0x04, 32, 0x5634);
    for (const [at, value] of Object.entries(setup)) regs.write(Number(at), 8, value);
    let magic = false;
    const { APM, AM, AB } = rtl8125b.RCR;
    regs.set(rtl8125b.RCR, APM | AM | AB);
    for (const half of [rtl8125b.MAR0, rtl8125b.MAR4]) regs.set(half, -1);
    const unit = new WakeUnit(bus, regs, new FilterUnit(regs, rtl8125b), {
      magic: () => magic,
      link: () => wakesOnLink(regs),
      ...(patterns ? { patterns } : {}),
    });
    const see = (bytes: Uint8Array, fcsOk = true): string | undefined => {
      unit.reset();
      const before = bus.pmes;
      const offset = bus.arena.alloc(bytes.length);
      bus.arena.u8.set(bytes, offset);
      const frame: LinkFrame = { arena: bus.arena, offset, length: bytes.length, fcsOk };
      unit.frame(frame);
      expect(bus.pmes - before).toBe(unit.cause === undefined ? 0 : 1);
      return unit.cause;
    };
    return {
      bus,
      regs,
      unit,
      see,
      setMagic: () => {
        magic = true;
      },
    };
  }

  /** CONFIG2.PME_SIGNAL. */
  const SIGNAL = { 83: 0x20 };

  function magicFrame(to: readonly number[], at = 30, times = 16): Uint8Array {
    const bytes = ethernet(to, 150);
    bytes.fill(0xff, at, at + 6);
    for (let i = 0; i < times; i++) bytes.set(MAC, at + 6 + 6 * i);
    return bytes;
  }

  test('magic packet: anywhere behind the header, to an address that is received', () => {
    const { see, setMagic } = bench(SIGNAL);
    expect(see(magicFrame(BROADCAST))).toBeUndefined();
    setMagic();
    expect(see(magicFrame(BROADCAST))).toBe('magic');
    expect(see(magicFrame(MAC, 48))).toBe('magic');
    expect(see(magicFrame(MAC, 14))).toBe('magic');
    expect(see(magicFrame(OTHER))).toBeUndefined();
    expect(see(magicFrame(MAC, 30, 15))).toBeUndefined();
    expect(see(magicFrame(MAC, 48).subarray(0, 149))).toBeUndefined();
    expect(see(magicFrame(MAC), false)).toBeUndefined();
  });

  test('unicast, multicast, broadcast: each by its own bit', () => {
    for (const [bits, expected] of [
      [0x10, ['unicast', undefined, undefined]],
      [0x20, [undefined, 'multicast', undefined]],
      [0x40, [undefined, undefined, 'broadcast']],
    ] as const) {
      const { see } = bench({ ...SIGNAL, 86: bits });
      expect([MAC, GROUP, BROADCAST].map((to) => see(ethernet(to)))).toEqual(expected);
      expect(see(ethernet(OTHER))).toBeUndefined();
    }
  });

  test('the link: when it comes', () => {
    const { bus, unit } = bench({ ...SIGNAL, 84: 0x10 });
    unit.linkChanged(false);
    expect(bus.pmes).toBe(0);
    unit.linkChanged(true);
    expect([unit.cause, bus.pmes]).toEqual(['link', 1]);
    const off = bench(SIGNAL);
    off.unit.linkChanged(true);
    expect(off.bus.pmes).toBe(0);
  });

  test('a shut RXDV gate lets nothing in', () => {
    const { regs, see } = bench({ ...SIGNAL, 86: 0x70 });
    regs.write(0xf2, 8, 0x08);
    expect(see(ethernet(MAC))).toBeUndefined();
    regs.write(0xf2, 8, 0);
    expect(see(ethernet(MAC))).toBe('unicast');
  });

  test('PME# must be asked for, in one of two ways', () => {
    for (const [setup, signalled] of [
      [{ 86: 0x10 }, 0],
      [{ 86: 0x12 }, 1],
      [{ 86: 0x10, 83: 0x20 }, 1],
      [{ 86: 0x12, 82: 0 }, 0],
    ] as const) {
      const { bus, unit } = bench(setup);
      const offset = bus.arena.alloc(64);
      bus.arena.u8.set(ethernet(MAC), offset);
      unit.frame({ arena: bus.arena, offset, length: 60, fcsOk: true });
      expect(unit.cause).toBe('unicast');
      expect(bus.pmes).toBe(signalled);
    }
  });

  test('patterns: the CRC-16 of the bytes that a mask chooses', () => {
    // The well-known CRC-16/CCITT-FALSE of one byte, 00h and 01h; here the low bit of a byte goes first.
    expect(crc16(0xffff, 0x00)).toBe(0xe1f0);
    expect(crc16(0xffff, 0x80)).toBe(0xf1d1);
    const wanted = ethernet(GROUP);
    const crc = [...wanted.subarray(0, 6), ...wanted.subarray(12, 14)].reduce(crc16, 0xffff);
    const patterns: WakePatterns = {
      count: 2,
      bytes: 128,
      mask: (p, i) => (p === 0 ? 0 : (([0x3f, 0x30] as readonly number[])[i] ?? 0)),
      crc: (p) => (p === 0 ? 0xffff : crc),
    };
    const { see } = bench(SIGNAL, patterns);
    expect(see(wanted)).toBe('pattern');
    const changed = Uint8Array.from(wanted);
    changed[13] = changed[13]! ^ 1;
    expect(see(changed)).toBeUndefined();
    changed.set(wanted);
    changed[20] = 0x77;
    expect(see(changed)).toBe('pattern');
    const beyond = bench(SIGNAL, { ...patterns, mask: (_p, i) => (i === 15 ? 0x80 : 0), crc: () => crc16(0xffff, 0) });
    expect(beyond.see(ethernet(MAC, 127))).toBeUndefined();
    const long = ethernet(MAC, 128);
    long[127] = 0;
    expect(beyond.see(long)).toBe('pattern');
  });
});
