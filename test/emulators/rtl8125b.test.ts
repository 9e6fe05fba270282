/** RTL8125B: what it has of its own. What it shares with RTL8168H is tested with that; offsets here are those of drivers. */
import { describe, expect, test } from 'vitest';
import { checkFrame, emptyFindings } from '../../src/emulators/offload/checksum.js';
import { Machine } from '../../src/hosts/machine/index.js';
import { breakDevice, nicKind } from '../../src/lab/index.js';
import { GIGABIT } from '../../src/link/index.js';
import { OwnedArena } from '../../src/platform/arena.js';
import { Random } from '../../src/platform/random.js';
import { readReg, writeReg } from '../../src/platform/task.js';
import { rtl8125b as c, pci } from '../../src/registers/index.js';
import { RealtekRig, type RigOptions } from './realtek-rig.js';
import { BROADCAST, ethernet, MAC, tcpFrame } from './rig.js';

const rig = (options?: RigOptions): RealtekRig => new RealtekRig('rtl8125b', options);
const { FS, LS } = c.TXD_OPTS1;

describe('identity', () => {
  test('configuration space: BARs, 5 GT/s, MSI with mask bits, 32 vectors, capabilities in their places', () => {
    const { fn, machine } = rig();
    expect([fn.vendor, fn.device, fn.revision]).toEqual([0x10ec, 0x8125, 5]);
    expect(fn.bars.map(({ index, kind, bytes }) => [index, kind, bytes])).toEqual([
      [0, 'io', 0x100],
      [2, 'memory64', 0x1_0000],
      [4, 'memory64', 0x4000],
    ]);
    const at = (id: number): number => fn.capability(id)!.at;
    expect([pci.CAP.PM, pci.CAP.MSI, pci.CAP.PCIE, pci.CAP.MSIX, pci.CAP.VPD].map(at)).toEqual([
      0x40, 0x50, 0x70, 0xb0, 0xd0,
    ]);
    expect(fn.read16(0x52) & (pci.MSI_CONTROL.MASKABLE | pci.MSI_CONTROL.ADDR64)).toBe(0x180);
    expect(fn.read16(0xb2) & pci.MSIX_CONTROL.TABLE_SIZE).toBe(31);
    expect(fn.read16(0x70 + pci.PCIE_LNKSTA.at) & pci.PCIE_LNKSTA.SPEED).toBe(2);
    const shell = machine.functions().find(({ shell: { fn: model } }) => model.name === 'rtl8125b')!.shell;
    const extended: number[] = [];
    for (let place = 0x100; place !== 0; place = shell.readConfig(place, 32) >>> 20) {
      extended.push(place);
      expect(shell.readConfig(place, 32) & 0xffff).not.toBe(0);
    }
    expect(extended).toEqual([0x100, 0x148, 0x168, 0x178, 0x204, 0x20c, 0x21c]);
  });

  test('XID, station address in both places, copper', () => {
    const r = rig();
    expect((r.io.read32(0x40) >>> 20) & 0x7cf).toBe(0x641);
    expect([r.io.read32(0x00), r.io.read32(0x04)]).toEqual([0x1200_5452, 0x5634]);
    expect([r.io.read32(0x19e0), r.io.read16(0x19e4)]).toEqual([0x1200_5452, 0x5634]);
    expect(r.ocp(c.MEDIUM) & 0xff).not.toBe(7);
    expect(r.ocp(c.OCP_E00E) & 0x2000).toBe(0);
    expect(r.findings).toEqual([]);
  });
});

describe('link', () => {
  test('2500 full duplex, in PHYSTATUS and PHYSR', () => {
    const r = rig();
    r.wait(2_000_000);
    expect(r.io.read16(0x6c)).toBe(0x0463);
    expect(r.phy(c.PHYSR) & 0x063c).toBe(0x021c);
  });

  test.each([
    [1000, 0x13],
    [100, 0x0b],
    [10, 0x07],
  ] as const)('%i when the partner has no more', (speed, status) => {
    const r = rig({ far: { ...GIGABIT, speeds: [speed], half: [], pause: false } });
    r.wait(2_000_000);
    expect(r.io.read16(0x6c)).toBe(status);
  });

  test('its coming and going is a cause', () => {
    const r = rig();
    r.wait(2_000_000);
    expect(r.io.read32(0x3c) & 0x20).toBe(0x20);
    r.io.write32(0x3c, -1);
    expect(r.io.read32(0x3c)).toBe(0);
    r.far.offer(undefined);
    expect(r.io.read32(0x3c)).toBe(0x20);
    expect(r.io.read16(0x6c) & 2).toBe(0);
  });
});

describe('frames', () => {
  test.each([
    ['16', 0],
    ['32', 1],
  ])('transmit descriptors of %s bytes', (bytes, format) => {
    const r = rig({ entries: 4 });
    r.ocp(c.TX_FORMAT, format);
    r.txBytes = Number(bytes);
    r.start();
    for (let i = 0; i < 6; i++) {
      const frame = ethernet(MAC, 60 + i);
      expect(r.status(r.send(frame)) < 0).toBe(false);
      expect(r.sent.at(-1)).toEqual(frame);
    }
    expect(r.sent).toHaveLength(6);
    expect(r.model.rings()[0]).toMatchObject({ entries: 4, entryBytes: Number(bytes) });
    expect(r.findings).toEqual([]);
  });

  test('two queues: the doorbell of one leaves the other alone', () => {
    const r = rig().start();
    const ring = r.fn.dma.alloc(4096, 256);
    const { view } = ring.arena;
    const frame = ethernet(BROADCAST, 64);
    view.setBigUint64(ring.offset + 8, BigInt(r.place(frame, 4096)), true);
    view.setInt32(ring.offset, c.TXD_OPTS1.OWN | c.TXD_OPTS1.EOR | FS | LS | 64, true);
    r.io.write32(0x2104, Math.floor(ring.address / 2 ** 32));
    r.io.write32(0x2100, ring.address | 0);
    const mine = r.descriptor(r.place(ethernet(MAC)), FS | LS | 60);
    r.io.write16(0x90, 2);
    r.wait(500);
    expect(r.sent).toEqual([frame]);
    expect(r.status(mine) < 0).toBe(true);
    r.doorbell();
    expect(r.sent).toHaveLength(2);
    expect(r.findings).toEqual([]);
  });

  test('tags: inserted by the descriptor, taken out by RCR and not by CPCR', () => {
    const r = rig().start();
    const tagged = (): Uint8Array =>
      Uint8Array.of(...BROADCAST, ...MAC, 0x81, 0, 0x20, 0x05, ...ethernet(MAC, 64).subarray(12));
    r.send(ethernet(BROADCAST, 64), c.TXD_OPTS2.TAGC | 0x0520);
    expect([...r.sent[0]!.subarray(12, 16)]).toEqual([0x81, 0, 0x20, 0x05]);
    r.set(c.CPCR, c.CPCR.RXVLAN);
    r.inject(tagged());
    expect(r.received()).toMatchObject({ bytes: tagged(), opts2: 0 });
    r.set(c.RCR, 0x00c0_0000);
    r.inject(tagged());
    const got = r.received()!;
    expect(got.bytes).toHaveLength(tagged().length - 4);
    expect(got.opts2 & 0x1_ffff).toBe(0x1_0520);
  });

  test('with TX_NO_CLOSE descriptors are counted and left as they are, also when the counters come round', () => {
    const r = rig({ entries: 8 }).start();
    r.set(c.TXCFG, c.TXCFG.TX_NO_CLOSE);
    const counts = (): number[] => [r.io.read16(0x2800), r.io.read16(0x2802)];
    for (let filled = 1; filled <= 20; filled++) {
      const i = r.descriptor(r.place(ethernet(MAC, 60 + filled)), FS | LS | (60 + filled));
      r.io.write16(0x2800, filled);
      r.wait(500);
      expect(counts()).toEqual([filled, filled]);
      expect(r.status(i) & c.TXD_OPTS1.OWN).not.toBe(0);
      expect(r.sent).toHaveLength(filled);
    }
    // Both counters near their end: the difference counts.
    r.model.regs.set(c.SW_TAIL_PTR, 0xffff);
    r.model.regs.set(c.HW_CLO_PTR, 0xffff);
    for (let i = 0; i < 2; i++) r.descriptor(r.place(ethernet(MAC)), FS | LS | 60);
    r.io.write16(0x2800, 1);
    r.wait(500);
    expect(counts()).toEqual([1, 1]);
    expect(r.sent).toHaveLength(22);
    expect(r.machine.diagnostics.list()).toEqual([]);
    r.write(c.CR, c.CR.RST);
    r.wait(100_000);
    expect(counts()).toEqual([0, 0]);
  });

  test.each([
    ['more descriptors than the ring has', 'tail-beyond-ring SW_TAIL_PTR', 9],
    ['descriptors without OWN', 'descriptor-order TXD_OPTS1', 2],
  ])('TX_NO_CLOSE with %s', (_name, finds, tail) => {
    const r = rig({ entries: 8 }).start();
    r.set(c.TXCFG, c.TXCFG.TX_NO_CLOSE);
    for (let i = 0; i < 8; i++) r.descriptor(r.place(ethernet(MAC)), FS | LS | 60);
    r.io.write16(0x2800, 8);
    r.wait(500);
    expect(r.sent).toHaveLength(8);
    r.tx.arena.view.setInt32(r.tx.offset, 0, true);
    r.io.write16(0x2800, 8 + tail);
    r.wait(5_000);
    expect(r.findings).toEqual([finds]);
    expect(r.sent).toHaveLength(8);
  });

  test('IPv4 says itself where TCP begins', () => {
    const r = rig().start();
    r.send(tcpFrame(100), c.TXD_OPTS2.IPV4_CS | c.TXD_OPTS2.TCP_CS);
    const found = emptyFindings();
    const arena = new OwnedArena(4096);
    arena.u8.set(r.sent[0]!, 64);
    checkFrame(arena, 64, r.sent[0]!.length, found);
    expect([found.ipOk, found.l4Ok]).toEqual([true, true]);
    expect(r.findings).toEqual([]);
  });
});

describe('handshakes', () => {
  test('FIFOs are empty when nothing waits, in both registers', () => {
    const r = rig({ schedule: 'adversarial' }).start();
    expect([r.io.read16(0xe2) & 0x103, r.io.read8(0xd3) & 0x30]).toEqual([0x103, 0x30]);
    for (let i = 0; i < 16; i++) r.descriptor(r.place(ethernet(MAC)), FS | LS | 60);
    r.doorbell(0);
    expect([r.io.read16(0xe2) & 0x103, r.io.read8(0xd3) & 0x20]).toEqual([0, 0]);
    r.wait(20_000);
    expect([r.io.read16(0xe2) & 0x103, r.io.read8(0xd3) & 0x30]).toEqual([0x103, 0x30]);
    expect(r.sent).toHaveLength(16);
  });

  test('CR.STOP_REQ: nothing is fetched any more, and the FIFOs are empty', () => {
    const r = rig().start();
    r.io.write8(0x37, 0x8c);
    const waiting = r.send(ethernet(MAC));
    expect([r.sent.length, r.status(waiting) < 0]).toEqual([0, true]);
    expect([r.io.read16(0xe2) & 0x103, r.io.read8(0xd3) & 0x30]).toEqual([0x103, 0x30]);
    r.io.write8(0x37, 0x0c);
    r.wait(500);
    expect(r.sent).toHaveLength(1);
  });

  test('without a link frames stay in the ring, and the FIFOs are empty', () => {
    const r = rig().start();
    r.far.offer(undefined);
    r.send(ethernet(MAC));
    expect([r.io.read16(0xe2) & 0x103, r.io.read8(0xd3) & 0x30]).toEqual([0x103, 0x30]);
    r.far.offer(GIGABIT);
    r.wait(2_000_000);
    expect(r.sent).toHaveLength(1);
  });

  test("pages of the processor's memory", () => {
    const r = rig();
    for (const page of [0, 1, 2, 3]) {
      r.ocp(c.MCU_PAGE, page);
      r.ocp(c.MCU_RAM, 0x1000 + page);
    }
    for (const page of [3, 2, 1, 0]) {
      r.ocp(c.MCU_PAGE, page);
      expect(r.ocp(c.MCU_RAM)).toBe(0x1000 + page);
    }
  });

  test('the tally dump grows by MAC OCP ea84h', () => {
    const r = rig().start();
    r.send(ethernet(BROADCAST, 100));
    const { u8, view } = r.data.arena;
    const dump = (): void => {
      u8.fill(0xee, r.data.offset, r.data.offset + 256);
      r.io.write32(0x14, 0);
      r.io.write32(0x10, r.data.address | 8);
      expect(r.io.read32(0x10) & 8).toBe(0);
    };
    dump();
    expect(view.getUint32(r.data.offset, true)).toBe(1);
    expect(u8[r.data.offset + 64]).toBe(0xee);
    r.ocp(c.TALLY_CTRL, 3);
    dump();
    expect(view.getUint32(r.data.offset + 0x40, true)).toBe(104);
    expect(view.getUint32(r.data.offset + 0x60, true)).toBe(1);
    expect(u8[r.data.offset + 192]).toBe(0xee);
  });
});

describe('sleep', () => {
  const PM = 0x40;

  function asleep(setup: (r: RealtekRig) => void) {
    const r = rig().start();
    r.unlocked(() => {
      r.set(c.CONFIG2, c.CONFIG2.PME_SIGNAL);
      setup(r);
    });
    r.fn.write16(PM + 4, 0x0103);
    return { r, woken: (): boolean => (r.fn.read16(PM + 4) & 0x8000) !== 0 };
  }

  test('a magic packet, by MAC OCP c0b6h', () => {
    const magic = ethernet(BROADCAST, 120);
    magic.fill(0xff, 14, 20);
    for (let i = 0; i < 16; i++) magic.set(MAC, 20 + 6 * i);
    const off = asleep(() => {});
    off.r.inject(magic);
    expect(off.woken()).toBe(false);
    const on = asleep((r) => r.ocp(c.WAKE_MAGIC, 1));
    on.r.inject(ethernet(BROADCAST));
    expect(on.woken()).toBe(false);
    expect(on.r.inject(magic)).toBe('power-state');
    expect(on.woken()).toBe(true);
  });

  test('the link, by CONFIG3 or MAC OCP e0c6h', () => {
    for (const setup of [
      (r: RealtekRig) => r.set(c.CONFIG3, c.CONFIG3.LINK_UP),
      (r: RealtekRig) => void r.ocp(c.WAKE_LINK, 0x13),
    ]) {
      const { r, woken } = asleep(setup);
      r.far.offer(undefined);
      expect(woken()).toBe(false);
      r.far.offer(GIGABIT);
      r.wait(2_000_000);
      expect(woken()).toBe(true);
    }
  });

  test('D3hot keeps the state', () => {
    const { r } = asleep(() => {});
    r.fn.write16(PM + 4, 0);
    expect(r.read(c.CONFIG2) & c.CONFIG2.PME_SIGNAL).toBe(c.CONFIG2.PME_SIGNAL);
    expect(r.read(c.TNPDS_LO)).toBe(r.tx.address | 0);
  });
});

describe('resets', () => {
  test('CR.RST stops the units and forgets the rings, and keeps address, PHY and what is behind the windows', () => {
    const r = rig({ schedule: 'timed' });
    r.wait(2_000_000);
    r.start();
    r.ocp(c.TALLY_CTRL, 3);
    r.write(c.CR, c.CR.RST);
    expect(r.read(c.CR) & c.CR.RST).toBe(c.CR.RST);
    r.wait(10_000);
    expect(r.read(c.CR)).toBe(0);
    expect([r.read(c.TNPDS_LO), r.read(c.TNPDS_Q1_LO), r.read(c.RDSAR_LO)]).toEqual([0, 0, 0]);
    expect(r.ocp(c.TALLY_CTRL)).toBe(3);
    expect(r.io.read32(0x00)).toBe(0x1200_5452);
    expect(r.io.read16(0x6c) & 2).toBe(2);
  });

  test('after a power cycle everything is new', () => {
    const r = rig().start();
    r.ocp(c.TALLY_CTRL, 3);
    r.ocp(c.MCU_RAM, 0x1234);
    r.io.write8(0x34, 1);
    r.io.write32(0xd0c, -1);
    const shell = r.machine.functions().find(({ shell: { fn } }) => fn.name === 'rtl8125b')!.shell;
    shell.reset('power-on');
    const model = shell.fn;
    expect(model.readBar(2, 0x34, 8)).toBe(0);
    expect(model.readBar(2, 0xd00, 32)).toBe(0);
    expect(model.readBar(2, 0x37, 8)).toBe(0);
    expect(model.readBar(2, 0x19e0, 32)).toBe(0x1200_5452);
  });
});

test('segments by TSO version 2 at 2500', () => {
  const r = rig().start();
  const packet = tcpFrame(4000);
  r.send(packet, 1448 << 18, (1 << 26) | (34 << 18));
  expect(r.sent.map((frame) => frame.length)).toEqual([54 + 1448, 54 + 1448, 54 + 1104]);
  expect(readReg(r.io, c.ISR) & 4).toBe(4);
  writeReg(r.io, c.ISR, -1);
  expect(r.findings).toEqual([]);
});

test.each(['rtl8168h', 'rtl8125b'] as const)('a PHY that falls silent answers neither reads nor writes: %s', (name) => {
  const broken = breakDevice(nicKind(name).make(Uint8Array.from(MAC), name), { random: new Random(1) });
  const machine = new Machine({ arena: new OwnedArena(32 << 20), ramBytes: 4 << 20, seed: 1 });
  machine.bus.add(broken.model);
  const { model } = broken;
  const done = (command: number): boolean => {
    model.writeBar(2, 0xb8, 32, command);
    return model.readBar(2, 0xb8, 32) >>> 31 !== command >>> 31;
  };
  const commands = [0xa402 << 15, 0x8000_0000 | (0xa408 << 15) | 0x1e1 | 0];
  expect(commands.map(done)).toEqual([true, true]);
  broken.begin('silent-phy');
  expect(commands.map(done)).toEqual([false, false]);
  broken.end();
  expect(commands.map(done)).toEqual([true, true]);
});
