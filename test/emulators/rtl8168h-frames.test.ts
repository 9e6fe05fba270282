/** RTL8168H: rings both ways, offloads, filters, PAUSE. */
import { describe, expect, test } from 'vitest';
import { hash } from '../../src/emulators/realtek/filter.js';
import { GIGABIT } from '../../src/link/index.js';
import { rtl8168h as c, pci, pick, put } from '../../src/registers/index.js';
import { tcp6Frame } from './i82574-rig.js';
import { RealtekRig, type RigOptions } from './realtek-rig.js';
import { BROADCAST, checksum, ethernet, MAC, pseudo, tcpFrame } from './rig.js';

const { OWN, FS, LS, EOR, GTSENV4, GTSENV6, GTS_TCPHO } = c.TXD_OPTS1;
const { IPV4_CS, IPV6_CS, TCP_CS, UDP_CS, TCPHO, TAGC } = c.TXD_OPTS2;
const { ROK, RER, TOK, TER, RDU, FOVW, TDU, SERR } = c.ISR;
const STRANGER = [0x02, 0xaa, 0, 0, 0, 1];
const GROUP = [0x01, 0, 0x5e, 1, 2, 3];

const rig = (options: RigOptions = {}) => new RealtekRig('rtl8168h', { far: GIGABIT, ...options });

/** Causes so far; they are acknowledged. */
function causes(r: RealtekRig): number {
  const value = r.read(c.ISR);
  r.write(c.ISR, value);
  return value;
}

/** With an 802.1Q tag. */
function tagged(frame: Uint8Array, tci: number): Uint8Array {
  return Uint8Array.of(...frame.subarray(0, 12), 0x81, 0, tci >> 8, tci & 0xff, ...frame.subarray(12));
}

function pauseFrame(quanta: number, to: readonly number[] = [1, 0x80, 0xc2, 0, 0, 1]): Uint8Array {
  const frame = ethernet(to, 60, 0x8808);
  frame.set([0, 1, quanta >> 8, quanta & 0xff], 14);
  return frame;
}

describe('transmit', () => {
  test('a frame in three descriptors; OWN goes, FS, LS and EOR stay; short ones are padded', () => {
    const r = rig({ entries: 4 }).start();
    const bytes = ethernet(STRANGER, 42);
    const place = r.place(bytes);
    r.descriptor(place, FS | 14);
    r.descriptor(place + 14, 20);
    r.descriptor(place + 34, LS | 8);
    r.doorbell();
    expect(r.sent).toHaveLength(1);
    expect(r.sent[0]!.length).toBe(60);
    expect(r.sent[0]!.subarray(0, 42)).toEqual(bytes);
    expect([...r.sent[0]!.subarray(42)].every((byte) => byte === 0)).toBe(true);
    expect([0, 1, 2].map((i) => r.status(i))).toEqual([FS, 0, LS]);
    r.send(bytes);
    expect(r.status(3)).toBe(FS | LS | EOR | 0);
    expect(r.read(c.TPPOLL)).toBe(0);
    expect(causes(r) & (TOK | TDU)).toBe(TOK | TDU);
    // Around the end of the ring.
    for (let i = 0; i < 9; i++) r.send(bytes);
    expect(r.sent).toHaveLength(11);
    expect(r.findings).toEqual([]);
  });

  test('the ring of high priority goes first', () => {
    const r = rig().start();
    const high = r.fn.dma.alloc(256, 256);
    const { view } = high.arena;
    view.setInt32(high.offset, OWN | FS | LS | EOR | 60, true);
    view.setBigUint64(high.offset + 8, BigInt(r.place(ethernet(GROUP), 4096)), true);
    r.write(c.THPDS_LO, high.address | 0);
    for (let i = 0; i < 3; i++) r.descriptor(r.place(ethernet(STRANGER)), FS | LS | 60);
    r.write(c.TPPOLL, c.TPPOLL.NPQ | c.TPPOLL.HPQ);
    expect(r.read(c.TPPOLL)).toBe(c.TPPOLL.NPQ | c.TPPOLL.HPQ);
    expect(r.read(c.TXCFG) & c.TXCFG.EMPTY).toBe(0);
    expect(r.read(c.MCU) & c.MCU.TX_EMPTY).toBe(0);
    r.wait(100);
    expect(r.sent.map((frame) => frame[0])).toEqual([1, 2, 2, 2]);
    expect(r.read(c.TXCFG) & c.TXCFG.EMPTY).not.toBe(0);
    expect(r.model.rings().map(({ ring, entries, head }) => [ring, entries, head])).toEqual([
      ['TX ring of high priority', 1, 0],
      ['TX ring of normal priority', 1024, 3],
      ['RX ring', 1024, 0],
    ]);
  });

  test('without link frames wait; they go when it comes', () => {
    const r = rig().start();
    r.cable.pull();
    r.send(ethernet(STRANGER));
    expect(r.sent).toHaveLength(0);
    r.cable.plug();
    r.wait(5000);
    expect(r.sent).toHaveLength(1);
  });

  test('tags, their bytes swapped', () => {
    const r = rig().start();
    const frame = ethernet(STRANGER, 100);
    r.send(frame, TAGC | 0x3412);
    expect(r.sent[0]).toEqual(tagged(frame, 0x1234));
  });

  test('checksums of IPv4, IPv6, TCP and UDP, whatever stands in the fields', () => {
    const r = rig().start();
    const want = tcpFrame(101);
    const frame = want.slice();
    frame.set([0xde, 0xad], 24);
    frame.set([0xbe, 0xef], 50);
    r.send(frame, put(IPV4_CS | TCP_CS, TCPHO, 34));
    expect(r.sent[0]).toEqual(want);
    const six = tcp6Frame(33);
    const wrong = six.slice();
    wrong.set([1, 2], 70);
    r.send(wrong, put(IPV6_CS | TCP_CS, TCPHO, 54));
    expect(r.sent[1]).toEqual(six);
    // UDP: the same packet, its protocol and length changed.
    const udp = tcpFrame(30);
    udp[23] = 17;
    udp.set([0, 50, 0, 0], 38);
    r.send(udp, put(IPV4_CS | UDP_CS, TCPHO, 34));
    const sent = r.sent[2]!;
    expect(checksum(sent, 14, 34)).toBe(0);
    expect(checksum(sent, 34, sent.length, pseudo(sent) - 6 + 17)).toBe(0);
    // Behind a tag that the guest has put in.
    r.send(tagged(frame, 5), put(IPV4_CS | TCP_CS, TCPHO, 38));
    expect(r.sent[3]).toEqual(tagged(want, 5));
    expect(r.findings).toEqual([]);
  });

  test.each([
    ['IPv4', tcpFrame(4000, 0x19), GTSENV4, 34],
    ['IPv6', tcp6Frame(4000), GTSENV6, 54],
  ] as const)('segmentation of %s', (name, frame, version, l4) => {
    const r = rig().start();
    const v6 = name === 'IPv6';
    const bytes = frame.slice();
    if (v6) {
      // As drivers prepare it: the pseudo header without the length.
      let sum = 6;
      for (let i = 22; i < 54; i += 2) sum += (bytes[i]! << 8) | bytes[i + 1]!;
      while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
      bytes.set([sum >> 8, sum & 0xff], l4 + 16);
    }
    // Headers alone in the first buffer, the payload in two.
    const head = l4 + 20;
    const place = r.place(bytes);
    const opts1 = put(version, GTS_TCPHO, l4);
    const opts2 = put(TAGC | 0x0500, c.TXD_OPTS2_GTS.MSS, 1400);
    r.descriptor(place, FS | opts1 | head, opts2);
    r.descriptor(place + head, opts1 | 1500, opts2);
    r.descriptor(place + head + 1500, LS | opts1 | 2500, opts2);
    r.doorbell();
    expect(r.sent.map((each) => each.length)).toEqual([1400, 1400, 1200].map((payload) => head + 4 + payload));
    let at = 0;
    r.sent.forEach((each, i) => {
      expect([...each.subarray(12, 16)]).toEqual([0x81, 0, 0, 5]);
      const plain = Uint8Array.of(...each.subarray(0, 12), ...each.subarray(16));
      const view = new DataView(plain.buffer);
      const l4Bytes = plain.length - l4;
      expect(view.getUint32(l4 + 4)).toBe(1 + at);
      if (v6) {
        expect(view.getUint16(18)).toBe(l4Bytes);
        let sum = 6 + l4Bytes;
        for (let k = 22; k < 54; k += 2) sum += view.getUint16(k);
        expect(checksum(plain, l4, plain.length, sum)).toBe(0);
      } else {
        expect(view.getUint16(16)).toBe(plain.length - 14);
        expect(view.getUint16(18)).toBe(0x1234 + i);
        expect(checksum(plain, 14, 34)).toBe(0);
        expect(checksum(plain, 34, plain.length, pseudo(plain))).toBe(0);
        expect(plain[47]).toBe(i === 2 ? 0x19 : 0x10);
      }
      expect(plain.subarray(head)).toEqual(frame.subarray(head + at, head + at + plain.length - head));
      at += plain.length - head;
    });
    expect(r.findings).toEqual([]);
  });

  test('segmentation with TCP options, all in one buffer', () => {
    const r = rig().start();
    const plain = tcpFrame(3000);
    const frame = Uint8Array.of(...plain.subarray(0, 54), ...new Array<number>(12).fill(1), ...plain.subarray(54));
    frame[46] = 0x80;
    r.send(frame, put(0, c.TXD_OPTS2_GTS.MSS, 1448), put(GTSENV4, GTS_TCPHO, 34));
    expect(r.sent.map((each) => each.length - 66)).toEqual([1448, 1448, 104]);
    for (const each of r.sent) expect(checksum(each, 34, each.length, pseudo(each))).toBe(0);
  });

  test('a DMA fault is SERR and stops the transmitter until it is switched on again', () => {
    const r = rig().start();
    causes(r);
    r.write(c.TNPDS_HI, 7);
    r.machine.diagnostics.clear();
    r.doorbell();
    expect(causes(r) & SERR).toBe(SERR);
    r.doorbell();
    r.write(c.CR, 0);
    r.rings();
    r.write(c.CR, c.CR.TE);
    r.send(ethernet(STRANGER));
    expect(r.sent).toHaveLength(1);
    expect(r.findings).toEqual(['dma-fault DMA']);
  });

  test('a doorbell without bus mastering is a mistake; the frame goes when it is there', () => {
    const r = rig().start();
    const command = r.fn.read16(pci.COMMAND.at);
    r.fn.write16(pci.COMMAND.at, command & ~pci.COMMAND.MASTER);
    r.send(ethernet(STRANGER));
    expect(r.findings).toEqual(['dma-disabled COMMAND']);
    r.fn.write16(pci.COMMAND.at, command);
    r.wait(100);
    expect(r.sent).toHaveLength(1);
    expect(causes(r) & SERR).toBe(0);
  });

  test('what cannot be sent is TER, and the ring goes on', () => {
    const r = rig().start();
    causes(r);
    r.send(new Uint8Array(10));
    expect(causes(r) & (TER | TOK)).toBe(TER);
    r.send(ethernet(STRANGER));
    expect(causes(r) & (TER | TOK)).toBe(TOK);
  });

  test('NOCRC: software brings the FCS', () => {
    const r = rig().start();
    r.set(c.TXCFG, c.TXCFG.NOCRC);
    const frame = Uint8Array.of(...ethernet(STRANGER), 0, 0, 0, 0);
    const good: [number, boolean][] = [];
    r.far.receive = ({ length, fcsOk }) => {
      good.push([length, fcsOk]);
      return 'delivered';
    };
    r.send(frame);
    r.clear(c.TXCFG, c.TXCFG.NOCRC);
    r.send(frame);
    expect(good).toEqual([
      [60, false],
      [64, true],
    ]);
  });
});

describe('receive', () => {
  test('length with FCS, kind of address, EOR kept, protocol and sums', () => {
    const r = rig({ entries: 2 }).start();
    r.set(c.CPCR, c.CPCR.RXCHKSUM);
    const { PID, PAM, BAR, MAR, TCPF, IPF, LEN } = c.RXD_OPTS1;
    r.inject(tcpFrame(100));
    const first = r.received()!;
    expect(first.bytes).toEqual(tcpFrame(100));
    expect(first.opts1 & ~(PID | LEN)).toBe(FS | LS | PAM | 0);
    expect(pick(first.opts1, PID)).toBe(1);
    expect(pick(first.opts1, LEN)).toBe(154 + 4);
    expect(first.opts2).toBe(c.RXD_OPTS2.IPV4);
    const broken = tcpFrame(100);
    broken[60]! ^= 1;
    r.inject(broken);
    const second = r.received()!;
    expect(second.opts1 & (TCPF | EOR)).toBe(TCPF | EOR);
    const header = tcpFrame(100);
    header[22]! ^= 1;
    r.inject(header);
    expect(r.received()!.opts1 & (IPF | TCPF)).toBe(IPF);
    r.inject(tcp6Frame(10));
    const six = r.received()!;
    expect([six.opts2 | 0, pick(six.opts1, PID)]).toEqual([c.RXD_OPTS2.IPV6 | 0, 1]);
    r.inject(ethernet(BROADCAST));
    expect(r.received()!.opts1 & (BAR | MAR | PAM | PID)).toBe(BAR);
    r.clear(c.CPCR, c.CPCR.RXCHKSUM);
    r.inject(tcpFrame(100));
    const silent = r.received()!;
    expect([pick(silent.opts1, PID), silent.opts2]).toEqual([0, 0]);
  });

  test('tags are taken out by CPCR.RXVLAN', () => {
    const r = rig().start();
    const frame = ethernet(MAC, 100);
    r.inject(tagged(frame, 0x1234));
    expect(r.received()!.bytes).toEqual(tagged(frame, 0x1234));
    r.set(c.CPCR, c.CPCR.RXVLAN);
    r.inject(tagged(frame, 0x1234));
    const got = r.received()!;
    expect(got.bytes).toEqual(frame);
    expect(got.opts2).toBe(c.RXD_OPTS2.TAVA | 0x3412);
  });

  test('filters: each bit of RCR lets its kind in, and the hash chooses groups', () => {
    const { APM, AAP, AB, AM } = c.RCR;
    const who = { station: MAC, stranger: STRANGER, broadcast: BROADCAST, group: GROUP };
    const come = (control: number, mar0: number, mar4: number): string => {
      const r = rig().start(control);
      r.write(c.MAR4, mar4);
      r.write(c.MAR0, mar0);
      return Object.entries(who)
        .filter(([, to]) => r.inject(ethernet(to)) === 'delivered')
        .map(([name]) => name)
        .join();
    };
    expect(come(0, -1, -1)).toBe('');
    expect(come(APM, -1, -1)).toBe('station');
    expect(come(AAP, -1, -1)).toBe('station,stranger');
    expect(come(AB, -1, -1)).toBe('broadcast');
    expect(come(AM, -1, -1)).toBe('group');
    expect(come(AM, 0, 0)).toBe('');
    // Where Linux puts the bit of this group: number (CRC >> 26) of 64, in words whose bytes are swapped.
    const bit = hash(Uint8Array.from(GROUP), 0);
    const filter = [0, 0];
    filter[bit >> 5] = 1 << (bit & 31);
    const swap = (value: number): number =>
      ((value & 0xff) << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24);
    expect(come(AM, swap(filter[1]!), swap(filter[0]!))).toBe('group');
    expect(come(AM, ~swap(filter[1]!), ~swap(filter[0]!))).toBe('');
  });

  test('the hash is the one of the standard', () => {
    // 01-00-5E-00-00-01 has the CRC C8FD09ECh, most significant bit first (802.3 §3.2.9, not complemented).
    let crc = -1;
    for (const byte of [1, 0, 0x5e, 0, 0, 1])
      for (let i = 0; i < 8; i++) crc = (crc << 1) ^ (((crc >>> 31) ^ ((byte >> i) & 1)) & 1 ? 0x04c11db7 : 0);
    expect(hash(Uint8Array.of(1, 0, 0x5e, 0, 0, 1), 0)).toBe(crc >>> 26);
  });

  test('damaged and short frames only when RCR accepts them', () => {
    const { AAP, AER, AR } = c.RCR;
    const { CRC, RUNT, RES } = c.RXD_OPTS1;
    const r = rig().start(AAP);
    expect(r.inject(ethernet(MAC), false)).toBe('bad-fcs');
    expect(r.inject(ethernet(MAC, 40))).toBe('too-short');
    r.write(c.RCR, AAP | AER | AR);
    causes(r);
    r.inject(ethernet(MAC), false);
    expect(r.received()!.opts1 & (CRC | RUNT | RES)).toBe(CRC | RES);
    expect(causes(r)).toBe(ROK | RER);
    r.inject(ethernet(MAC, 40));
    const runt = r.received()!;
    expect([runt.opts1 & (CRC | RUNT | RES), runt.bytes.length]).toEqual([RUNT | RES, 40]);
  });

  test('RMS counts the FCS; a frame over several buffers', () => {
    const r = rig({ buffer: 512 }).start();
    r.write(c.RMS, 1518);
    expect(r.inject(ethernet(MAC, 1515))).toBe('too-long');
    expect(r.inject(ethernet(MAC, 1514))).toBe('delivered');
    const { view } = r.rx.arena;
    const words = [0, 1, 2].map((i) => view.getInt32(r.rx.offset + 16 * i, true) & (OWN | FS | LS));
    expect(words).toEqual([FS, 0, LS]);
    expect(r.received()!.bytes).toEqual(ethernet(MAC, 1514));
    r.write(c.RMS, 0x4000);
    expect(r.inject(ethernet(MAC, 7000))).toBe('delivered');
    expect(r.received()!.bytes).toEqual(ethernet(MAC, 7000));
  });

  test('without a descriptor frames wait in the FIFO; RDU once; they come without a doorbell', () => {
    const r = rig({ entries: 2 }).start();
    causes(r);
    const fates = [1, 2, 3, 4].map((i) => r.inject(ethernet(MAC, 60 + i)));
    expect(fates).toEqual(['delivered', 'delivered', 'queued', 'queued']);
    expect(causes(r) & (RDU | ROK)).toBe(RDU | ROK);
    expect(r.read(c.MCU) & c.MCU.RX_EMPTY).toBe(0);
    r.wait(300);
    expect(causes(r) & RDU).toBe(0);
    expect(r.received()!.bytes.length).toBe(61);
    expect(r.received()!.bytes.length).toBe(62);
    r.wait(2000);
    expect(r.received()!.bytes.length).toBe(63);
    expect(r.received()!.bytes.length).toBe(64);
    expect(r.read(c.MCU) & c.MCU.RX_EMPTY).not.toBe(0);
  });

  test('the FIFO overflows: FOVW, and a missed frame is counted', () => {
    const r = rig({ entries: 2 }).start();
    r.write(c.RMS, 0x4000);
    const fates = Array.from({ length: 10 }, () => r.inject(ethernet(MAC, 9000)));
    expect(fates.at(-1)).toBe('fifo-full');
    expect(causes(r) & FOVW).toBe(FOVW);
    const missed = fates.filter((fate) => fate === 'fifo-full').length;
    r.write(c.DTCCR, (r.data.address | 0) + c.DTCCR.CMD);
    r.wait(100);
    expect(r.data.arena.view.getUint16(r.data.offset + c.TALLY_MISS_PKT.at, true)).toBe(missed);
  });

  test('the RXDV gate, and a processor that has the receiver, let nothing in', () => {
    const r = rig().start();
    r.gate(true);
    expect(r.inject(ethernet(MAC))).toBe('receiver-off');
    r.gate(false);
    expect(r.inject(ethernet(MAC))).toBe('delivered');
    r.set(c.MCU, c.MCU.NOW_IS_OOB);
    expect(r.inject(ethernet(MAC))).toBe('receiver-off');
  });

  test('with bus mastering off frames wait, and nothing is said: drivers switch it off first', () => {
    const r = rig().start();
    const command = r.fn.read16(pci.COMMAND.at);
    r.fn.write16(pci.COMMAND.at, command & ~pci.COMMAND.MASTER);
    expect(r.inject(ethernet(MAC))).toBe('queued');
    r.wait(5000);
    r.fn.write16(pci.COMMAND.at, command);
    r.wait(10);
    expect(r.received()!.bytes).toEqual(ethernet(MAC));
    expect(r.findings).toEqual([]);
  });

  test('loopback in the MAC: nothing leaves, what was sent comes back', () => {
    const r = rig().start();
    r.write(c.TXCFG, put(0, c.TXCFG.LBK, 1));
    r.send(ethernet(MAC));
    expect(r.sent).toHaveLength(0);
    expect(r.received()!.bytes).toEqual(ethernet(MAC));
    expect(r.inject(ethernet(MAC))).toBe('receiver-off');
  });
});

describe('PAUSE', () => {
  test('obeyed when both agreed, to the group and to us; 0 ends it', () => {
    for (const to of [undefined, MAC]) {
      const r = rig().start();
      expect(r.inject(pauseFrame(0xffff, to))).toBe('pause-frame');
      r.send(ethernet(STRANGER));
      expect(r.sent).toHaveLength(0);
      r.wait(20_000);
      expect(r.sent).toHaveLength(0);
      r.wait(20_000);
      expect(r.sent).toHaveLength(1);
      r.inject(pauseFrame(0xffff, to));
      r.send(ethernet(STRANGER));
      r.inject(pauseFrame(0, to));
      r.wait(100);
      expect(r.sent).toHaveLength(2);
    }
  });

  test('not obeyed when the partner has not agreed; it is no data all the same', () => {
    const r = rig({ far: { ...GIGABIT, pause: false } }).start();
    expect(r.inject(pauseFrame(0xffff))).toBe('pause-frame');
    r.send(ethernet(STRANGER));
    expect(r.sent).toHaveLength(1);
  });

  test('sent above one threshold, ended below the other', () => {
    const r = rig({ entries: 2 }).start();
    const eri = (register: { at: number }, value: number): void => {
      r.write(c.ERIDR, value);
      r.write(c.ERIAR, put(put(c.ERIAR.FLAG, c.ERIAR.BYTE_EN, 1), c.ERIAR.ADDR, register.at));
      expect(r.read(c.ERIAR) & c.ERIAR.FLAG).toBe(0);
    };
    eri(c.ERI_PAUSE_LOW, 4);
    eri(c.ERI_PAUSE_HIGH, 8);
    for (let i = 0; i < 8; i++) r.inject(ethernet(MAC, 1000));
    const quanta = (): number[] => r.sent.map((frame) => (frame[16]! << 8) | frame[17]!);
    expect(quanta()).toEqual([0xffff]);
    expect([...r.sent[0]!.subarray(0, 16)]).toEqual([1, 0x80, 0xc2, 0, 0, 1, ...MAC, 0x88, 8, 0, 1]);
    for (let i = 0; i < 20 && quanta().length < 2; i++) {
      while (r.received());
      r.wait(2000);
    }
    expect(quanta()).toEqual([0xffff, 0]);
  });
});
