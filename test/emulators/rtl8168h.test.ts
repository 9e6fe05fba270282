/** RTL8168H: identity, interrupts, timer, resets, sleep. */
import { describe, expect, test } from 'vitest';
import { Rtl8168h } from '../../src/emulators/index.js';
import { Machine } from '../../src/hosts/machine/index.js';
import { GIGABIT } from '../../src/link/index.js';
import { rtl8168h as c, pci, pick, put } from '../../src/registers/index.js';
import { RealtekRig, type RigOptions } from './realtek-rig.js';
import { BROADCAST, ethernet, MAC } from './rig.js';

const { ROK, TOK, LINKCHG, SWINT, TIMEOUT } = c.ISR;
const STRANGER = [0x02, 0xaa, 0, 0, 0, 1];

const rig = (options: RigOptions = {}) => new RealtekRig('rtl8168h', { far: GIGABIT, ...options });

/** Causes so far; they are acknowledged. */
function causes(r: RealtekRig): number {
  const value = r.read(c.ISR);
  r.write(c.ISR, value);
  return value;
}

/** A chip on a bus. */
function attached(model: Rtl8168h): Rtl8168h {
  new Machine({ ramBytes: 1 << 20 }).bus.add(model);
  return model;
}

describe('identity', () => {
  test('BARs and capabilities in their places', () => {
    const r = rig();
    expect(r.fn.bars.map((bar) => [bar.index, bar.bytes])).toEqual([
      [0, 256],
      [2, 4096],
      [4, 16384],
    ]);
    const at = (id: number): number | undefined => r.fn.capability(id)?.at;
    const { PM, MSI, PCIE, MSIX, VPD } = pci.CAP;
    expect([PM, MSI, PCIE, MSIX, VPD].map(at)).toEqual([0x40, 0x50, 0x70, 0xb0, 0xd0]);
    const found: number[][] = [];
    for (let place = pci.EXT_CAP_START as number; place !== 0; ) {
      const head = r.fn.read32(place);
      found.push([pick(head, pci.EXT_CAP_HEADER.ID), place]);
      place = pick(head, pci.EXT_CAP_HEADER.NEXT);
    }
    const { AER, VC, DSN, LTR, L1SS } = pci.EXT_CAP;
    expect(found).toEqual([
      [AER, 0x100],
      [VC, 0x140],
      [DSN, 0x160],
      [LTR, 0x170],
      [L1SS, 0x178],
    ]);
  });

  test('XID, station address in IDR and ERI, gate open, both BARs the same', () => {
    const r = rig();
    expect((r.read(c.TXCFG) >>> 20) & 0x7cf).toBe(c.XID);
    expect(r.read(c.IDR0) >>> 0).toBe(0x12005452);
    expect(r.read(c.IDR4)).toBe(0x5634);
    r.write(c.ERIAR, put(put(0, c.ERIAR.BYTE_EN, 15), c.ERIAR.ADDR, c.ERI_MAC0.at));
    expect(r.read(c.ERIAR) & c.ERIAR.FLAG).not.toBe(0);
    expect(r.read(c.ERIDR) >>> 0).toBe(0x12005452);
    expect(r.read(c.MISC)).toBe(0);
    const io = r.fn.mapBar(0);
    for (const at of [c.IDR0.at, c.IDR4.at, c.TXCFG.at, c.RCR.at, c.CPCR.at])
      expect(io.read32(at), `offset ${at}`).toBe(r.io.read32(at));
    expect(r.findings).toEqual([]);
  });

  test('vital product data: read by its flag, written by its flag', () => {
    const r = rig();
    const at = r.fn.capability(pci.CAP.VPD)!.at;
    const read = (address: number): number => {
      r.fn.write16(at + 2, address);
      expect(r.fn.read16(at + 2)).toBe(address | 0x8000);
      return r.fn.read32(at + 4) >>> 0;
    };
    expect(read(0) & 0xff).toBe(0x82);
    r.fn.write32(at + 4, 0x1234_5678);
    r.fn.write16(at + 2, 0x8040);
    expect(r.fn.read16(at + 2)).toBe(0x0040);
    expect(read(0x40)).toBe(0x1234_5678);
  });

  test('CSIAR reaches configuration space; its register at 70ch is there both ways', () => {
    const r = rig();
    const read = (address: number): number => {
      r.write(c.CSIAR, put(put(0, c.CSIAR.BYTE_EN, 15), c.CSIAR.ADDR, address));
      r.wait(1);
      expect(r.read(c.CSIAR) & c.CSIAR.FLAG).not.toBe(0);
      return r.read(c.CSIDR) >>> 0;
    };
    expect(read(0)).toBe(0x8168_10ec);
    r.fn.write8(0x70f, 0x27);
    expect(r.fn.read8(0x70f)).toBe(0x27);
    expect(read(0x70c)).toBe(0x2700_0000);
    r.write(c.CSIDR, 0x1700_0000);
    r.write(c.CSIAR, put(put(c.CSIAR.FLAG, c.CSIAR.BYTE_EN, 15), c.CSIAR.ADDR, 0x70c));
    expect(r.fn.read8(0x70f)).toBe(0x17);
  });

  test('link: PHYSTATUS, cause, and both ways to one PHY', () => {
    const r = rig();
    expect(r.read(c.PHYSTATUS)).toBe(0);
    r.wait(5000);
    const { M1000, LINKSTS, FULLDUP, RXFLOW, TXFLOW } = c.PHYSTATUS;
    expect(r.read(c.PHYSTATUS)).toBe(M1000 | LINKSTS | FULLDUP | RXFLOW | TXFLOW);
    expect(causes(r)).toBe(LINKCHG);
    r.write(c.PHYAR, put(0, c.PHYAR.REG, 2));
    expect(r.read(c.PHYAR) & 0xffff).toBe(0x001c);
    expect(r.phy(c.PHYSID2)).toBe(0xc800);
    r.cable.pull();
    expect(r.read(c.PHYSTATUS)).toBe(0);
    expect(causes(r)).toBe(LINKCHG);
  });
});

describe('interrupts', () => {
  test('INTx follows status and mask; ones acknowledge; FSWINT', () => {
    const r = rig().start();
    causes(r);
    const line = (): boolean => (r.fn.read16(pci.STATUS.at) & pci.STATUS.INTX) !== 0;
    r.write(c.IMR, SWINT);
    r.write(c.TPPOLL, c.TPPOLL.FSWINT);
    expect([r.read(c.TPPOLL), r.read(c.ISR), line()]).toEqual([0, SWINT, true]);
    r.write(c.IMR, 0);
    expect(line()).toBe(false);
    r.write(c.IMR, SWINT);
    expect(line()).toBe(true);
    r.write(c.ISR, SWINT);
    expect([r.read(c.ISR), line()]).toEqual([0, false]);
  });

  test('who only looks at ISR brings no cause, and keeps none back', () => {
    const r = rig().start();
    causes(r);
    r.send(ethernet(STRANGER));
    const { regs } = r.model;
    expect(regs.peek(c.ISR) & TOK).toBe(TOK);
    r.inject(ethernet(MAC));
    expect(regs.peek(c.ISR) & ROK).toBe(0);
    r.wait(10);
    expect(regs.peek(c.ISR) & ROK).toBe(ROK);
  });

  test('MSI-X: vector 0, on each rise', () => {
    const r = rig().start();
    causes(r);
    let count = 0;
    r.fn.enableMsix([() => void count++]);
    r.write(c.IMR, ROK);
    r.inject(ethernet(MAC));
    r.inject(ethernet(MAC));
    r.wait(10);
    expect(count).toBe(1);
    r.write(c.IMR, 0);
    r.write(c.ISR, ROK);
    r.inject(ethernet(MAC));
    r.wait(10);
    expect(count).toBe(1);
    r.write(c.IMR, ROK);
    r.wait(10);
    expect(count).toBe(2);
  });

  test('mitigation by time and by frames, scaled by CPCR, its unit by the speed', () => {
    const r = rig({ entries: 32 }).start();
    const line = (): boolean => (r.fn.read16(pci.STATUS.at) & pci.STATUS.INTX) !== 0;
    r.write(c.IMR, ROK | TOK);
    // 3 units of 40 us at 1 Gb/s, or 8 frames.
    r.write(c.CPCR, put(r.read(c.CPCR), c.CPCR.INTT, 1));
    r.write(c.INTRMITIGATE, put(put(0, c.INTRMITIGATE.RX_TIME, 3), c.INTRMITIGATE.RX_FRAMES, 2));
    causes(r);
    r.inject(ethernet(MAC));
    r.wait(100);
    expect([r.read(c.ISR) & ROK, line()]).toEqual([ROK, false]);
    r.wait(30);
    expect(line()).toBe(true);
    causes(r);
    for (let i = 0; i < 8; i++) r.inject(ethernet(MAC));
    r.wait(5);
    expect(line()).toBe(true);
    causes(r);
    r.set(c.CPCR, c.CPCR.PKTCNTR_DISABLE);
    for (let i = 0; i < 8; i++) r.inject(ethernet(MAC));
    r.wait(5);
    expect(line()).toBe(false);
    causes(r);
    // Sent frames do not wait.
    r.send(ethernet(STRANGER));
    expect(line()).toBe(true);
    causes(r);
    // At 100 Mb/s the unit is 2.56 us.
    r.far.offer({ ...GIGABIT, speeds: [100] });
    r.wait(5000);
    expect(r.read(c.PHYSTATUS) & c.PHYSTATUS.M100).not.toBe(0);
    r.write(c.CPCR, put(r.read(c.CPCR), c.CPCR.INTT, 0));
    causes(r);
    r.inject(ethernet(MAC));
    r.wait(5);
    expect(line()).toBe(false);
    r.wait(5);
    expect(line()).toBe(true);
  });

  test('the timer counts 125 MHz, interrupts at its comparison, and starts again by a write', () => {
    const r = rig();
    r.write(c.TCTR, 0);
    r.write(c.TIMERINT0, 125 * 1000);
    r.wait(500);
    expect(r.read(c.TCTR)).toBe(125 * 500);
    expect(r.read(c.ISR) & TIMEOUT).toBe(0);
    r.write(c.TCTR, 1);
    r.wait(999);
    expect(r.read(c.ISR) & TIMEOUT).toBe(0);
    r.wait(1);
    expect(causes(r) & TIMEOUT).toBe(TIMEOUT);
    r.wait(100_000);
    expect(causes(r) & TIMEOUT).toBe(0);
    r.write(c.TIMERINT0, 0);
    r.write(c.TCTR, 0);
    r.wait(10_000);
    expect(causes(r) & TIMEOUT).toBe(0);
  });
});

describe('resets and sleep', () => {
  test('CR.RST: rings, masks and configuration of the units go; address, hash and PHY stay', () => {
    const r = rig().start();
    r.unlocked(() => r.write(c.IDR0, 0x0403_0252));
    r.write(c.MAR0, 0x1234);
    r.write(c.IMR, ROK);
    r.write(c.CR, c.CR.RST);
    expect(r.read(c.CR)).toBe(0);
    expect([c.IMR, c.ISR, c.RCR, c.TNPDS_LO, c.RDSAR_LO].map((register) => r.read(register))).toEqual([0, 0, 0, 0, 0]);
    expect([r.read(c.IDR0), r.read(c.MAR0)]).toEqual([0x0403_0252, 0x1234]);
    expect(r.read(c.PHYSTATUS) & c.PHYSTATUS.LINKSTS).not.toBe(0);
    expect(r.inject(ethernet(MAC))).toBe('receiver-off');
  });

  test('timed: a reset takes its time', () => {
    const r = rig({ schedule: 'timed' });
    r.write(c.CR, c.CR.RST);
    r.wait(10);
    expect(r.read(c.CR) & c.CR.RST).toBe(c.CR.RST);
    r.wait(15);
    expect(r.read(c.CR)).toBe(0);
  });

  test('a locked address keeps its value; a power cycle brings the one of the EEPROM', () => {
    const r = rig();
    r.unlocked(() => r.write(c.IDR0, 0x0403_0252));
    expect(r.read(c.IDR0)).toBe(0x0403_0252);
    r.machine
      .functions()
      .find(({ shell }) => shell.fn === r.model)!
      .shell.reset('power-on');
    r.fn.enable({ memory: true, io: true, master: true });
    expect(r.model.regs.get(c.IDR0) >>> 0).toBe(0x12005452);
  });

  test('asleep a magic packet wakes it, and its state is kept', () => {
    const r = rig().start();
    r.unlocked(() => {
      r.set(c.CONFIG1, c.CONFIG1.PMEN);
      r.set(c.CONFIG2, c.CONFIG2.PME_SIGNAL);
    });
    r.write(c.ERIDR, c.ERI_FILTER.MAGIC);
    r.write(c.ERIAR, put(put(c.ERIAR.FLAG, c.ERIAR.BYTE_EN, 4), c.ERIAR.ADDR, c.ERI_FILTER.at));
    r.wait(1);
    const pm = r.fn.capability(pci.CAP.PM)!.at + pci.PMCSR.at;
    r.fn.write16(pm, pci.PMCSR.PME_EN | 3);
    r.inject(ethernet(MAC));
    expect(r.fn.read16(pm) & pci.PMCSR.PME_STATUS).toBe(0);
    const magic = ethernet(BROADCAST, 200);
    magic.fill(0xff, 20, 26);
    for (let i = 0; i < 16; i++) magic.set(MAC, 26 + 6 * i);
    expect(r.inject(magic)).toBe('power-state');
    expect(r.fn.read16(pm) & pci.PMCSR.PME_STATUS).not.toBe(0);
    r.fn.write16(pm, pci.PMCSR.PME_STATUS);
    expect(r.read(c.CR)).toBe(c.CR.TE | c.CR.RE);
    expect(r.inject(ethernet(MAC))).toBe('delivered');
    expect(r.findings).toEqual([]);
  });

  test('the station address comes from the EEPROM, whose size RCR tells', () => {
    const words = new Uint16Array(256).fill(0xffff);
    words[c.EEPROM_ID.at / 2] = c.EEPROM_MAGIC;
    words.set([0x0252, 0x0403, 0x0605], c.EEPROM_MAC.at / 2);
    const { regs } = attached(new Rtl8168h({ eeprom: words }));
    expect([regs.get(c.IDR0), regs.get(c.IDR4)]).toEqual([0x0403_0252, 0x0605]);
    expect(regs.peek(c.RCR) & c.RCR.EE9356).toBe(c.RCR.EE9356);
    expect(rig().read(c.RCR) & c.RCR.EE9356).toBe(0);
  });
});
