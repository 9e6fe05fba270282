/**
 * MII management registers of IEEE 802.3 clause 22, which every copper PHY has. `at` is twice the register's number:
 * registers are 16 bits wide and the map counts bytes.
 */
import { bit, bits, reg } from './define.js';

const w = { width: 16 } as const;

/** Register 0. */
export const BMCR = reg(
  'BMCR',
  0,
  { ...w, doc: 'Basic mode control', ref: '802.3 §22.2.4.1', reset: 0x1140 },
  {
    SPEED1000: bit(6, 'rw', 'Speed selection, high bit'),
    COLTEST: bit(7, 'rw', 'Collision test', { inert: true }),
    FULLDPLX: bit(8, 'rw', 'Full duplex when forced'),
    ANRESTART: bit(9, 'sc', 'Restart auto-negotiation'),
    ISOLATE: bit(10, 'rw', 'Isolate from the MII', { inert: true }),
    PDOWN: bit(11, 'rw', 'Power down: the link is lost'),
    ANENABLE: bit(12, 'rw', 'Auto-negotiation enable'),
    SPEED100: bit(13, 'rw', 'Speed selection, low bit'),
    LOOPBACK: bit(14, 'rw', 'Frames sent come back'),
    RESET: bit(15, 'sc', 'Reset the PHY'),
  },
);

/** Register 1. */
export const BMSR = reg(
  'BMSR',
  2,
  { ...w, doc: 'Basic mode status', ref: '802.3 §22.2.4.2', reset: 0x7949 },
  {
    ERCAP: bit(0, 'ro', 'Extended registers exist'),
    JCD: bit(1, 'latched', 'Jabber detected'),
    LSTATUS: bit(2, 'latched', 'Link: reads 0 once after a loss'),
    ANEGCAPABLE: bit(3, 'ro', 'Can auto-negotiate'),
    RFAULT: bit(4, 'latched', 'Remote fault'),
    ANEGCOMPLETE: bit(5, 'ro', 'Auto-negotiation complete'),
    MFPS: bit(6, 'ro', 'Preamble suppression accepted'),
    ESTATEN: bit(8, 'ro', 'Register 15 is present'),
    T2HALF: bit(9, 'ro', '100BASE-T2 half duplex'),
    T2FULL: bit(10, 'ro', '100BASE-T2 full duplex'),
    HALF10: bit(11, 'ro', '10BASE-T half duplex'),
    FULL10: bit(12, 'ro', '10BASE-T full duplex'),
    HALF100: bit(13, 'ro', '100BASE-TX half duplex'),
    FULL100: bit(14, 'ro', '100BASE-TX full duplex'),
    T4: bit(15, 'ro', '100BASE-T4'),
  },
);

/** Register 2. */
export const PHYSID1 = reg(
  'PHYSID1',
  4,
  { ...w, doc: 'PHY identifier, bits 3 to 18 of the OUI', ref: '802.3 §22.2.4.3.1', volatile: true },
  {
    OUI_MSB: bits(15, 0, 'ro', 'OUI bits 3 to 18'),
  },
);

/** Register 3. */
export const PHYSID2 = reg(
  'PHYSID2',
  6,
  { ...w, doc: 'PHY identifier, rest of the OUI, model and revision', ref: '802.3 §22.2.4.3.1', volatile: true },
  {
    REVISION: bits(3, 0, 'ro', 'Revision'),
    MODEL: bits(9, 4, 'ro', 'Model'),
    OUI_LSB: bits(15, 10, 'ro', 'OUI bits 19 to 24'),
  },
);

/** Register 4. */
export const ADVERTISE = reg(
  'ADVERTISE',
  8,
  { ...w, doc: 'Auto-negotiation advertisement', ref: '802.3 §28.2.4.1.3', reset: 0x0de1 },
  {
    SELECTOR: bits(4, 0, 'rw', 'Selector: 1 is 802.3'),
    HALF10: bit(5, 'rw', '10BASE-T half duplex'),
    FULL10: bit(6, 'rw', '10BASE-T full duplex'),
    HALF100: bit(7, 'rw', '100BASE-TX half duplex'),
    FULL100: bit(8, 'rw', '100BASE-TX full duplex'),
    T4: bit(9, 'rw', '100BASE-T4'),
    PAUSE: bit(10, 'rw', 'Symmetric PAUSE'),
    ASM_DIR: bit(11, 'rw', 'Asymmetric PAUSE'),
    RESV: bit(12, 'rw', 'Extended next page', { inert: true }),
    RFAULT: bit(13, 'rw', 'Remote fault'),
    NPAGE: bit(15, 'rw', 'Next page'),
  },
);

/** Register 5: what the partner advertised. */
export const LPA = reg(
  'LPA',
  10,
  { ...w, doc: 'Link partner ability', ref: '802.3 §28.2.4.1.4' },
  {
    SELECTOR: bits(4, 0, 'ro', 'Selector'),
    HALF10: bit(5, 'ro', '10BASE-T half duplex'),
    FULL10: bit(6, 'ro', '10BASE-T full duplex'),
    HALF100: bit(7, 'ro', '100BASE-TX half duplex'),
    FULL100: bit(8, 'ro', '100BASE-TX full duplex'),
    T4: bit(9, 'ro', '100BASE-T4'),
    PAUSE: bit(10, 'ro', 'Symmetric PAUSE'),
    ASM_DIR: bit(11, 'ro', 'Asymmetric PAUSE'),
    RFAULT: bit(13, 'ro', 'Remote fault'),
    LPACK: bit(14, 'ro', 'Partner acknowledged our page'),
    NPAGE: bit(15, 'ro', 'Partner has a next page'),
  },
);

/** Register 6. */
export const EXPANSION = reg(
  'EXPANSION',
  12,
  { ...w, doc: 'Auto-negotiation expansion', ref: '802.3 §28.2.4.1.5', reset: 0x0004 },
  {
    NWAY: bit(0, 'ro', 'Partner can auto-negotiate'),
    LCWP: bit(1, 'latched', 'A new page came'),
    ENABLENPAGE: bit(2, 'ro', 'We can send next pages'),
    NPCAPABLE: bit(3, 'ro', 'Partner can send next pages'),
    MFAULTS: bit(4, 'latched', 'Parallel detection fault'),
  },
);

/** Register 7. */
export const NPTX = reg(
  'NPTX',
  14,
  { ...w, doc: 'Next page to send', ref: '802.3 §28.2.4.1.6', reset: 0x2001 },
  {
    CODE: bits(10, 0, 'rw', 'Message or unformatted code', { inert: true }),
    ACK2: bit(12, 'rw', 'Acknowledge 2', { inert: true }),
    MP: bit(13, 'rw', 'Message page', { inert: true }),
    NP: bit(15, 'rw', 'More pages follow', { inert: true }),
  },
);

/** Register 9. */
export const CTRL1000 = reg(
  'CTRL1000',
  18,
  { ...w, doc: '1000BASE-T control', ref: '802.3 §40.5.1.1', reset: 0x0300 },
  {
    HALF: bit(8, 'rw', 'Advertise 1000BASE-T half duplex'),
    FULL: bit(9, 'rw', 'Advertise 1000BASE-T full duplex'),
    MULTIPORT: bit(10, 'rw', 'Multi-port device', { inert: true }),
    AS_MASTER: bit(11, 'rw', 'Be master when set by hand'),
    ENABLE_MASTER: bit(12, 'rw', 'Master or slave set by hand'),
    TEST: bits(15, 13, 'rw', 'Transmitter test mode', { inert: true }),
  },
);

/** Register 10. */
export const STAT1000 = reg(
  'STAT1000',
  20,
  { ...w, doc: '1000BASE-T status', ref: '802.3 §40.5.1.1' },
  {
    IDLE_ERRORS: bits(7, 0, 'rc', 'Idle errors since the last read'),
    LP_HALF: bit(10, 'ro', 'Partner can do 1000BASE-T half duplex'),
    LP_FULL: bit(11, 'ro', 'Partner can do 1000BASE-T full duplex'),
    REMRXOK: bit(12, 'ro', 'Remote receiver is well'),
    LOCALRXOK: bit(13, 'ro', 'Local receiver is well'),
    MASTER: bit(14, 'ro', 'We are master'),
    MSFAIL: bit(15, 'latched', 'Master and slave could not be settled'),
  },
);

/** Register 15. */
export const ESTATUS = reg(
  'ESTATUS',
  30,
  { ...w, doc: 'Extended status', ref: '802.3 §22.2.4.4', reset: 0x3000 },
  {
    HALF1000T: bit(12, 'ro', '1000BASE-T half duplex'),
    FULL1000T: bit(13, 'ro', '1000BASE-T full duplex'),
    HALF1000X: bit(14, 'ro', '1000BASE-X half duplex'),
    FULL1000X: bit(15, 'ro', '1000BASE-X full duplex'),
  },
);
