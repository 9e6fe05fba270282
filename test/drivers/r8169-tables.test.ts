/** What the driver of Realtek's family knows: its tables against the register maps, and what it makes of every XID. */
import { describe, expect, it } from 'vitest';
import { r8169 } from '../../src/drivers/index.js';
import type { Step, StepList } from '../../src/drivers/r8169/access.js';
import type { Rtl } from '../../src/drivers/r8169/chip.js';
import { hashOf, hashTable } from '../../src/drivers/r8169/hw.js';
import { CHIP_DECLINES } from '../../src/drivers/r8169/ids.js';
import { RTL8125B } from '../../src/drivers/r8169/rtl8125b.js';
import { RTL8168H } from '../../src/drivers/r8169/rtl8168h.js';
import { Machine } from '../../src/hosts/machine/index.js';
import { enumerate, ProbeChain, type ProbeOutcome, score } from '../../src/pci/index.js';
import { OwnedArena } from '../../src/platform/arena.js';
import { maskOf, meta, type RegisterMap, realtek, rtl8125b, rtl8168h } from '../../src/registers/index.js';
import { realtekStandIns } from '../../src/testing/index.js';
import { finish } from '../../src/testing/run.js';
import { type StandIn, standIn } from '../../src/testing/stand-in.js';

const arena = new OwnedArena(64 << 20);

const MAPS: Readonly<Record<string, Readonly<Record<Step['space'], RegisterMap | undefined>>>> = {
  rtl8168h: {
    mac: rtl8168h.bar2Map,
    eri: rtl8168h.eriMap,
    ocp: rtl8168h.ocpMap,
    phy: rtl8168h.phyMap,
    ephy: rtl8168h.ephyMap,
  },
  rtl8125b: {
    mac: rtl8125b.bar2Map,
    eri: undefined,
    ocp: rtl8125b.ocpMap,
    phy: rtl8125b.phyMap,
    ephy: rtl8125b.ephyMap,
  },
};

const listsOf = (rtl: Rtl): StepList[] => [
  ...rtl.startLists,
  ...rtl.linkList,
  rtl.phy,
  rtl.eee.on,
  rtl.eee.off,
  rtl.phyDown,
  rtl.wake.magic.on,
  rtl.wake.magic.off,
  rtl.wake.link.on,
  rtl.wake.link.off,
];

describe.each([RTL8168H, RTL8125B])('$name', (rtl) => {
  const maps = MAPS[rtl.name]!;
  const steps = listsOf(rtl).flatMap((list) => list.steps);

  it('touches only registers and bits that its map declares, writable ones', () => {
    expect(steps.length).toBeGreaterThan(40);
    for (const { space, register, index, clear, set, select } of steps) {
      const info = register[meta];
      const name = `${space} ${info.name}`;
      expect(Object.values(maps[space]?.registers ?? {}), name).toContain(register);
      if (select) expect(Object.values(maps.phy!.registers), name).toContain(select.register);
      expect(index, name).toBeLessThan(info.count);
      const all = info.width === 32 ? -1 : 2 ** info.width - 1;
      const fields = Object.values(info.fields);
      const writable = fields.filter(({ access }) => access !== 'ro').reduce((mask, field) => mask | maskOf(field), 0);
      expect(set & ~writable & all, `${name}: bits set`).toBe(0);
      // All ones stand for "the whole register".
      if (clear !== all) expect(clear & ~writable & all, `${name}: bits cleared`).toBe(0);
      expect(set & ~all, `${name}: width`).toBe(0);
    }
  });

  it('names who does so, list by list', () => {
    for (const { source, steps } of listsOf(rtl)) if (steps.length > 0) expect(source).toMatch(/r8169 |802\.3 §/);
  });

  it('is the chip that its registers are', () => {
    expect(realtek.chipOf(rtl.xid)?.value).toBe(rtl.xid);
    expect(realtek.xidOf(rtl.map.TXCFG[meta].reset)).toBe(rtl.xid);
    expect(rtl.tallyBytes).toBe(rtl.name === 'rtl8125b' ? 192 : 64);
  });
});

describe('the multicast filter', () => {
  it('sets the bit that the top of the CRC-32 names', () => {
    // The CRC-32 of zlib, its bits reversed, shifted right by 26, for: all nodes of IPv6, all systems of IPv4, PAUSE, spanning tree.
    const known: readonly [readonly number[], number][] = [
      [[0x33, 0x33, 0, 0, 0, 1], 62],
      [[0x01, 0x00, 0x5e, 0, 0, 1], 31],
      [[0x01, 0x80, 0xc2, 0, 0, 1], 3],
      [[0x01, 0x80, 0xc2, 0, 0, 0], 25],
    ];
    for (const [address, bit] of known) expect(hashOf(Uint8Array.from(address)), String(address)).toBe(bit);
    const [low, high] = hashTable(known.map(([address]) => Uint8Array.from(address)));
    expect([low >>> 0, high >>> 0]).toEqual([0x8200_0008, 0x4000_0000]);
  });
});

/** What the driver says to a function. */
function probe(spec: StandIn): ProbeOutcome<unknown> {
  arena.clear();
  const machine = new Machine({ arena, ramBytes: 16 << 20 });
  machine.bus.add(standIn(spec), { device: 3 });
  const fn = enumerate(machine).functions.find((each) => each.vendor === spec.vendor)!;
  const id = r8169.ids.find((row) => score(row, fn) > 0)!;
  return finish(machine, r8169.probe(fn, id, {}));
}

describe('which chip it is', () => {
  const reasons = realtekStandIns().map((spec) => {
    const outcome = probe(spec);
    return outcome.kind === 'declined' ? outcome.reason : outcome.kind;
  });

  it('declines every known chip that it does not drive, by XID and name, whatever the PCI identity says', () => {
    for (const reason of CHIP_DECLINES) expect(reasons, reason).toContain(reason);
    expect(CHIP_DECLINES).toContain('XID 6c9 is RTL8127A: known, not driven');
    expect(CHIP_DECLINES).toContain('XID 488 to 48f is RTL8411: known, not driven');
    expect(CHIP_DECLINES).toContain('XID 541 is RTL8107E: known, not driven');
    expect(new Set(r8169.declines).size).toBe(r8169.declines.length);
    expect(reasons).toContain('RTL8125B with a fiber port: known, not driven');
  });

  it('fails with the XID of a chip that nobody knows, and when nobody answers', () => {
    const bars = [{ index: 2, kind: 'memory64', bytes: 4096, name: 'registers' }] as const;
    const base = { vendor: 0x10ec, device: 0x8168, bars } as const;
    expect(probe({ ...base, reads: () => 0x7fc0_0000 })).toMatchObject({
      kind: 'failed',
      error: { code: 'unsupported', place: { register: 'TXCFG', value: 0x7fc0_0000 } },
    });
    const outcome = probe({ ...base, reads: () => 0x7fc0_0000 });
    expect(String(outcome.kind === 'failed' && outcome.error.message)).toContain('XID 7cc is no chip of the family');
    expect(probe(base)).toMatchObject({ kind: 'failed', error: { code: 'gone', place: { register: 'TXCFG' } } });
  });

  it('knows each identity once; the shared ones by their subsystem', () => {
    const keys = r8169.ids.map((id) => `${id.vendor}:${id.device}:${id.subsystem ?? ''}`);
    expect(new Set(keys).size).toBe(keys.length);
    expect(new Set(r8169.ids.map((id) => id.name)).size).toBe(r8169.ids.length);
    arena.clear();
    const machine = new Machine({ arena, ramBytes: 16 << 20 });
    machine.bus.add(standIn({ vendor: 0x0001, device: 0x8168, subsystem: 0x1111 }));
    const chain = new ProbeChain({ options: {}, close: function* () {} });
    chain.register(r8169);
    expect(enumerate(machine).functions.flatMap((fn) => chain.candidates(fn))).toEqual([]);
  });
});
