/** The internal PHY of both chips. Addresses and values are those that drivers use. */
import { describe, expect, test } from 'vitest';
import { RealtekPhy } from '../../src/emulators/realtek/phy.js';
import { Cable, GIGABIT, type LinkAbility, LinkPort, MULTIGIG } from '../../src/link/index.js';
import { rtl8125b, rtl8168h } from '../../src/registers/index.js';
import { UnitBus } from './realtek-bench.js';

const CHIPS = {
  rtl8168h: { map: rtl8168h.phyMap, id: rtl8168h.PHY_ID },
  rtl8125b: { map: rtl8125b.phyMap, id: rtl8125b.PHY_ID, multigig: true },
};
const BMCR = 0xa400;
const BMSR = 0xa402;
const RESTART = 0x1200;

function bench(chip: keyof typeof CHIPS, partner: LinkAbility | null = MULTIGIG, schedule: 'fast' | 'timed' = 'fast') {
  const bus = new UnitBus(schedule);
  const port = new LinkPort('near');
  const far = new LinkPort('far');
  const phy = new RealtekPhy(bus, port, CHIPS[chip]);
  let changes = 0;
  phy.onChange = () => changes++;
  if (partner) far.offer(partner);
  new Cable(port, far, { scheduler: bus.scheduler, arena: bus.arena });
  bus.wait(2_000_000);
  return { bus, port, far, phy, changes: () => changes };
}

describe.each(['rtl8168h', 'rtl8125b'] as const)('%s', (chip) => {
  test('identity, and the two registers by which Linux chooses its driver', () => {
    const { phy } = bench(chip);
    expect(((phy.read(0xa404) << 16) | phy.read(0xa406)) >>> 0).toBe(chip === 'rtl8168h' ? 0x001c_c800 : 0x001c_c840);
    expect((phy.read(0xa616) >> 13) & 1).toBe(chip === 'rtl8168h' ? 0 : 1);
    phy.write(0xa41a, 3);
    phy.write(0xa41c, 20);
    phy.write(0xa41a, 0x4003);
    expect(phy.read(0xa41c)).toBe(0);
    expect(phy.read(0xa41a)).toBe(0x4003);
    expect(phy.read(0xa41e)).toBe(0x2000);
  });

  test('one PHY behind both windows, with pages behind PHYAR', () => {
    const { phy } = bench(chip);
    phy.clause22.write(2 * 4, 0x0de1, 0xffff, 0);
    expect(phy.read(0xa408)).toBe(0x0de1);
    phy.write(0xa412, 0x0200);
    expect(phy.clause22.read(2 * 9, 0)).toBe(0x0200);
    phy.clause22.write(2 * 31, 0x0bcd, 0xffff, 0);
    phy.clause22.write(2 * 23, 0x5a5a, 0xffff, 0);
    expect(phy.read(0xbcde)).toBe(0x5a5a);
    expect(phy.clause22.read(0, 0)).toBe(phy.read(BMCR));
    phy.clause22.write(2 * 31, 0, 0xffff, 0);
    expect(phy.clause22.read(2 * 26, 0)).toBe(phy.read(0xa434));
    phy.clause22.write(2 * 31, 0x0a43, 0xffff, 0);
    expect(phy.clause22.read(2 * 18, 0)).toBe(phy.read(0xa434));
  });

  test('what it does not know is storage until power-on, also over BMCR.RESET', () => {
    const { phy } = bench(chip);
    phy.write(0xbf3e, 0x1357);
    phy.write(BMCR, 0x9140);
    expect(phy.read(BMCR)).toBe(0x1140);
    expect(phy.read(0xbf3e)).toBe(0x1357);
    expect(phy.space.undeclared()).toEqual([{ address: 0xbf3e, read: true, written: true }]);
    phy.reset();
    expect(phy.read(0xbf3e)).toBe(0);
  });

  test('parameters: written in a row, read and written back in place', () => {
    const { phy } = bench(chip);
    phy.write(0xa436, 0x81b3);
    for (const value of [0x43, 0xa7, 0xd6]) phy.write(0xa438, value);
    phy.write(0xa436, 0x81b4);
    expect(phy.read(0xa438)).toBe(0xa7);
    phy.write(0xa438, phy.read(0xa438) | 0x800);
    phy.write(0xa436, 0x81b4);
    expect(phy.read(0xa438)).toBe(0x8a7);
    phy.write(0xa436, 0xffff);
    phy.write(0xa438, 1);
    phy.write(0xa438, 2);
    phy.write(0xa436, 0);
    expect(phy.read(0xa438)).toBe(2);
    phy.reset();
    phy.write(0xa436, 0x81b4);
    expect(phy.read(0xa438)).toBe(0);
  });

  test('the link: latched low once, lost and found again', () => {
    const { bus, far, phy, changes } = bench(chip);
    expect(changes()).toBe(1);
    expect(phy.read(BMSR) & 4).toBe(0);
    expect(phy.read(BMSR) & 0x24).toBe(0x24);
    far.offer(undefined);
    expect(phy.mode).toBeUndefined();
    expect(phy.read(0xa434) & 0x0e3c).toBe(0);
    far.offer(GIGABIT);
    bus.wait(2_000_000);
    expect(phy.mode).toEqual({ speed: 1000, fullDuplex: true, pause: true });
    expect(changes()).toBe(3);
    expect(phy.read(BMSR) & 4).toBe(0);
    expect(phy.read(BMSR) & 4).toBe(4);
  });

  test('lower speeds, and what PHYSR says of each', () => {
    const { bus, phy } = bench(chip, GIGABIT);
    const settle = (advertise: number, gigabit: number): number => {
      phy.write(0xa408, advertise);
      phy.write(0xa412, gigabit);
      phy.write(BMCR, RESTART);
      expect(phy.read(BMCR)).toBe(0x1000);
      bus.wait(2_000_000);
      return phy.read(0xa434) & 0x063c;
    };
    expect(settle(0x0de1, 0x0200)).toBe(0x2c);
    expect(settle(0x0de1, 0)).toBe(0x1c);
    expect(settle(0x0061, 0)).toBe(0x0c);
    expect(settle(0x0021, 0)).toBe(0x04);
    expect(phy.read(0xa40a) & 0x4400).toBe(0x4400);
  });

  test('power-down, its state, and power-up', () => {
    const { bus, far, phy } = bench(chip);
    phy.write(BMCR, 0x1940);
    expect(phy.mode).toBeUndefined();
    expect(far.partner).toBeUndefined();
    expect(phy.read(0xa420) & 7).toBe(5);
    phy.write(BMCR, 0x1140);
    expect(phy.read(0xa420) & 7).toBe(3);
    bus.wait(2_000_000);
    expect(phy.mode).toBeDefined();
  });

  test('held in reset: no link', () => {
    const { bus, phy } = bench(chip);
    phy.hold(true);
    bus.wait(2_000_000);
    expect(phy.mode).toBeUndefined();
    phy.hold(false);
    bus.wait(2_000_000);
    expect(phy.mode).toBeDefined();
  });

  test('loopback needs no partner', () => {
    const { bus, phy } = bench(chip, null);
    expect(phy.mode).toBeUndefined();
    phy.write(BMCR, 0x4140);
    bus.wait(10);
    expect(phy.loopback).toBe(true);
    expect(phy.mode).toMatchObject({ speed: 1000, fullDuplex: true });
  });

  test('EEE: both ends, at the speed of the link', () => {
    const { bus, far, phy } = bench(chip);
    expect(phy.eee).toBe(true);
    expect(far.partner?.eee).toEqual(chip === 'rtl8168h' ? [100, 1000] : [100, 1000, 2500]);
    expect(phy.read(0xa5c4)).toBe(6);
    expect(phy.read(0xa5d2)).toBe(6);
    far.offer({ ...GIGABIT, eee: [100] });
    bus.wait(2_000_000);
    expect(phy.read(0xa5d2)).toBe(2);
    expect(phy.eee).toBe(false);
    phy.write(0xa412, 0);
    phy.write(BMCR, RESTART);
    bus.wait(2_000_000);
    expect(phy.eee).toBe(true);
    phy.write(0xa5d0, 4);
    phy.write(BMCR, RESTART);
    bus.wait(2_000_000);
    expect(phy.eee).toBe(false);
    expect(far.partner?.eee).not.toContain(100);
  });

  test('the patch handshake of its processor', () => {
    const { phy } = bench(chip);
    expect(phy.read(0xb800) & 0x40).toBe(0);
    phy.write(0xb820, 0x10);
    expect(phy.read(0xb800) & 0x40).toBe(0x40);
    phy.write(0xb820, 0);
    expect(phy.read(0xb800) & 0x40).toBe(0);
  });

  test('timed: negotiation takes its 1.5 s', () => {
    const { bus, far, phy } = bench(chip, GIGABIT, 'timed');
    far.offer(undefined);
    far.offer(GIGABIT);
    bus.wait(1_499_999);
    expect(phy.mode).toBeUndefined();
    bus.wait(1);
    expect(phy.mode).toBeDefined();
  });
});

describe('2.5GBASE-T', () => {
  test('is settled, shown, and given up when it is not advertised', () => {
    const { bus, far, phy } = bench('rtl8125b');
    expect(phy.mode).toEqual({ speed: 2500, fullDuplex: true, pause: true });
    expect(phy.read(0xa434) & 0x063c).toBe(0x021c);
    expect(phy.read(0xa5d6) & 0x20).toBe(0x20);
    expect(phy.eee).toBe(true);
    expect(phy.read(0xa6d0)).toBe(1);
    expect(far.partner?.speeds).toEqual([10, 100, 1000, 2500]);
    phy.write(0xa5d4, 0);
    phy.write(BMCR, RESTART);
    bus.wait(2_000_000);
    expect(phy.mode?.speed).toBe(1000);
    far.offer(GIGABIT);
    bus.wait(2_000_000);
    expect(phy.read(0xa5d6)).toBe(0);
  });

  test('RTL8168H does not offer it', () => {
    const { far, phy } = bench('rtl8168h');
    expect(phy.mode?.speed).toBe(1000);
    expect(far.partner?.speeds).toEqual([10, 100, 1000]);
  });

  test('the second parameter space is another one', () => {
    const { phy } = bench('rtl8125b');
    phy.write(0xb87c, 0x80f5);
    phy.write(0xb87e, 0x760e);
    phy.write(0xa436, 0x80f5);
    expect(phy.read(0xa438)).toBe(0);
    phy.write(0xb87c, 0x80f5);
    expect(phy.read(0xb87e)).toBe(0x760e);
  });
});
