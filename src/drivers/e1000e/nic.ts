/** 82574L: reset, NVM, who may use the PHY, extended receive descriptors, MSI-X; the rest is the family's (82574 §4.6). */

import type { PciFunction } from '../../pci/function.js';
import type { DriverId } from '../../pci/probe.js';
import { NicError } from '../../platform/errors.js';
import type { Mmio } from '../../platform/mmio.js';
import { sleep, type Task, until } from '../../platform/task.js';
import { at, meta, put } from '../../registers/define.js';
import * as chip from '../../registers/i82574/index.js';
import type { DriverOptions, InterruptMode } from '../driver.js';
import { isGone } from '../intel/hw.js';
import { IntelNic, type IntelParts } from '../intel/nic.js';
import { checkSum, macOf, readWords } from '../intel/nvm.js';
import { chooseInterrupts } from '../interrupts.js';

const { CTRL, CTRL_EXT, EEC, EEMNGCTL, EIAC, EITR, EXTCNF_CTRL, IAM, ICR, IMC, IVAR, MANC, MRQC, RCTL, RFCTL } = chip;
const { RETA, RETA_QUEUE, RSSRK, RXCSUM, RXDCTL0, RXDX_LENGTH, RXDX_STATERR, STATUS, TCTL, TXDCTL0 } = chip;
const { CE, SE, SEQ, CXE, RXE, TCPE, IPE } = RXDX_STATERR;

const ALL_ONES = -1;
/** Requests under way may take so long; then it is reset all the same (82574 §3.1.3.10). */
const MASTER_US = 80_000;
const QUIET_US = 10_000;
const RESET_US = 10_000;
const NVM_US = 10_000;
const CONFIGURED_US = 100_000;
const MDIO_US = 200_000;
/** In units of 256 ns: at most 20000 interrupts a second of a vector. */
const THROTTLE = 195;
const VECTOR = { other: 0, tx: 1, rx0: 2, rx1: 3 } as const;
const RX_CAUSES = [ICR.RXQ0, ICR.RXQ0 | ICR.RXQ1] as const;
const TX_CAUSES = ICR.TXQ0;
const OTHER_CAUSES = ICR.OTHER | ICR.LSC | ICR.RXO;

const PARTS: IntelParts = {
  driver: 'e1000e',
  chip,
  rxRegisters: chip.RX_QUEUES,
  rxFormat: {
    lengthAt: RXDX_LENGTH.at,
    statusAt: RXDX_STATERR.at,
    tagAt: RXDX_LENGTH.at,
    damaged: CE | SE | SEQ | CXE | RXE,
    wrongSum: TCPE | IPE,
  },
  rxControl: put(RXDCTL0.GRAN, RXDCTL0.WTHRESH, 1),
  txRegisters: chip.TX_QUEUES[0],
  txControl: put(TXDCTL0.GRAN | TXDCTL0.COUNT_DESC, TXDCTL0.WTHRESH, 1),
  // 82574 §1.2: frames of up to 9234 bytes.
  largestMtu: 9212,
  dmaBelow: 2 ** 53,
  causes: ICR.RXT0 | ICR.RXDMT0 | ICR.TXDW | OTHER_CAUSES,
  missed: ICR.RXDMT0,
  asserted: ICR.INT_ASSERTED,
};
/** With a vector for each: the causes of the queues in use in place of the ones that stand for all queues. */
const msixParts = (rx: number): IntelParts => ({ ...PARTS, causes: rx | TX_CAUSES | OTHER_CAUSES, missed: rx });
/** For one receive ring and for two. */
const PARTS_MSIX = [msixParts(RX_CAUSES[0]), msixParts(RX_CAUSES[1])] as const;

/** What is hashed with two receive rings. */
const HASHED = MRQC.TCP_IPV4 | MRQC.IPV4 | MRQC.TCP_IPV6 | MRQC.IPV6;
const RSS = 1;
/** Entries of RETA take the rings in turn. */
const ALTERNATE = put(put(0, RETA.ENTRY1, RETA_QUEUE), RETA.ENTRY3, RETA_QUEUE);
/** The key that the definition of RSS gives as its example; a stack that fears chosen flows would draw one. */
const KEY = [
  0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b,
  0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac,
  0x01, 0xfa,
];

/** A bound 82574L: one transmit ring, one receive ring or two. */
export class E1000eNic extends IntelNic {
  /** Set once MSI-X is on; decides what {@link E1000eNic.setUpChip} programs after a later reset. */
  #msix = false;

  /** Brings a function up (82574 §4.6). @throws NicError; the function is then quiet and holds no memory */
  static *open(fn: PciFunction, id: DriverId, options: DriverOptions): Task<E1000eNic> {
    yield* fn.powerUp();
    fn.enable({ memory: true });
    const io = fn.mapBar(0);
    if (isGone(io, chip)) {
      const place = { device: id.name, register: 'STATUS', ref: '82574 §10.2.2' };
      throw new NicError('gone', 'STATUS reads all ones', place);
    }
    yield* resetMac(io);
    const words = yield* readWords(io, chip);
    checkSum(words, id.name, '82574 §6.1.2.2');
    const nic = new E1000eNic(fn, id, macOf(words, id.name, '82574 §6.1.1.1'), io, PARTS, options);
    yield* nic.bringUp(nic.start(), options.interrupts);
    return nic;
  }

  protected override reset(): Task<void> {
    return resetMac(this.io);
  }

  protected override setUpChip(): void {
    const { io } = this;
    // 82574 §10.2.2.5: the chip is told that a driver runs it.
    io.write32(CTRL_EXT.at, io.read32(CTRL_EXT.at) | CTRL_EXT.DRV_LOAD);
    io.write32(RFCTL.at, RFCTL.EXSTEN | RFCTL.IPV6_EX_DIS | RFCTL.NEW_IPV6_EXT_DIS | RFCTL.ACKDIS);
    this.#setUpQueues();
    if (this.#msix) this.#setUpVectors();
  }

  /** One ring takes everything, or two share it by hash (82574 §7.1.10). */
  #setUpQueues(): void {
    const { io } = this;
    if (this.rxQueues === 1) {
      io.write32(MRQC.at, 0);
      return;
    }
    for (let i = 0; i < RSSRK[meta].count; i++) {
      const [a, b, c, d] = KEY.slice(4 * i, 4 * i + 4) as [number, number, number, number];
      io.write32(at(RSSRK, i), a | (b << 8) | (c << 16) | (d << 24));
    }
    for (let i = 0; i < RETA[meta].count; i++) io.write32(at(RETA, i), ALTERNATE);
    io.write32(MRQC.at, put(HASHED, MRQC.ENABLE, RSS));
  }

  /** With RSS the hash must stand where the packet checksum would (82574 §10.2.5). */
  protected override rxChecksumBits(): number {
    return this.rxQueues > 1 ? RXCSUM.PCSD : 0;
  }

  /** Which cause sends which vector; a vector clears and masks its causes as it is sent (82574 §7.4.3, §10.2.4). */
  #setUpVectors(): void {
    const { io } = this;
    let vectors = put(IVAR.RXQ0_VALID, IVAR.RXQ0, VECTOR.rx0);
    if (this.rxQueues > 1) vectors = put(vectors | IVAR.RXQ1_VALID, IVAR.RXQ1, VECTOR.rx1);
    vectors = put(vectors | IVAR.TXQ0_VALID, IVAR.TXQ0, VECTOR.tx);
    vectors = put(vectors | IVAR.OTHER_VALID, IVAR.OTHER, VECTOR.other);
    io.write32(IVAR.at, vectors);
    for (const vector of Object.values(VECTOR)) io.write32(at(EITR, vector), put(0, EITR.INTERVAL, THROTTLE));
    io.write32(EIAC.at, EIAC.RXQ0 | EIAC.RXQ1 | EIAC.TXQ0);
    io.write32(IAM.at, this.parts.causes);
    io.write32(CTRL_EXT.at, io.read32(CTRL_EXT.at) | CTRL_EXT.EIAME | CTRL_EXT.PBA_CLR);
  }

  protected override enableInterrupts(modes: readonly InterruptMode[]): InterruptMode {
    const handler = (): boolean => this.interrupt();
    const received = (): void => this.message(RX_CAUSES[1]);
    const transmitted = (): void => this.message(TX_CAUSES);
    const other = (): void => this.#other();
    const { mode } = chooseInterrupts(this.fn, modes, {
      intx: handler,
      msi: () => void handler(),
      msix: [this.rxQueues > 1 ? [other, transmitted, received, received] : [other, transmitted, received]],
    });
    if (mode === 'msix') {
      this.#msix = true;
      this.parts = PARTS_MSIX[this.rxQueues > 1 ? 1 : 0];
      this.#setUpVectors();
    }
    return mode;
  }

  /** The link and what else is rare. Only these causes are cleared: reading ICR would clear those of the queues too. */
  #other(): void {
    this.io.write32(ICR.at, OTHER_CAUSES);
    this.message(OTHER_CAUSES);
  }

  /** 82574 §10.2.8: the management controller receives. */
  protected override managed(): boolean {
    return (this.io.read32(MANC.at) & MANC.RCV_TCO_EN) !== 0;
  }

  protected override *withPhy<T>(task: Task<T>): Task<T> {
    yield* takeMdio(this.io);
    try {
      return yield* task;
    } finally {
      giveMdio(this.io);
    }
  }
}

/**
 * Masks interrupts, stops both units, lets requests on the bus end, resets the MAC and waits until the chip has read its
 * NVM and configured its PHY (82574 §4.2.1, §4.6.2).
 * @throws NicError `timeout`, `gone`
 */
function* resetMac(io: Mmio): Task<void> {
  io.write32(IMC.at, ALL_ONES);
  io.write32(RCTL.at, 0);
  io.write32(TCTL.at, TCTL.PSP);
  io.write32(CTRL.at, io.read32(CTRL.at) | CTRL.GIO_MASTER_DISABLE);
  // A request that never ends is what the reset is for.
  yield* atMost(until(io, STATUS, STATUS.GIO_MASTER_ENABLE, 0, { within: MASTER_US, ref: '82574 §3.1.3.10' }));
  yield* sleep(QUIET_US);
  // Nobody may be talking to the PHY when its MAC goes away.
  yield* takeMdio(io);
  io.write32(CTRL.at, io.read32(CTRL.at) | CTRL.RST);
  // 82574 §10.2.2.1: nothing may be read for a microsecond.
  yield* sleep(2);
  yield* until(io, CTRL, CTRL.RST, 0, { within: RESET_US, ref: '82574 §10.2.2.1' });
  giveMdio(io);
  yield* until(io, EEC, EEC.AUTO_RD, EEC.AUTO_RD, { within: NVM_US, ref: '82574 §10.2.2.3' });
  // An NVM without a configuration for the PHY may leave the bit 0; e1000e and em go on then, too.
  const configured = { within: CONFIGURED_US, ref: '82574 §10.2.2.20' };
  yield* atMost(until(io, EEMNGCTL, EEMNGCTL.CFG_DONE, EEMNGCTL.CFG_DONE, configured));
  io.write32(CTRL.at, io.read32(CTRL.at) & ~CTRL.GIO_MASTER_DISABLE);
  io.write32(IMC.at, ALL_ONES);
  io.read32(ICR.at);
}

/** Waits as `task` does, and goes on when its time is over. */
function* atMost(task: Task<unknown>): Task<void> {
  try {
    yield* task;
  } catch (error) {
    if (!(error instanceof NicError) || error.code !== 'timeout') throw error;
  }
}

/** Asks for the MDIO bus, which hardware and firmware use too: the bit stays 0 while they do (82574 §10.2.2.16). */
function* takeMdio(io: Mmio): Task<void> {
  const start = yield 0;
  let value = 0;
  for (let now = start; now - start <= MDIO_US; now = yield 2_000) {
    io.write32(EXTCNF_CTRL.at, io.read32(EXTCNF_CTRL.at) | EXTCNF_CTRL.MDIO_SW_OWNERSHIP);
    value = io.read32(EXTCNF_CTRL.at);
    if (value === ALL_ONES)
      throw new NicError('gone', 'EXTCNF_CTRL reads all ones', { register: 'EXTCNF_CTRL', value });
    if ((value & EXTCNF_CTRL.MDIO_SW_OWNERSHIP) !== 0) return;
  }
  throw new NicError('timeout', `MDIO_SW_OWNERSHIP could not be set within ${MDIO_US} us: firmware keeps the PHY`, {
    register: 'EXTCNF_CTRL',
    value,
    ref: '82574 §10.2.2.16',
  });
}

function giveMdio(io: Mmio): void {
  io.write32(EXTCNF_CTRL.at, io.read32(EXTCNF_CTRL.at) & ~EXTCNF_CTRL.MDIO_SW_OWNERSHIP);
}
