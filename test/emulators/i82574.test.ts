/** 82574L: what the datasheet says, register by register and frame by frame. */
import { describe, expect, test } from 'vitest';
import { I82574 } from '../../src/emulators/index.js';
import { i82574 as c, mii, pci, pick, put } from '../../src/registers/index.js';
import { type Format, Rig574, type RigOptions, SEND, tcp6Frame } from './i82574-rig.js';
import { BROADCAST, checksum, ethernet, MAC, pseudo, Rig, tcpFrame } from './rig.js';

const { RCTL, CTRL, ICR, STATUS, RFCTL, RXCSUM } = c;
const { IXSM, IPCS, TCPCS, UDPCS, IPE, TCPE, PIF, VP, ACK, EOP } = c.RXDX_STATERR;
const rig = (options?: RigOptions): Rig574 => new Rig574(options);
const FORMATS: readonly Format[] = ['legacy', 'extended', 'split'];

function mdic(r: Rig574, register: number, write?: number): number {
  const value = put(
    put(put(write ?? 0, c.MDIC.PHYADD, 1), c.MDIC.REGADD, register),
    c.MDIC.OP,
    write === undefined ? 2 : 1,
  );
  r.write(c.MDIC, value);
  return r.read(c.MDIC);
}

describe('NVM', () => {
  test('EERD gives the words, whose sum is BABAh; the type is flash', () => {
    const r = rig();
    expect(pick(r.read(c.EEC), c.EEC.NVADDS)).toBe(3);
    expect(r.read(c.EEC) & c.EEC.AUTO_RD).not.toBe(0);
    let sum = 0;
    for (let i = 0; i < c.NVM_SUM_WORDS; i++) {
      r.write(c.EERD, put(c.EERD.START, c.EERD.ADDR, i));
      expect(r.read(c.EERD) & c.EERD.DONE).not.toBe(0);
      sum += pick(r.read(c.EERD), c.EERD.DATA);
    }
    expect(sum & 0xffff).toBe(0xbaba);
    expect(r.read(c.RAL)).toBe(0x12005452);
    expect(r.read(c.RAH) >>> 0).toBe(0x80005634);
    expect(r.problems()).toEqual([]);
  });

  test('EEWR changes the shadow RAM; EEC.FLUPD keeps it over a power cycle', () => {
    const flash = new Uint16Array(2048).fill(0xffff);
    const r = new Rig(new I82574({ nvm: flash }));
    const io = r.fn.mapBar(0);
    const word = (): number => {
      io.write32(c.EERD.at, put(c.EERD.START, c.EERD.ADDR, 0x50));
      return pick(io.read32(c.EERD.at), c.EERD.DATA);
    };
    io.write32(c.EEWR.at, put(put(c.EEWR.START, c.EEWR.ADDR, 0x50), c.EEWR.DATA, 0x1234));
    expect(io.read32(c.EEWR.at) & c.EEWR.DONE).not.toBe(0);
    expect([word(), flash[0x50]]).toEqual([0x1234, 0xffff]);
    io.write32(c.EEC.at, c.EEC.FLUPD);
    expect(io.read32(c.EEC.at) & c.EEC.FLUPD).toBe(0);
    expect(flash[0x50]).toBe(0x1234);
    expect(r.fn.mapBar(1).read16(0xa0)).toBe(0x1234);
  });

  test('semaphores: SWSM.SMBI is taken by reading, MDIO ownership is granted', () => {
    const r = rig();
    expect(r.read(c.SWSM) & c.SWSM.SMBI).toBe(0);
    expect(r.read(c.SWSM) & c.SWSM.SMBI).not.toBe(0);
    r.write(c.SWSM, c.SWSM.SWESMBI);
    expect(r.read(c.SWSM) & c.SWSM.SWESMBI).not.toBe(0);
    r.set(c.EXTCNF_CTRL, c.EXTCNF_CTRL.MDIO_SW_OWNERSHIP);
    expect(r.read(c.EXTCNF_CTRL) & c.EXTCNF_CTRL.MDIO_SW_OWNERSHIP).not.toBe(0);
  });
});

describe('PHY', () => {
  test('its identity; MDIC gives the register back', () => {
    const r = rig();
    expect(mdic(r, 2) & 0xffff).toBe(0x0141);
    expect(mdic(r, 3) & 0xffff).toBe(0x0cb1);
    expect(pick(mdic(r, 17), c.MDIC.REGADD)).toBe(17);
  });

  test('pages: register 22 and register 31 select, 0 to 15 are everywhere', () => {
    const r = rig();
    mdic(r, 22, 2);
    expect(mdic(r, 21) & 0xffff).toBe(0x1046);
    mdic(r, 21, 0x1077);
    expect(mdic(r, 2) & 0xffff).toBe(0x0141);
    mdic(r, 22, 0);
    expect(mdic(r, 21) & 0xffff).toBe(0);
    mdic(r, 22, 2);
    expect(mdic(r, 21) & 0xffff).toBe(0x1077);
    mdic(r, 31, 769 << 5);
    expect(mdic(r, 17) & 0xffff).toBe(0);
  });

  test('wake-up registers behind page 800, after page 769 lets', () => {
    const r = rig();
    const wake = (number: number, value?: number): number => {
      mdic(r, 31, 800 << 5);
      mdic(r, 17, number);
      return mdic(r, 18, value) & 0xffff;
    };
    wake(1, 0x1234);
    expect(wake(1)).toBe(0);
    mdic(r, 31, 769 << 5);
    mdic(r, 17, c.BM_PORT_GENERAL.WUC_ENABLE);
    wake(1, 0x1234);
    wake(2, 0x0007);
    expect([wake(1), wake(2)]).toEqual([0x1234, 0x0007]);
  });

  test('the link, with speed and PAUSE in the copper status', () => {
    const r = rig();
    r.run();
    expect(r.read(STATUS) & STATUS.LU).not.toBe(0);
    expect(pick(r.read(STATUS), STATUS.SPEED)).toBe(2);
    const status = mdic(r, 17);
    expect(pick(status, c.BM_CS_STATUS.SPEED)).toBe(2);
    expect(status & c.BM_CS_STATUS.LINK).not.toBe(0);
    r.cable.pull();
    expect(r.read(STATUS) & STATUS.LU).toBe(0);
    r.write(STATUS, 0);
    r.set(CTRL, CTRL.PHY_RST);
    expect(r.read(STATUS) & STATUS.PHYRA).not.toBe(0);
    r.write(STATUS, 0);
    expect(r.read(STATUS) & STATUS.PHYRA).toBe(0);
  });
});

describe('reset', () => {
  test.each(['memory', 'io'] as const)('CTRL.RST through the %s BAR', (kind) => {
    const r = rig().start();
    r.write(c.RAL, 0);
    r.write(c.RETA, -1, 5);
    r.write(c.IVAR, -1);
    if (kind === 'memory') r.write(CTRL, CTRL.RST);
    else {
      const io = r.fn.mapBar(2);
      io.write32(c.IOADDR.at, CTRL.at);
      io.write32(c.IODATA.at, CTRL.RST);
    }
    expect([RCTL, c.TDLEN1, c.IVAR, c.IMS].map((reg) => r.read(reg))).toEqual([0, 0, 0, 0]);
    expect(r.read(c.RETA, 5)).toBe(0);
    expect(r.read(c.RAL)).toBe(0x12005452);
    expect(r.fn.read16(pci.COMMAND.at) & pci.COMMAND.MASTER).not.toBe(0);
  });

  test('GIO_MASTER_DISABLE holds DMA, and STATUS says so', () => {
    const r = rig().start();
    r.set(CTRL, CTRL.GIO_MASTER_DISABLE);
    expect(r.read(STATUS) & STATUS.GIO_MASTER_ENABLE).toBe(0);
    r.legacy(ethernet(BROADCAST));
    r.doorbell();
    expect(r.sent).toHaveLength(0);
    expect(r.inject(ethernet(MAC))).toBe('queued');
    r.write(CTRL, r.read(CTRL) & ~CTRL.GIO_MASTER_DISABLE);
    r.run();
    expect(r.sent).toHaveLength(1);
    expect(r.received()!.bytes).toEqual(ethernet(MAC));
  });
});

describe.each(FORMATS)('receive, %s descriptors', (format) => {
  test('own address, broadcast, and nothing else', () => {
    const r = rig({ format }).start();
    expect(r.inject(ethernet(MAC))).toBe('delivered');
    expect(r.inject(ethernet(BROADCAST))).toBe('delivered');
    expect(r.inject(ethernet([2, 0, 0, 0, 0, 7]))).toBe('filtered');
    expect(r.inject(ethernet([1, 0, 0x5e, 0, 0, 1]))).toBe('filtered');
    expect(r.received()!.bytes).toEqual(ethernet(MAC));
    r.set(RCTL, RCTL.UPE | RCTL.MPE);
    expect(r.inject(ethernet([2, 0, 0, 0, 0, 7]))).toBe('delivered');
    expect(r.inject(ethernet([1, 0, 0x5e, 0, 0, 1]))).toBe('delivered');
    expect(r.problems()).toEqual([]);
  });

  test('a hashed multicast is said to be inexact', () => {
    const r = rig({ format }).start();
    const address = [0x01, 0x00, 0x5e, 0x12, 0xa5, 0x3c];
    const hash = ((0xa5 | (0x3c << 8)) >> 4) & 0xfff;
    r.write(c.MTA, 1 << (hash & 31), hash >> 5);
    expect(r.inject(ethernet(address))).toBe('delivered');
    expect(r.received()!.status & PIF).not.toBe(0);
  });

  test('checksums of TCP over IPv4 and IPv6, right and wrong', () => {
    const r = rig({ format }).start();
    const legacyMask = (status: number): number =>
      format === 'legacy'
        ? put(pick(status, c.RXD_BYTES.STATUS), c.RXDX_BYTES.ERRORS, pick(status, c.RXD_BYTES.ERRORS))
        : status;
    const flags = (bytes: Uint8Array): number => {
      expect(r.inject(bytes)).toBe('delivered');
      return legacyMask(r.received()!.status) & (IXSM | IPCS | TCPCS | UDPCS | IPE | TCPE);
    };
    expect(flags(tcpFrame(100))).toBe(IPCS | TCPCS);
    expect(flags(tcp6Frame(101))).toBe(TCPCS);
    const broken = tcpFrame(100);
    broken[80]! ^= 1;
    expect(flags(broken)).toBe(IPCS | TCPCS | TCPE);
    const broken6 = tcp6Frame(100);
    broken6[90]! ^= 1;
    expect(flags(broken6)).toBe(TCPCS | TCPE);
    const header = tcpFrame(100);
    header[22]! ^= 1;
    expect(flags(header) & IPE).not.toBe(0);
    expect(flags(ethernet(MAC))).toBe(IXSM);
    r.write(RXCSUM, 0);
    expect(flags(tcpFrame(100))).toBe(IXSM);
    r.write(RXCSUM, RXCSUM.IPOFL | RXCSUM.TUOFL);
    r.set(RFCTL, RFCTL.IPV6_XSUM_DIS);
    expect(flags(tcp6Frame(101))).toBe(IXSM);
  });

  test('tags are stripped into the descriptor and filtered by VFTA', () => {
    const r = rig({ format }).start();
    r.set(CTRL, CTRL.VME);
    const tagged = ethernet(MAC, 64, 0x8100);
    tagged.set([0x60, 0x07, 0x88, 0xb5], 14);
    r.inject(tagged);
    const first = r.received()!;
    expect(first.bytes).toHaveLength(60);
    expect([...first.bytes.subarray(0, 14)]).toEqual([...MAC, 2, 0, 0, 0, 0, 1, 0x88, 0xb5]);
    expect(first.status & VP).not.toBe(0);
    expect(first.tag).toBe(0x6007);
    r.set(RCTL, RCTL.VFE);
    expect(r.inject(tagged)).toBe('vlan-filtered');
    r.write(c.VFTA, 1 << 7, 0);
    expect(r.inject(tagged)).toBe('delivered');
  });

  test('frames without a descriptor wait in the FIFO; when it is full they are missed', () => {
    const r = rig({ format }).start();
    for (let i = 0; i < 15; i++) expect(r.inject(ethernet(MAC, 1000))).toBe('delivered');
    expect(r.inject(ethernet(MAC, 1001))).toBe('queued');
    for (let i = 0; i < 60; i++) r.inject(ethernet(MAC, 1000));
    expect(r.fates.at(-1)).toBe('fifo-full');
    expect(r.read(c.MPC)).toBeGreaterThan(0);
    expect(r.read(c.RDFPC)).toBeGreaterThan(5);
    expect(r.read(ICR) & ICR.RXO).not.toBe(0);
    for (let i = 0; i < 15; i++) r.received();
    r.write(c.RDT0, format === 'split' ? 28 : 14);
    r.run(50);
    expect(r.received()!.bytes).toHaveLength(1001);
  });

  test('the FCS follows when RCTL.SECRC does not strip it', () => {
    const r = rig({ format }).start(RCTL.BAM);
    r.inject(ethernet(MAC, 64));
    const { bytes } = r.received()!;
    expect(bytes).toHaveLength(68);
    let crc = -1;
    for (const byte of bytes) {
      crc ^= byte;
      for (let i = 0; i < 8; i++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
    }
    expect(~crc >>> 0).toBe(0x2144df1c);
  });
});

describe('receive', () => {
  test('a long packet over several descriptors; only the last has EOP', () => {
    const r = rig().start(put(RCTL.SECRC | RCTL.LPE, RCTL.BSIZE, 2));
    const frame = ethernet(MAC, 1300);
    expect(r.inject(frame)).toBe('delivered');
    const parts = [r.received()!, r.received()!, r.received()!];
    expect(parts.map((part) => part.bytes.length)).toEqual([512, 512, 276]);
    expect(parts.map((part) => (part.status & EOP) !== 0)).toEqual([false, false, true]);
    expect(Uint8Array.from(parts.flatMap((part) => [...part.bytes]))).toEqual(frame);
  });

  test('flexible buffer size and 9000 bytes', () => {
    const r = rig().start(put(RCTL.SECRC | RCTL.LPE, RCTL.FLXBUF, 1));
    expect(r.inject(ethernet(MAC, 9000))).toBe('delivered');
    const sizes: number[] = [];
    for (let got = r.received(); got; got = r.received()) sizes.push(got.bytes.length);
    expect(sizes).toEqual([1024, 1024, 1024, 1024, 1024, 1024, 1024, 1024, 808]);
  });

  test('packet split: headers alone in buffer 0, payload in the others', () => {
    const r = rig({ format: 'split' }).start(RCTL.SECRC | RCTL.LPE);
    r.write(
      c.PSRCTL,
      put(put(put(put(0, c.PSRCTL.BSIZE0, 2), c.PSRCTL.BSIZE1, 1), c.PSRCTL.BSIZE2, 1), c.PSRCTL.BSIZE3, 1),
    );
    const frame = tcpFrame(2500);
    expect(r.inject(frame)).toBe('delivered');
    const got = r.received()!;
    expect(got.lengths).toEqual([54, 1024, 1024, 452]);
    expect(pick(got.header, c.RXDS_HEADER.HDR_LEN)).toBe(54);
    expect(got.header & c.RXDS_HEADER.HDRSP).not.toBe(0);
    expect(got.bytes).toEqual(frame);
    expect(r.read(c.RDH0)).toBe(2);
    const plain = ethernet(MAC, 600);
    r.inject(plain);
    const other = r.received()!;
    expect(other.lengths).toEqual([256, 344, 0, 0]);
    expect(other.header & c.RXDS_HEADER.HDRSP).toBe(0);
    expect(other.bytes).toEqual(plain);
  });

  test('packet types, ACKs, and the packet checksum with the identification', () => {
    const r = rig().start();
    const kinds = [ethernet(MAC), tcpFrame(10), tcp6Frame(10)].map((frame) => {
      r.inject(frame);
      return pick(r.received()!.status, c.RXDX_STATERR.PTYPE);
    });
    expect(kinds).toEqual([0, 2, 6]);
    r.set(RFCTL, RFCTL.ACKD_DIS);
    r.inject(tcpFrame(6, 0x10));
    expect(r.received()!.status & ACK).toBe(0);
    r.inject(tcpFrame(0, 0x10).slice(0, 54));
    expect(r.fates.at(-1)).toBe('too-short');
    const ack = new Uint8Array(60);
    ack.set(tcpFrame(0, 0x10));
    r.inject(ack);
    const got = r.received()!;
    expect(got.status & ACK).not.toBe(0);
    expect(pick(got.second, c.RXDX_CSUM.IPID)).toBe(0x1234);
    r.write(RXCSUM, put(0, RXCSUM.PCSS, 14));
    const frame = tcpFrame(33);
    r.inject(frame);
    expect(pick(r.received()!.second, c.RXDX_CSUM.CSUM)).toBe(checksum(frame, 14));
  });

  test('the sum of a UDP fragment, with IPPCSE', () => {
    const r = rig().start();
    r.write(RXCSUM, RXCSUM.IPPCSE);
    const frame = tcpFrame(80);
    frame[23] = 17;
    frame[20] = 0x20; // More fragments.
    frame.set([0, 53, 0, 53, 0, 200, 0x12, 0x34], 34);
    new DataView(frame.buffer).setUint16(24, 0);
    new DataView(frame.buffer).setUint16(24, checksum(frame, 14, 34));
    r.inject(frame);
    const got = r.received()!;
    expect(got.status & c.RXDX_STATERR.UDPV).not.toBe(0);
    expect(pick(got.second, c.RXDX_CSUM.CSUM)).toBe(checksum(frame, 34));
  });

  test('runts, oversized and damaged frames are dropped and counted', () => {
    const r = rig().start();
    expect(r.inject(ethernet(MAC, 40))).toBe('too-short');
    expect(r.inject(ethernet(MAC, 1515))).toBe('too-long');
    expect(r.inject(ethernet(MAC, 60), false)).toBe('bad-fcs');
    expect([c.RUC, c.ROC, c.CRCERRS, c.GPRC, c.TPR].map((reg) => r.read(reg))).toEqual([1, 1, 1, 0, 3]);
    r.set(RCTL, RCTL.SBP);
    expect(r.inject(ethernet(MAC, 60), false)).toBe('delivered');
    expect(r.received()!.status & c.RXDX_STATERR.CE).not.toBe(0);
  });
});

describe('transmit', () => {
  test.each([0, 1])('queue %i: short packets are padded, TDH advances, DD is written', (queue) => {
    const r = rig().start();
    r.legacy(ethernet(BROADCAST, 42), SEND, 0, queue);
    r.doorbell(queue);
    expect(r.sent.map((bytes) => bytes.length)).toEqual([60]);
    expect(r.read(c.TX_QUEUES[queue]!.TDH)).toBe(1);
    const { arena, offset } = r.tx[queue]!;
    expect(arena.view.getInt32(offset + c.TXD_STATUS.at, true) & c.TXD_STATUS.DD).not.toBe(0);
    expect(r.read(ICR) & (ICR.TXDW | ICR.TXQE)).toBe(ICR.TXDW | ICR.TXQE);
    expect(r.problems()).toEqual([]);
  });

  test('a queue that TARC switches off waits', () => {
    const r = rig().start();
    r.write(c.TARC1, 0);
    r.legacy(ethernet(BROADCAST), SEND, 0, 1);
    r.doorbell(1);
    expect(r.sent).toHaveLength(0);
  });

  test.each([
    ['IPv4', tcpFrame(2500, 0x19), 14, 34, 54],
    ['IPv6', tcp6Frame(2500), 14, 54, 74],
  ] as const)('segmentation over %s: every segment is a right packet', (kind, whole, ip, tcp, headers) => {
    const r = rig().start();
    const frame = whole.slice();
    const view = new DataView(frame.buffer);
    const v4 = kind === 'IPv4';
    if (v4) view.setUint16(24, 0);
    const start = v4 ? 26 : 22;
    const sumOf = (bytes: Uint8Array, length: number): number => {
      let sum = 6 + length;
      for (let i = start; i < tcp; i += 2) sum += (bytes[i]! << 8) | bytes[i + 1]!;
      return sum;
    };
    view.setUint16(tcp + 16, ~checksum(frame, 0, 0, sumOf(frame, 0)) & 0xffff);
    r.descriptor([
      put(put(put(0, c.CTX_IP.IPCSS, ip), c.CTX_IP.IPCSO, v4 ? 24 : 0), c.CTX_IP.IPCSE, v4 ? 33 : 0),
      put(put(0, c.CTX_TU.TUCSS, tcp), c.CTX_TU.TUCSO, tcp + 16),
      put(c.CTX_CMD.DEXT | c.CTX_CMD.TCP | (v4 ? c.CTX_CMD.IP : 0) | c.CTX_CMD.TSE, c.CTX_CMD.PAYLEN, 2500),
      put(put(0, c.CTX_MSS.HDRLEN, headers), c.CTX_MSS.MSS, 1000),
    ]);
    const data = put(c.TXD_DATA.DEXT | c.TXD_DATA.IFCS | c.TXD_DATA.TSE | c.TXD_DATA.EOP, c.TXD_DATA.DTYP, 1);
    const options = c.TXD_POPTS.TXSM | (v4 ? c.TXD_POPTS.IXSM : 0);
    r.descriptor([r.place(frame) | 0, 0, data | frame.length, options]);
    r.doorbell();
    expect(r.sent.map((bytes) => bytes.length - headers)).toEqual([1000, 1000, 500]);
    r.sent.forEach((bytes, i) => {
      const v = new DataView(bytes.buffer);
      if (v4) expect(checksum(bytes, 14, 34)).toBe(0);
      else expect(v.getUint16(18)).toBe(bytes.length - 54);
      expect(checksum(bytes, tcp, bytes.length, sumOf(bytes, bytes.length - tcp))).toBe(0);
      expect(v.getUint32(tcp + 4)).toBe(1 + 1000 * i);
    });
    expect(r.sent.flatMap((bytes) => [...bytes.subarray(headers)])).toEqual([...whole.subarray(headers)]);
    expect(r.read(c.TSCTC)).toBe(1);
    expect(r.problems()).toEqual([]);
  });

  test('checksums by context, a tag inserted', () => {
    const r = rig().start();
    r.set(CTRL, CTRL.VME);
    const frame = tcpFrame(99);
    const view = new DataView(frame.buffer);
    view.setUint16(24, 0);
    view.setUint16(50, 0);
    view.setUint16(50, ~checksum(frame, 0, 0, pseudo(frame)) & 0xffff);
    r.descriptor([
      put(put(put(0, c.CTX_IP.IPCSS, 14), c.CTX_IP.IPCSO, 24), c.CTX_IP.IPCSE, 33),
      put(put(0, c.CTX_TU.TUCSS, 34), c.CTX_TU.TUCSO, 50),
      c.CTX_CMD.DEXT | c.CTX_CMD.TCP | c.CTX_CMD.IP,
      0,
    ]);
    r.descriptor([
      r.place(frame) | 0,
      0,
      put(c.TXD_DATA.DEXT | SEND | c.TXD_DATA.VLE, c.TXD_DATA.DTYP, 1) | frame.length,
      put(c.TXD_POPTS.IXSM | c.TXD_POPTS.TXSM, c.TXD_POPTS.SPECIAL, 0x2005),
    ]);
    r.doorbell();
    const [sent] = r.sent;
    expect([...sent!.subarray(12, 18)]).toEqual([0x81, 0x00, 0x20, 0x05, 0x08, 0x00]);
    expect(Uint8Array.from([...sent!.subarray(0, 12), ...sent!.subarray(16)])).toEqual(tcpFrame(99));
  });

  test('MAC and PHY loopback', () => {
    for (const kind of ['mac', 'phy'] as const) {
      const r = rig().start(RCTL.SECRC | RCTL.UPE | (kind === 'mac' ? put(0, RCTL.LBM, 1) : 0));
      if (kind === 'phy') {
        mdic(r, 0, mii.BMCR.LOOPBACK | mii.BMCR.SPEED1000 | mii.BMCR.FULLDPLX);
        r.run();
      }
      r.legacy(ethernet(MAC, 100));
      r.doorbell();
      expect(r.sent).toHaveLength(0);
      expect(r.received()?.bytes).toEqual(ethernet(MAC, 100));
    }
  });
});
