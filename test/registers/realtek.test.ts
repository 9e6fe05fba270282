/** What is special about the registers of RTL8168H and RTL8125B. Offsets and values here are what drivers use, on purpose not taken from the declarations. */
import { describe, expect, test } from 'vitest';
import { cHeader } from '../../src/cli/regs-header.js';
import {
  hex,
  meta,
  offsets,
  pick,
  type RegisterFault,
  RegisterFile,
  type RegisterMap,
  realtek,
  registerAt,
  rtl8125b,
  rtl8168h,
} from '../../src/registers/index.js';

const chips = [
  ['rtl8168h', rtl8168h],
  ['rtl8125b', rtl8125b],
] as const;

/** The chip that drivers find in a TxConfig. */
function chipOf(txConfig: number): string | undefined {
  const xid = (txConfig >>> realtek.XID_SHIFT) & realtek.XID_MASK;
  return realtek.XIDS.find((row) => (xid & row.mask) === row.value)?.name;
}

/** What a map says to a list of writes `[offset, bits, value]`. */
function faults(map: RegisterMap, writes: readonly (readonly [number, 8 | 16 | 32, number])[]): string[] {
  const file = new RegisterFile(map);
  const found: string[] = [];
  file.onFault = (fault: RegisterFault) =>
    found.push(`${fault.kind} at ${hex(fault.offset, 16)} of ${hex(fault.value)}`);
  for (const [offset, width, value] of writes) file.write(offset, width, value);
  return found;
}

describe('XIDs', () => {
  test('no row twice, and none that an earlier row hides', () => {
    const seen = new Set<string>();
    realtek.XIDS.forEach((row, i) => {
      const key = `${row.mask.toString(16)}/${row.value.toString(16)}`;
      expect(seen, key).not.toContain(key);
      seen.add(key);
      expect(row.value & ~row.mask, key).toBe(0);
      expect(row.mask & ~realtek.XID_MASK, key).toBe(0);
      for (const other of realtek.XIDS.slice(0, i)) {
        const hidden = (other.mask & row.mask) === other.mask && (row.value & other.mask) === other.value;
        expect(hidden, `${row.name} ${key} behind ${other.name}`).toBe(false);
      }
    });
  });

  test('the two chips are found by their TxConfig, and by values that boards print', () => {
    expect(chipOf(rtl8168h.TXCFG[meta].reset)).toBe('RTL8168H/8111H');
    expect(chipOf(rtl8125b.TXCFG[meta].reset)).toBe('RTL8125B');
    for (const [, chip] of chips) {
      const { TXCFG, XID } = chip;
      const reset = TXCFG[meta].reset;
      expect((pick(reset, TXCFG.XID_HI) << 6) | pick(reset, TXCFG.XID_LO)).toBe(XID);
    }
    // The inter-frame gap that drivers write lies between the two halves of the XID.
    expect(chipOf(0x5710_0f80)).toBe('RTL8168H/8111H');
    expect(chipOf(0x1000_0000)).toBe('RTL8169SB/8110SB');
    expect(chipOf(0x6090_0000)).toBe('RTL8125A');
    expect(chipOf(0x6490_0000)).toBe('RTL8126A');
    expect(chipOf(0x7fc0_0000)).toBeUndefined();
  });

  test('no PCI identity twice', () => {
    const ids = realtek.PCI_IDS.map((id) => `${id.vendor.toString(16)}:${id.device.toString(16)}`);
    expect(new Set(ids).size).toBe(ids.length);
    for (const [, chip] of chips) expect(ids).toContain(`10ec:${chip.PCI_ID.device.toString(16)}`);
  });
});

describe.each(chips)('%s', (_name, chip) => {
  test('each window says its polarity, in data and in the words of its flag', () => {
    const commands = Object.entries(chip.WINDOWS).map(([name, window]) => {
      expect(window.flag >>> 0, name).toBe(0x8000_0000);
      const info = window.command[meta];
      const field = Object.values(info.fields).find((each) => each.lo === 31)!;
      if (name === 'ocp') {
        expect([window.writeDone, window.readDone]).toEqual([undefined, undefined]);
        expect(field.doc).toMatch(/nothing to wait for/);
      } else {
        expect([window.writeDone, window.readDone], name).toEqual([0, 1]);
        expect(field.doc).toMatch(/write and reads 0 when done; .*read and reads 1 when done/);
      }
      return [name, info.at] as const;
    });
    const expected = { phyar: 0x60, gphy: 0xb8, ocp: 0xb0, ephy: 0x80, csi: 0x68 };
    expect(Object.fromEntries(commands)).toEqual('eri' in chip.WINDOWS ? { ...expected, eri: 0x74 } : expected);
  });

  test('the tally dump has its 64 bytes without a gap', () => {
    const covered = chip.tallyMap.bytes;
    expect(covered).toBe(64);
    for (let at = 0; at < covered; at += 2) expect(registerAt(chip.tallyMap, at), hex(at, 16)).toBeDefined();
  });

  test('MISC_1 is a byte of MISC', () => {
    for (const [name, field] of Object.entries(chip.MISC_1[meta].fields)) {
      const whole = chip.MISC[meta].fields[name];
      expect(whole?.lo, name).toBe(field.lo + 16);
    }
    const file = new RegisterFile(chip.bar2Map);
    file.write(0xf2, 8, 0x08);
    expect(file.read(0xf0, 32)).toBe(1 << 19);
    expect(file.read(0xf2, 8)).toBe(0x08);
    expect(registerAt(chip.bar2Map, 0xf2)?.register).toBe(chip.MISC);
  });

  test('bytes, words and double words reach the same registers', () => {
    const file = new RegisterFile(chip.bar2Map);
    file.write(0x00, 32, 0x4433_2211);
    file.write(0x04, 32, 0x0000_6655);
    expect([0, 1, 2, 3, 4, 5].map((at) => file.read(at, 8))).toEqual([0x11, 0x22, 0x33, 0x44, 0x55, 0x66]);
    file.write(0x37, 8, 0x0c);
    expect(file.read(0x34, 32) >>> 24).toBe(0x0c);
    file.write(0x50, 8, 0xc0);
    expect(pick(file.get(chip.CFG9346), chip.CFG9346.EEM)).toBe(3);
    // iPXE tells this family from the 8139 by all bits of DAh keeping what is written.
    file.write(0xda, 16, 0xffff);
    expect(file.read(0xda, 16)).toBe(0xffff);
  });

  test('the I/O BAR has the first 256 bytes of the memory BAR', () => {
    expect(chip.ioMap.bytes).toBe(256);
    for (let at = 0; at < 256; at++)
      expect(registerAt(chip.ioMap, at)?.register).toBe(registerAt(chip.bar2Map, at)?.register);
  });

  test('clause 22 register n stands at a400h + 2n, and register 14 never reads what was written', () => {
    const { phyMap } = chip;
    const names = [0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 13, 14, 15, 26, 31].map(
      (n) => registerAt(phyMap, 0xa400 + 2 * n)?.register[meta].name,
    );
    expect(names).toEqual(
      'BMCR BMSR PHYSID1 PHYSID2 ADVERTISE LPA EXPANSION NPTX CTRL1000 STAT1000 MMD_CTRL MMD_DATA ESTATUS PHYSR PAGSR'.split(
        ' ',
      ),
    );
    const file = new RegisterFile(phyMap);
    expect(((file.read(0xa404, 16) << 16) | file.read(0xa406, 16)) >>> 0).toBe(chip.PHY_ID);
    file.write(0xa41c, 16, 20);
    expect(file.read(0xa41c, 16)).toBe(0);
    // Linux tells the PHY of 2.5 Gb/s by this bit alone.
    expect((file.read(0xa616, 16) >>> 13) & 1).toBe(chip.bar2Map.chip === 'rtl8125b' ? 1 : 0);
  });

  test('a header for C names everything once', () => {
    const header = cHeader(chip.bar2Map.chip, chip.MAPS, chip);
    const defined = [...header.matchAll(/^#define (\w+)/gm)].map((match) => match[1]);
    expect(new Set(defined).size).toBe(defined.length);
    for (const name of ['CR', 'ISR_LINKCHG', 'GPHY_OCP_FLAG', 'TXD_OPTS1_OWN', 'RXD_OPTS2_TAVA', 'PHYSR_SPEED', 'XID'])
      expect(defined).toContain(name);
  });
});

test('a header for C keeps what is no whole number', () => {
  expect(cHeader('rtl8125b', rtl8125b.MAPS, rtl8125b)).toMatch(/^#define INT_MITI_UNIT +2\.048$/m);
});

describe('what the chips do not share', () => {
  test('the interrupt registers and the doorbell stand elsewhere', () => {
    const place = (chip: typeof rtl8168h | typeof rtl8125b) =>
      [chip.IMR, chip.ISR, chip.TPPOLL].map((register) => [register.at, register[meta].width]);
    expect(place(rtl8168h)).toEqual([
      [0x3c, 16],
      [0x3e, 16],
      [0x38, 8],
    ]);
    expect(place(rtl8125b)).toEqual([
      [0x38, 32],
      [0x3c, 32],
      [0x90, 16],
    ]);
  });

  test('E2h sets mitigation on one and tells of FIFOs on the other', () => {
    expect(registerAt(rtl8168h.bar2Map, 0xe2)?.register).toBe(rtl8168h.INTRMITIGATE);
    expect(registerAt(rtl8125b.bar2Map, 0xe2)?.register).toBe(rtl8125b.FIFO_STATUS);
    expect(new RegisterFile(rtl8125b.bar2Map).read(0xe2, 16) & 0x0103).toBe(0x0103);
  });

  test('OCPAR would overlap COMBO_LTR and is in no map', () => {
    expect(offsets(rtl8168h.OCPAR)[0]! + 2).toBe(rtl8168h.COMBO_LTR.at);
    expect(registerAt(rtl8168h.bar2Map, 0xb4)).toBeUndefined();
    expect(registerAt(rtl8168h.bar2Map, 0xb6)?.register).toBe(rtl8168h.COMBO_LTR);
  });

  test('the extended tally dump begins with the short one and has its 192 bytes without a gap', () => {
    const { tallyMap, tallyExtendedMap } = rtl8125b;
    expect(tallyExtendedMap.bytes).toBe(192);
    for (let at = 0; at < 192; at += 2) expect(registerAt(tallyExtendedMap, at), hex(at, 16)).toBeDefined();
    for (let at = 0; at < 64; at += 2)
      expect(registerAt(tallyExtendedMap, at)?.register).toBe(registerAt(tallyMap, at)?.register);
    expect(registerAt(tallyExtendedMap, 0x70)?.register).toBe(rtl8125b.TALLY_TX_PAUSE_ON);
    expect(registerAt(tallyExtendedMap, 0xbc)?.register).toBe(rtl8125b.TALLY_RDU);
  });
});

describe('nothing that drivers write at bring-up hits an undeclared place or bit', () => {
  test('RTL8168H, MAC: Linux, iPXE, FreeBSD, vendor', () => {
    const common = [
      [0x50, 8, 0xc0],
      [0x37, 8, 0x10],
      [0x3c, 16, 0],
      [0x3e, 16, 0xffff],
      [0xf0, 32, 0x0008_0000],
      [0xf2, 8, 0x00],
      [0xd3, 8, 0x32],
      [0xec, 8, 0x27],
      [0xe2, 16, 0x5151],
      [0xda, 16, 0x4000],
      [0x24, 32, 1],
      [0x20, 32, 0x1234_5600],
      [0xe8, 32, 1],
      [0xe4, 32, 0x1234_5600],
      [0x28, 32, 0x1234_5600],
      [0x37, 8, 0x0c],
      [0x40, 32, 0x5710_0f80],
      [0x0c, 32, -1],
      [0x08, 32, -1],
      [0x38, 8, 0x40],
      [0x14, 32, 0],
      [0x10, 32, 0x1234_5648],
      [0xb6, 8, 0x01],
      [0x58, 32, 0],
      [0xf4, 32, 0],
      [0x18, 16, 0x8c21],
    ] as const;
    const receive = [0x0000_cf0e, 0x0000_e78f, 0x0000_ff00, 0x0000_4f00].map((value) => [0x44, 32, value] as const);
    const cplus = [0x2061, 0x20bb, 0x0020, 0x607b].map((value) => [0xe0, 16, value] as const);
    const windows = [
      [0x74, 32, 0x8000_f0dc | 0],
      [0xb8, 32, 0x8000_0000 | (0xa436 << 15) | 0x808a],
      [0xb0, 32, 0xe8de << 15],
      [0x60, 32, 0x8009_0300 | 0],
      [0x80, 32, 0x801e_0001 | 0],
      [0x68, 32, 0x8000_f70c | 0],
    ] as const;
    expect(faults(rtl8168h.bar2Map, [...common, ...receive, ...cplus, ...windows])).toEqual([]);
  });

  test('RTL8125B, MAC: Linux, OpenBSD, vendor', () => {
    const mitigation = Array.from({ length: 32 }, (_, i) => [0xa00 + 4 * i, 32, 0] as const);
    expect(
      faults(rtl8125b.bar2Map, [
        ...mitigation,
        [0x34, 8, 0],
        [0x7a, 16, 0],
        [0x38, 32, 0x2f],
        [0x3c, 32, -1],
        [0xd00, 32, -1],
        [0xd04, 32, -1],
        [0x90, 16, 1],
        [0x382, 16, 0x221b],
        [0x4500, 32, 0],
        [0x4800, 16, 0],
        [0x6048, 16, 1546],
        [0x1880, 16, 0],
        [0x37, 8, 0x8c],
        [0x44, 32, 0x4000_0f00],
        [0x44, 32, 0x40c0_070e],
        [0x40, 32, 0x6710_0700],
        [0xe0, 16, 0x2021],
        [0x80, 32, 0x804b_a908 | 0],
        [0x68, 32, 0x8001_f108 | 0],
        [0x57, 8, 0x10],
        [0x96, 16, 0x022b],
        [0x5c, 32, 0],
        [0x8c, 32, 0],
      ]),
    ).toEqual([]);
  });

  test('RTL8168H, windows', () => {
    expect(
      faults(rtl8168h.eriMap, [
        [0xc8, 32, 0x0008_0002],
        [0xe8, 32, 0x0010_0006],
        [0xcc, 32, 0x38],
        [0xd0, 32, 0x48],
        [0xdc, 32, 0x0001_001d],
        [0x5f0, 32, 0x4f87],
        [0xc0, 32, 0],
        [0xb8, 32, 0],
        [0x1b0, 32, 0x3],
        [0xd4, 32, 0x1f80],
      ]),
    ).toEqual([]);
    expect(
      faults(rtl8168h.ocpMap, [
        [0xe8de, 16, 0x8000],
        [0xe056, 16, 0],
        [0xe052, 16, 0x8008],
        [0xe0d6, 16, 0x017f],
        [0xd420, 16, 0x047f],
        [0xe63e, 16, 1],
        [0xc094, 16, 0],
        [0xc09e, 16, 0],
        [0xdd02, 16, 0x807d],
        [0xc0ac, 16, 0x1f80],
        [0xe092, 16, 4],
        [0xe094, 16, 0],
        [0xe048, 16, 1546],
        [0xcdd0, 16, 0x9003],
        [0xcddc, 16, 0x9003],
        [0xfc26, 16, 0x8000],
        [0xfc38, 16, 0],
        [0xf9fe, 16, 0x1234],
      ]),
    ).toEqual([]);
    expect(
      faults(rtl8168h.phyMap, [
        [0xa436, 16, 0x808a],
        [0xa438, 16, 0x000a],
        [0xa42c, 16, 0x0002],
        [0xa442, 16, 0x0800],
        [0xbcfc, 16, 0x7777],
        [0xbcde, 16, 0x1111],
        [0xa430, 16, 0],
        [0xa432, 16, 0x0010],
        [0xa5d0, 16, 0x0006],
      ]),
    ).toEqual([]);
  });

  test('RTL8125B, windows', () => {
    const all = [
      0xe8de, 0xc0aa, 0xc0a6, 0xc01e, 0xd40a, 0xc140, 0xc142, 0xd3e2, 0xd3e4, 0xe860, 0xeb58, 0xe614, 0xe63e, 0xc0b4,
      0xeb6a, 0xeb50, 0xe056, 0xe040, 0xea1c, 0xe0c0, 0xe052, 0xd430, 0xeb54, 0xe098, 0xea84, 0xc0b6, 0xe0c6, 0xc0ac,
      0xe092, 0xe094, 0xe080, 0xc0bc, 0xe84c, 0xeb62, 0xd408, 0xcdec, 0xfc26, 0xfc46, 0xfc48,
    ];
    expect(
      faults(
        rtl8125b.ocpMap,
        all.map((at) => [at, 16, 0xffff] as const),
      ),
    ).toEqual([]);
    const file = new RegisterFile(rtl8125b.ocpMap);
    expect(file.read(0xe00e, 16) & 0x2000).toBe(0);
    expect(file.read(0xd006, 16) & 0xff).not.toBe(7);
    expect(
      faults(rtl8125b.phyMap, [
        [0xa5d4, 16, 0x0080],
        [0xa6d4, 16, 1],
        [0xb87c, 16, 0x80f5],
        [0xb87e, 16, 0x760e],
        [0xac46, 16, 0x0090],
        [0xad30, 16, 1],
        [0xbf00, 16, 0xa000],
        [0xbf46, 16, 0x0300],
        [0xbf84, 16, 0xa000],
        [0xa4ca, 16, 0x40],
        [0xa5b4, 16, 0],
        [0xa4a2, 16, 0],
        [0xa6d8, 16, 0],
        [0xa424, 16, 8],
        [0xb820, 16, 0x10],
        [0xa428, 16, 0],
        [0xa5ea, 16, 0],
        [0xc416, 16, 0x0500],
        [0xa442, 16, 0x0800],
      ]),
    ).toEqual([]);
  });
});
