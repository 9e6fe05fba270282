/** 82574L: device, NVM, PHY access, flow control and PCI Express registers. Source: Intel 317694 (82574 datasheet), §10.2. */
import { bit, bits, reg, word } from '../define.js';
import { DEVICE_CONTROL, DEVICE_STATUS, EXTENDED_CONTROL, FLASH_PINS, LEDS } from '../intel/fields.js';

export const CTRL = reg(
  'CTRL',
  0x0000,
  { doc: 'Device control', ref: '82574 §10.2.2', reset: 0x0014_0241, volatile: true, alias: [0x0004] },
  {
    ...DEVICE_CONTROL,
    GIO_MASTER_DISABLE: bit(2, 'rw', 'No new requests as a bus master; STATUS.GIO_MASTER_ENABLE tells when'),
    LRST: bit(3, 'rw', 'Link reset', { inert: true }),
    MEHE: bit(19, 'rw', 'Handle memory errors', { inert: true }),
    EN_PHY_PWR_MGMT: bit(21, 'rw', 'PHY power management', { inert: true }),
    BIT29: bit(29, 'rw', 'Software keeps it 0', { inert: true }),
  },
);

export const STATUS = reg(
  'STATUS',
  0x0008,
  { doc: 'Device status', ref: '82574 §10.2.2', volatile: true },
  {
    ...DEVICE_STATUS,
    LAN_ID: bits(3, 2, 'ro', 'Port; always 0'),
    PHYRA: bit(10, 'ro', 'The PHY was reset; writing 0 clears'),
    GIO_MASTER_ENABLE: bit(19, 'ro', 'Requests as a bus master are outstanding or allowed'),
  },
);

export const EEC = reg(
  'EEC',
  0x0010,
  { doc: 'NVM pins and type (EECD in drivers)', ref: '82574 §10.2.2', volatile: true },
  {
    EE_SK: bit(0, 'rw', 'Clock', { inert: true }),
    EE_CS: bit(1, 'rw', 'Chip select', { inert: true }),
    EE_DI: bit(2, 'rw', 'Data to the NVM', { inert: true }),
    EE_DO: bit(3, 'ro', 'Data from the NVM', { inert: true }),
    FWE: bits(5, 4, 'rw', 'Flash writes', { values: { 1: 'off', 2: 'on' }, inert: true }),
    EE_REQ: bit(6, 'rw', 'Software asks for the pins'),
    EE_GNT: bit(7, 'ro', 'Software has the pins'),
    EE_PRES: bit(8, 'ro', 'An NVM with a valid signature is present'),
    AUTO_RD: bit(9, 'ro', 'The NVM was read after reset'),
    EE_ADDR_SIZE: bit(10, 'ro', 'EEPROM takes 16 address bits, not 8'),
    EE_SIZE: bits(14, 11, 'ro', 'EEPROM size: 64 << n words'),
    NVADDS: bits(16, 15, 'ro', 'NVM address bytes', { values: { 1: 'EEPROM, 1', 2: 'EEPROM, 2', 3: 'flash, 3' } }),
    FLUPD: bit(19, 'sc', 'Write the shadow RAM to the flash; clears when that is done'),
    AUPDEN: bit(20, 'rw', 'Write the shadow RAM to the flash without being asked', { inert: true }),
    SEC1VAL: bit(22, 'ro', 'The second sector of the flash is the valid one'),
    NVMTYP: bit(23, 'ro', 'NVM type', { values: { 0: 'EEPROM', 1: 'flash' } }),
  },
);

const ACCESS = {
  START: bit(0, 'sc', 'Begin'),
  DONE: bit(1, 'ro', 'The access has ended'),
  ADDR: bits(15, 2, 'rw', 'Word address'),
};

export const EERD = reg(
  'EERD',
  0x0014,
  { doc: 'NVM read', ref: '82574 §10.2.2', reset: 0x0000_0002 },
  { ...ACCESS, DATA: bits(31, 16, 'ro', 'The word') },
);

export const EEWR = reg(
  'EEWR',
  0x102c,
  { doc: 'NVM write (to the shadow RAM of a flash)', ref: '82574 §10.2.2', reset: 0x0000_0002 },
  { ...ACCESS, DATA: bits(31, 16, 'rw', 'The word') },
);

export const CTRL_EXT = reg(
  'CTRL_EXT',
  0x0018,
  { doc: 'Extended device control', ref: '82574 §10.2.2', volatile: true },
  {
    ...EXTENDED_CONTROL,
    SDP_DATA: bits(7, 4, 'rw', 'Software-defined pins', { inert: true }),
    SDP_IODIR: bits(11, 8, 'rw', 'Pins that are outputs', { inert: true }),
    EE_RST: bit(13, 'sc', 'Read the NVM again'),
    DMA_DYN_CLK_EN: bit(19, 'rw', 'Clock gating of the DMA unit', { inert: true }),
    PHY_PDN_EN: bit(20, 'rw', 'PHY may power down', { inert: true }),
    BIT22: bit(22, 'rw', 'Software sets it', { inert: true }),
    BIT23: bit(23, 'rw', 'Software clears it', { inert: true }),
    EIAME: bit(24, 'rw', 'A vector that is sent masks the causes in IAM'),
    IAME: bit(27, 'rw', 'Reading ICR with INT_ASSERTED masks the causes in IAM'),
    DRV_LOAD: bit(28, 'rw', 'A driver runs the chip', { inert: true }),
    INT_TIMERS_CLEAR_ENA: bit(29, 'rw', 'Reading ICR stops the delay timers'),
    PBA_CLR: bit(31, 'rw', 'A cause that is cleared clears its pending bit'),
  },
);

export const FLA = reg(
  'FLA',
  0x001c,
  { doc: 'Flash pins', ref: '82574 §10.2.2' },
  {
    ...FLASH_PINS,
    FL_BUSY: bit(30, 'ro', 'The flash is busy', { inert: true }),
    FL_ER: bit(31, 'rw', 'Erase', { inert: true }),
  },
);
export const FCRTV = word('FCRTV', 0x5f40, 'rw', {
  doc: 'Time after which XOFF is sent again, in slots of 512 bits',
  ref: '82574 §10.2.2',
  bits: 16,
});

export const TXCW = reg(
  'TXCW',
  0x0178,
  {
    doc: 'Transmit configuration word of the family; storage on this chip',
    ref: 'the register tests of e1000e and em',
  },
  {
    CONFIG: bits(15, 0, 'rw', 'Word sent in auto-negotiation (SerDes parts only)', { inert: true }),
    TXC: bit(30, 'rw', 'Send the configuration word', { inert: true }),
    ANE: bit(31, 'rw', 'Auto-negotiation', { inert: true }),
  },
);

export const LPIC = word('LPIC', 0x00fc, 'ro', {
  doc: 'Low power idle of later chips; reads 0 here, and e1000e reads it when it suspends any chip',
  ref: 'e1000e: register LPIC',
});

export const LEDCTL = reg(
  'LEDCTL',
  0x0e00,
  { doc: 'LED control', ref: '82574 §10.2.2', reset: 0x0006_8302 },
  {
    ...LEDS,
    GLOBAL_BLINK_MODE: bit(5, 'rw', 'Blink in 83 ms, not 200 ms', { inert: true }),
    LED3: bits(31, 24, 'rw', 'Storage: the chip has three LEDs', { inert: true }),
  },
);

export const EXTCNF_CTRL = reg(
  'EXTCNF_CTRL',
  0x0f00,
  { doc: 'Extended configuration, and who owns the MDIO bus', ref: '82574 §10.2.2', reset: 0x0000_0008 },
  {
    PCIE_WE: bit(0, 'rw', 'Load PCIe configuration', { inert: true }),
    PHY_WE: bit(1, 'rw', 'Load PHY configuration', { inert: true }),
    D_UD_ENABLE: bit(2, 'rw', 'Docking', { inert: true }),
    D_UD_LATENCY: bit(3, 'rw', 'Docking latency', { inert: true }),
    D_UD_OWNER: bit(4, 'rw', 'Docking owner', { inert: true }),
    MDIO_SW_OWNERSHIP: bit(5, 'rw', 'Software asks for MDIO; reads 1 when it has it'),
    MDIO_HW_OWNERSHIP: bit(6, 'ro', 'Hardware has MDIO'),
    MDIO_MNG_OWNERSHIP: bit(7, 'ro', 'Management has MDIO'),
    EXT_CNF_POINTER: bits(27, 16, 'rw', 'Where the configuration stands in the NVM', { inert: true }),
  },
);
export const EXTCNF_SIZE = reg(
  'EXTCNF_SIZE',
  0x0f08,
  { doc: 'Sizes of the extended configuration', ref: '82574 §10.2.2' },
  {
    PHY_LENGTH: bits(7, 0, 'rw', 'PHY part, dwords', { inert: true }),
    DOCK_LENGTH: bits(15, 8, 'rw', 'Docking part, dwords', { inert: true }),
    PCIE_LENGTH: bits(23, 16, 'rw', 'PCIe part, dwords', { inert: true }),
  },
);
export const POEMB = reg(
  'POEMB',
  0x0f10,
  { doc: 'PHY OEM bits', ref: '82574 §10.2.2', reset: 0x0000_030d },
  {
    BIT0: bit(0, 'rw', 'Reverse auto-negotiation', { inert: true }),
    D0LPLU: bit(1, 'rw', 'Low power link-up in D0', { inert: true }),
    LPLU: bit(2, 'rw', 'Low power link-up otherwise', { inert: true }),
    AN1000_DIS_ND0A: bit(3, 'rw', 'No 1000BASE-T but in D0', { inert: true }),
    CLASS: bits(5, 4, 'rw', 'PHY class', { inert: true }),
    AN1000_DIS: bit(6, 'rw', 'No 1000BASE-T', { inert: true }),
    REST: bits(11, 7, 'rw', 'Cross-over and low power', { inert: true }),
  },
);

export const PBA = reg(
  'PBA',
  0x1000,
  { doc: 'Packet buffer: KiB for receive, the rest of 40 for transmit', ref: '82574 §10.2.2', reset: 0x0014_0014 },
  {
    RXA: bits(15, 0, 'rw', 'Receive, KiB'),
    TXA: bits(31, 16, 'ro', 'Transmit, KiB'),
  },
);
export const PBS = word('PBS', 0x1008, 'rw', {
  doc: 'Packet buffer size, KiB',
  ref: '82574 §10.2.2',
  reset: 40,
  bits: 6,
});

export const EEMNGCTL = reg(
  'EEMNGCTL',
  0x1010,
  { doc: 'NVM access of the management unit; configuration done', ref: '82574 §10.2.2', reset: 0x8004_0000 | 0 },
  {
    ADDR: bits(14, 0, 'rw', 'Word address', { inert: true }),
    START: bit(15, 'rw', 'Begin', { inert: true }),
    WRITE: bit(16, 'rw', 'Write, not read', { inert: true }),
    EEBUSY: bit(17, 'rw', 'Busy', { inert: true }),
    CFG_DONE: bit(18, 'ro', 'PHY and MAC were configured from the NVM'),
    DONE: bit(31, 'ro', 'Access ended'),
  },
);
export const EEMNGDATA = word('EEMNGDATA', 0x1014, 'ro', {
  doc: 'NVM data of the management unit',
  ref: '82574 §10.2.2',
});
export const FLMNGCTL = word('FLMNGCTL', 0x1018, 'ro', {
  doc: 'Flash access of the management unit',
  ref: '82574 §10.2.2',
});
export const FLMNGDATA = word('FLMNGDATA', 0x101c, 'ro', {
  doc: 'Flash data of the management unit',
  ref: '82574 §10.2.2',
});
export const FLMNGCNT = word('FLMNGCNT', 0x1020, 'ro', {
  doc: 'Flash count of the management unit',
  ref: '82574 §10.2.2',
});
export const FLASHT = word('FLASHT', 0x1028, 'rw', {
  doc: 'Flash update timer',
  ref: '82574 §10.2.2',
  reset: 2,
  bits: 16,
});
export const FLSWCTL = reg(
  'FLSWCTL',
  0x1030,
  { doc: 'Flash access of software', ref: '82574 §10.2.2', reset: 0xc000_0000 | 0 },
  {
    ADDR: bits(23, 0, 'rw', 'Byte address', { inert: true }),
    CMD: bits(27, 24, 'rw', 'Command', { values: { 0: 'read', 1: 'write', 2: 'erase' }, inert: true }),
    CMDV: bit(28, 'rw', 'The command is valid', { inert: true }),
    FLBUSY: bit(29, 'ro', 'The flash is busy', { inert: true }),
    DONE: bit(30, 'ro', 'Data were transferred', { inert: true }),
    WRDONE: bit(31, 'ro', 'All data were written', { inert: true }),
  },
);
export const FLSWDATA = word('FLSWDATA', 0x1034, 'rw', { doc: 'Flash data of software', ref: '82574 §10.2.2' });
export const FLSWCNT = word('FLSWCNT', 0x1038, 'rw', { doc: 'Flash count of software', ref: '82574 §10.2.2' });
export const FLOP = word('FLOP', 0x103c, 'rw', { doc: 'Flash opcodes', ref: '82574 §10.2.2', volatile: true });
export const FLOL = word('FLOL', 0x1050, 'rw', { doc: 'Flash loading options', ref: '82574 §10.2.2', reset: 1 });

export const MANC = reg(
  'MANC',
  0x5820,
  { doc: 'Management control', ref: '82574 §10.2.8', reset: 0x1000_0000 },
  {
    FLOW_CTRL_DISCARD: bit(0, 'rw', 'Discard PAUSE frames', { inert: true }),
    NCSI_DISCARD: bit(1, 'rw', 'Discard NC-SI control frames', { inert: true }),
    ARP_EN: bit(13, 'rw', 'Take ARP requests', { inert: true }),
    TCO_RESET: bit(16, 'rw', 'TCO reset occurred', { inert: true }),
    RCV_TCO_EN: bit(17, 'rw', 'Receive TCO packets', { inert: true }),
    BLK_PHY_RST_ON_IDE: bit(18, 'rw', 'Software may not reset the PHY', { inert: true }),
    RCV_ALL: bit(19, 'rw', 'All that pass the filters', { inert: true }),
    EN_MAC_ADDR_FILTER: bit(20, 'rw', 'Filter management frames by address', { inert: true }),
    EN_MNG2HOST: bit(21, 'rw', 'Hand management frames to the host', { inert: true }),
    EN_XSUM_FILTER: bit(23, 'rw', 'Check management frames', { inert: true }),
    BR_EN: bit(24, 'rw', 'Take broadcasts', { inert: true }),
    DIS_IP_CHK_ARP: bit(28, 'rw', 'No address check of ARP', { inert: true }),
  },
);
export const MFVAL = word('MFVAL', 0x5824, 'rw', { doc: 'Valid management filters', ref: '82574 §10.2.8' });
export const MFUTP01 = word('MFUTP01', 0x5828, 'rw', { doc: 'Management ports 0 and 1', ref: '82574 §10.2.8' });
export const MFUTP23 = word('MFUTP23', 0x5830, 'rw', { doc: 'Management ports 2 and 3', ref: '82574 §10.2.8' });
export const MANC2H = word('MANC2H', 0x5860, 'rw', { doc: 'Management frames for the host', ref: '82574 §10.2.8' });
export const MAVTV = word('MAVTV', 0x5010, 'rw', {
  doc: 'Management VLAN tags',
  ref: '82574 §10.2.8',
  count: 4,
});
export const MDEF = word('MDEF', 0x5890, 'rw', {
  doc: 'Management decision filters',
  ref: '82574 §10.2.8',
  count: 8,
});

export const GCR = reg(
  'GCR',
  0x5b00,
  { doc: 'PCI Express control', ref: '82574 §10.2.3', reset: 0x0680_0200 },
  {
    NO_SNOOP: bits(5, 0, 'rw', 'Transactions without snoop', { inert: true }),
    L0S_ADJUST: bit(9, 'rw', 'L0s entry', { inert: true }),
    BIT22: bit(22, 'rw', 'Software sets it', { inert: true }),
    L1_ENTRY_LATENCY_MSB: bit(23, 'ro', 'L1 entry latency, high bit'),
    L1_ENTRY_LATENCY: bits(26, 25, 'ro', 'L1 entry latency, low bits'),
    L1_ACT_WITHOUT_L0S_RX: bit(27, 'rw', 'L1 while the receiver is not in L0s', { inert: true }),
    REST: bits(31, 28, 'rw', 'Link options', { inert: true }),
    LOW: bits(21, 10, 'rw', 'Link options', { inert: true }),
    MIDDLE: bits(8, 6, 'rw', 'Link options', { inert: true }),
    BIT24: bit(24, 'rw', 'Link option', { inert: true }),
  },
);
export const FUNCTAG = word('FUNCTAG', 0x5b08, 'rw', { doc: 'Function and tag', ref: '82574 §10.2.3' });
export const GSCL = word('GSCL', 0x5b10, 'rw', {
  doc: 'PCI Express statistic control 1 to 4',
  ref: '82574 §10.2.3',
  count: 4,
});
export const GSCN = word('GSCN', 0x5b20, 'rw', {
  doc: 'PCI Express statistic counters',
  ref: '82574 §10.2.3',
  count: 4,
});
export const FACTPS = reg(
  'FACTPS',
  0x5b30,
  { doc: 'Active function and power state', ref: '82574 §10.2.3', reset: 0x2000_0004 },
  {
    FUNC0_POWER: bits(1, 0, 'ro', 'Power state', { values: { 0: 'DR', 1: 'D0u', 2: 'D0a', 3: 'D3' } }),
    LAN0_VALID: bit(2, 'ro', 'The LAN function is there'),
    FUNC0_AUX_EN: bit(3, 'ro', 'Auxiliary power'),
    MNGCG: bit(29, 'ro', 'Management clock gated'),
    PM_STATE_CHANGED: bit(31, 'rc', 'The power state has changed'),
  },
);
export const SWSM = reg(
  'SWSM',
  0x5b50,
  { doc: 'Software semaphore', ref: '82574 §10.2.3', volatile: true },
  {
    SMBI: bit(0, 'rw', 'Set by reading; who reads 0 has the semaphore and clears it when done'),
    SWESMBI: bit(1, 'rw', 'Software asks for the semaphore it shares with firmware; reads 1 when it has it'),
    WMNG: bit(2, 'rw', 'Wake the management clock', { inert: true }),
    DRV_LOAD: bit(3, 'rw', 'A driver runs the chip', { inert: true }),
  },
);
export const FWSM = reg(
  'FWSM',
  0x5b54,
  { doc: 'Firmware semaphore; the chip has no firmware', ref: '82574 §10.2.3' },
  {
    EEP_FW_SEMAPHORE: bit(0, 'ro', 'Firmware has the semaphore'),
    FW_MODE: bits(3, 1, 'ro', 'What firmware runs', { values: { 0: 'none' } }),
  },
);
export const GCR2 = word('GCR2', 0x5b64, 'rw', { doc: 'PCI Express control 2', ref: '82574 §10.2.3' });
export const PBACLR = word('PBACLR', 0x5b68, 'wo', {
  doc: 'Clears pending bits of MSI-X vectors',
  ref: '82574 §10.2.10',
  bits: 5,
});
