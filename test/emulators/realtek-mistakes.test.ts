/** Mistakes that a driver of RTL8168H or RTL8125B can make: each is exactly one finding, and the model goes on. */
import { describe, expect, test } from 'vitest';
import { rtl8168h as c, pci, put, rtl8125b } from '../../src/registers/index.js';
import { RealtekRig, type RigOptions } from './realtek-rig.js';
import { ethernet, MAC, tcpFrame } from './rig.js';

const { FS, LS, GTSENV4, GTSENV6 } = c.TXD_OPTS1;
const { IPV4_CS, IPV6_CS, TCP_CS, UDP_CS } = c.TXD_OPTS2;
/** No memory is there. */
const NOWHERE = 0x7_0000_0000;
const WHOLE = FS | LS;

interface Mistake {
  readonly name: string;
  /** Rule and register. */
  readonly finds: string;
  readonly options?: RigOptions;
  make(r: RealtekRig): void;
}

const sums = (opts2: number, at: number): number => put(opts2, c.TXD_OPTS2.TCPHO, at);
const segment = (version: number, at: number): number => put(version, c.TXD_OPTS1.GTS_TCPHO, at);
const mss = (bytes: number): number => put(0, c.TXD_OPTS2_GTS.MSS, bytes);

const MISTAKES: readonly Mistake[] = [
  {
    name: 'a register that no driver knows',
    finds: 'unknown-register offset 0x00a8',
    make: (r) => r.io.read32(0xa8),
  },
  {
    name: 'bits that nobody names',
    finds: 'reserved-bits CR',
    make: (r) => r.write(c.CR, c.CR.TE | 2),
  },
  {
    name: 'a transmit ring that is not aligned',
    finds: 'ring-alignment TNPDS_LO',
    make: (r) => r.write(c.TNPDS_LO, (r.tx.address + 0x10) | 0),
  },
  {
    name: 'a receive ring that is not aligned',
    finds: 'ring-alignment RDSAR_LO',
    make: (r) => r.write(c.RDSAR_LO, (r.rx.address + 0x80) | 0),
  },
  {
    name: 'a dump of the counters that is not aligned',
    finds: 'reserved-bits DTCCR',
    make: (r) => r.write(c.DTCCR, (r.data.address + 0x10) | 0),
  },
  {
    name: 'a dump while a dump is under way',
    finds: 'command-busy DTCCR',
    options: { schedule: 'timed' },
    make(r) {
      for (let i = 0; i < 2; i++) r.write(c.DTCCR, (r.data.address | 0) + c.DTCCR.CMD);
      r.wait(100);
    },
  },
  {
    name: 'the doorbell while the transmitter is off',
    finds: 'use-while-disabled TPPOLL',
    make(r) {
      r.start().write(c.CR, c.CR.RE);
      r.send(ethernet(MAC));
    },
  },
  {
    name: 'the doorbell of a ring without an address',
    finds: 'use-before-ready TPPOLL',
    make(r) {
      r.wait(2_000_000);
      r.write(c.CR, c.CR.TE);
      r.doorbell();
    },
  },
  {
    name: 'a receiver that is on without a ring',
    finds: 'use-before-ready RDSAR_LO',
    make(r) {
      r.wait(2_000_000);
      r.write(c.RMS, 0x3fff);
      r.write(c.CR, c.CR.RE);
      r.write(r.chip.RCR, r.chip.RCR.AAP);
      r.inject(ethernet(MAC));
      r.wait(2_000_000);
    },
  },
  {
    name: 'a receiver that is on with RMS 0',
    finds: 'negotiation-order RMS',
    make(r) {
      r.start().write(c.RMS, 0);
      for (let i = 0; i < 3; i++) r.inject(ethernet(MAC));
    },
  },
  {
    name: 'the receive ring changed while the receiver is on',
    finds: 'ring-while-enabled RDSAR_LO',
    make: (r) => r.start().write(c.RDSAR_LO, (r.rx.address + 0x100) | 0),
  },
  {
    name: 'a frame that begins inside another',
    finds: 'descriptor-order TXD_OPTS1',
    make(r) {
      r.start();
      r.descriptor(r.place(ethernet(MAC)), FS | 60);
      r.send(ethernet(MAC));
    },
  },
  {
    name: 'a frame without a beginning',
    finds: 'descriptor-order TXD_OPTS1',
    make(r) {
      r.start().descriptor(r.place(ethernet(MAC)), LS | 60);
      r.doorbell();
    },
  },
  {
    name: 'a frame without an end',
    finds: 'frame-without-end TNPDS_LO',
    make(r) {
      r.start().descriptor(r.place(ethernet(MAC)), FS | 60);
      r.doorbell();
    },
  },
  {
    name: 'a buffer of no bytes to send',
    finds: 'descriptor-length LEN',
    make(r) {
      r.start().descriptor(r.place(ethernet(MAC)), WHOLE);
      r.doorbell();
    },
  },
  {
    name: 'a frame longer than the chip can send',
    finds: 'frame-too-long LEN',
    make: (r) => void r.start().send(ethernet(MAC, r.model.name === 'rtl8125b' ? 16_390 : 9300)),
  },
  {
    name: 'a frame without a whole Ethernet header',
    finds: 'frame-too-short LEN',
    make: (r) => void r.start().send(ethernet(MAC, 60).subarray(0, 13)),
  },
  {
    name: 'a ring without an end',
    finds: 'ring-length TNPDS_LO',
    options: { entries: 2048 },
    make(r) {
      r.start();
      const frame = r.place(ethernet(MAC));
      for (let i = 0; i < 1024; i++) r.descriptor(frame, WHOLE | 60);
      r.doorbell(50_000);
    },
  },
  {
    name: 'a transmit ring that comes round without EOR',
    finds: 'ring-length TNPDS_LO',
    make(r) {
      r.start();
      const frame = r.place(ethernet(MAC));
      for (let i = 0; i < r.entries; i++) r.descriptor(frame, WHOLE | 60);
      const last = r.tx.offset + c.DESCRIPTOR_BYTES * (r.entries - 1);
      r.tx.arena.view.setInt32(last, c.TXD_OPTS1.OWN | WHOLE | 60, true);
      r.doorbell();
      for (let i = 0; i < 3; i++) r.send(ethernet(MAC));
    },
  },
  {
    name: 'a receive ring that comes round without EOR',
    finds: 'ring-length RDSAR_LO',
    make(r) {
      r.start();
      r.rx.arena.view.setInt32(r.rx.offset + c.DESCRIPTOR_BYTES * 3, 0, true);
      for (let i = 0; i < 3; i++) r.inject(ethernet(MAC));
      r.post(0);
      for (let i = 0; i < 3; i++) r.inject(ethernet(MAC));
    },
  },
  {
    name: 'checksums with a TCP header that begins inside the IP header',
    finds: 'offload-context TCPHO',
    make: (r) => void r.start().send(tcpFrame(100), sums(IPV4_CS | TCP_CS, 20)),
  },
  {
    name: 'a TCP and a UDP checksum at once',
    finds: 'offload-context TCP_CS',
    make: (r) => void r.start().send(tcpFrame(100), sums(IPV4_CS | TCP_CS | UDP_CS, 34)),
  },
  {
    name: 'checksums for IPv4 and IPv6 at once',
    finds: 'offload-context IPV4_CS',
    make: (r) => void r.start().send(tcpFrame(100), sums(IPV4_CS | IPV6_CS | TCP_CS, 34)),
  },
  {
    name: 'checksums of IPv6 for an IPv4 packet',
    finds: 'offload-context IPV6_CS',
    make: (r) => void r.start().send(tcpFrame(100), sums(IPV6_CS | TCP_CS, 34)),
  },
  {
    name: 'segmentation for IPv4 and IPv6 at once',
    finds: 'offload-context GTSENV4',
    make: (r) => void r.start().send(tcpFrame(3000), mss(1000), segment(GTSENV4 | GTSENV6, 34)),
  },
  {
    name: 'segmentation without a segment size',
    finds: 'offload-context MSS',
    make: (r) => void r.start().send(tcpFrame(3000), mss(0), segment(GTSENV4, 34)),
  },
  {
    name: 'segmentation with a TCP header inside the IP header',
    finds: 'offload-context GTS_TCPHO',
    make: (r) => void r.start().send(tcpFrame(3000), mss(1000), segment(GTSENV4, 30)),
  },
  {
    name: 'segmentation of IPv6 for an IPv4 packet',
    finds: 'offload-context GTSENV6',
    make: (r) => void r.start().send(tcpFrame(3000), mss(1000), segment(GTSENV6, 54)),
  },
  {
    name: 'segmentation where no TCP header stands',
    finds: 'offload-context GTS_TCPHO',
    make(r) {
      const frame = tcpFrame(3000);
      frame[46] = 0;
      r.start().send(frame, mss(1000), segment(GTSENV4, 34));
    },
  },
  {
    name: 'a TCP checksum that does not say over what',
    finds: 'offload-context IPV4_CS',
    make: (r) => void r.start().send(tcpFrame(100), sums(TCP_CS, 34)),
  },
  {
    name: 'a TCP checksum outside the packet',
    finds: 'offload-context TCPHO',
    make: (r) => void r.start().send(tcpFrame(100), sums(IPV4_CS | TCP_CS, 200)),
  },
  {
    name: 'receive buffers so small that a frame has no room in 64 of them',
    finds: 'descriptor-length SIZE',
    options: { entries: 128 },
    make(r) {
      r.start();
      for (let i = 0; i < r.entries; i++) r.post(i, 8);
      r.inject(ethernet(MAC, 1000));
    },
  },
  {
    name: 'a receive buffer of no bytes',
    finds: 'descriptor-length SIZE',
    make(r) {
      r.start().post(0, 0);
      r.inject(ethernet(MAC));
    },
  },
  {
    name: 'a frame to send where there is no memory',
    finds: 'dma-fault DMA',
    make(r) {
      r.start().descriptor(NOWHERE, WHOLE | 60);
      r.doorbell();
    },
  },
  {
    name: 'a transmit ring where there is no memory',
    finds: 'dma-fault DMA',
    make(r) {
      r.start().write(c.CR, c.CR.RE);
      r.write(c.TNPDS_HI, 7);
      r.write(c.CR, c.CR.TE | c.CR.RE);
      r.doorbell();
    },
  },
  {
    name: 'the transmit ring changed while the transmitter is on',
    finds: 'ring-while-enabled TNPDS_LO',
    make: (r) => r.start().write(c.TNPDS_LO, (r.tx.address + 0x100) | 0),
  },
  {
    name: 'the doorbell without bus mastering',
    finds: 'dma-disabled COMMAND',
    make(r) {
      r.start().fn.command(pci.COMMAND.MASTER, 0);
      r.send(ethernet(MAC));
    },
  },
  {
    name: 'counters dumped where there is no memory',
    finds: 'dma-fault DMA',
    make(r) {
      r.write(c.DTCCR_HI, 7);
      r.write(c.DTCCR, c.DTCCR.CMD);
    },
  },
  {
    name: 'a PHY access before the last one was done',
    finds: 'command-busy GPHY_OCP',
    make(r) {
      r.write(c.GPHY_OCP, (c.BMCR.at / 2) << 16);
      r.write(c.GPHY_OCP, (c.BMSR.at / 2) << 16);
    },
  },
  {
    name: 'an access by PHYAR before the last one was done',
    finds: 'command-busy PHYAR',
    options: { schedule: 'timed' },
    make(r) {
      r.write(c.PHYAR, 0);
      r.wait(5);
      r.write(c.PHYAR, put(0, c.PHYAR.REG, 1));
    },
  },
  {
    name: 'the configuration space read before it is there',
    finds: 'command-busy CSIAR',
    options: { schedule: 'timed' },
    make(r) {
      r.write(c.CSIAR, c.CSIAR.BYTE_EN | 0x70c);
      r.read(c.CSIDR);
    },
  },
  {
    name: 'EEPROM pins driven in normal mode',
    finds: 'nvm-access CFG9346',
    make: (r) => r.write(c.CFG9346, c.CFG9346.EECS | c.CFG9346.EESK),
  },
  {
    name: 'a configuration register written while it is locked',
    finds: 'negotiation-order CONFIG5',
    make: (r) => r.set(c.CONFIG5, c.CONFIG5.LANWAKE),
  },
  {
    name: 'the station address written while it is locked',
    finds: 'negotiation-order IDR0',
    make: (r) => r.write(c.IDR0, 0x0605_0402),
  },
  {
    name: 'units switched on before the reset is over',
    finds: 'use-before-ready CR',
    options: { schedule: 'timed' },
    make(r) {
      r.write(c.CR, c.CR.RST);
      r.write(c.CR, c.CR.TE | c.CR.RE);
    },
  },
  {
    name: 'a register read in D3hot',
    finds: 'power-state PMCSR',
    make(r) {
      const pm = r.fn.capability(pci.CAP.PM)!.at;
      r.fn.write16(pm + pci.PMCSR.at, 3);
      r.read(r.chip.TXCFG);
    },
  },
];

const ONLY_8125: readonly Mistake[] = [
  {
    name: 'the ring of queue 1 is not aligned',
    finds: 'ring-alignment TNPDS_Q1_LO',
    make: (r) => r.write(rtl8125b.TNPDS_Q1_LO, (r.tx.address + 0x20) | 0),
  },
  {
    name: 'the doorbell of queue 1 without a ring',
    finds: 'use-before-ready TPPOLL',
    make(r) {
      r.start().write(rtl8125b.TPPOLL, rtl8125b.TPPOLL.Q1);
      r.wait(500);
    },
  },
  {
    name: 'a register of its upper half that no driver knows',
    finds: 'unknown-register offset 0x5000',
    make: (r) => r.io.read32(0x5000),
  },
];

describe.each([
  ['rtl8168h', MISTAKES],
  ['rtl8125b', [...MISTAKES, ...ONLY_8125]],
] as const)('%s', (name, mistakes) => {
  test.each(mistakes.map((mistake) => [mistake.name, mistake] as const))('%s', (_name, mistake) => {
    const r = new RealtekRig(name, mistake.options);
    mistake.make(r);
    expect(r.findings).toEqual([mistake.finds]);
  });

  test('a receive ring without an end is told once', () => {
    const r = new RealtekRig(name, { entries: 2048, buffer: 256 }).start();
    for (let i = 0; i < 1024; i++) r.inject(ethernet(MAC));
    const found = r.machine.diagnostics.problems().map(({ rule, register, count }) => [rule, register, count]);
    expect(found).toEqual([['ring-length', 'RDSAR_LO', 1]]);
  });

  test('a rig that makes none has no finding, and there are 25 kinds at least', () => {
    const r = new RealtekRig(name).start();
    r.send(ethernet(MAC));
    r.inject(ethernet(MAC));
    r.wait(1_000);
    expect(r.sent).toHaveLength(1);
    expect(r.received()?.bytes).toEqual(ethernet(MAC));
    expect(r.findings).toEqual([]);
    expect(new Set(mistakes.map(({ finds }) => finds)).size).toBeGreaterThan(25);
  });
});
