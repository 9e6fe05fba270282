/** virtio 1.2: transport over PCI, split virtqueues, and the network device. Source: OASIS virtio 1.2. */
import { bit, bits, reg, registerMap, word } from './define.js';

const w8 = { width: 8 } as const;
const w16 = { width: 16 } as const;

/** Vendor capability of a virtio function (§4.1.4): offsets from the capability's start. */
export const VIRTIO_CAP_LEN = word('CAP_LEN', 2, 'ro', {
  ...w8,
  doc: 'Length of this capability',
  ref: 'virtio 1.2 §4.1.4',
  volatile: true,
});
export const VIRTIO_CFG_TYPE = reg(
  'CFG_TYPE',
  3,
  { ...w8, doc: 'What the capability points at', ref: 'virtio 1.2 §4.1.4', volatile: true },
  {
    TYPE: bits(7, 0, 'ro', 'Structure', {
      values: { 1: 'common', 2: 'notify', 3: 'isr', 4: 'device', 5: 'pci-cfg', 8: 'shared memory' },
    }),
  },
);
export const VIRTIO_CAP_BAR = word('CAP_BAR', 4, 'rw', { ...w8, doc: 'BAR', ref: 'virtio 1.2 §4.1.4', volatile: true });
export const VIRTIO_CAP_ID = word('CAP_SHM_ID', 5, 'ro', { ...w8, doc: 'Which of several', ref: 'virtio 1.2 §4.1.4' });
export const VIRTIO_CAP_OFFSET = word('CAP_OFFSET', 8, 'rw', {
  doc: 'Offset in the BAR',
  ref: 'virtio 1.2 §4.1.4',
  volatile: true,
});
export const VIRTIO_CAP_LENGTH = word('CAP_LENGTH', 12, 'rw', {
  doc: 'Length of the structure',
  ref: 'virtio 1.2 §4.1.4',
  volatile: true,
});
/** Only in the notify capability. */
export const VIRTIO_NOTIFY_MULT = word('NOTIFY_OFF_MULTIPLIER', 16, 'ro', {
  doc: 'Bytes per queue_notify_off',
  ref: 'virtio 1.2 §4.1.4.4',
  volatile: true,
});
/** Only in the pci-cfg capability: window onto the BAR. */
export const VIRTIO_PCI_CFG_DATA = word('PCI_CFG_DATA', 16, 'rw', {
  doc: 'Data window',
  ref: 'virtio 1.2 §4.1.4.9',
  volatile: true,
});

export const DEVICE_FEATURE_SELECT = word('DEVICE_FEATURE_SELECT', 0x00, 'rw', {
  doc: 'Which 32 feature bits DEVICE_FEATURE shows',
  ref: 'virtio 1.2 §4.1.4.3',
});
export const DEVICE_FEATURE = word('DEVICE_FEATURE', 0x04, 'ro', {
  doc: 'Features offered',
  ref: 'virtio 1.2 §4.1.4.3',
  volatile: true,
});
export const DRIVER_FEATURE_SELECT = word('DRIVER_FEATURE_SELECT', 0x08, 'rw', {
  doc: 'Which 32 feature bits DRIVER_FEATURE shows',
  ref: 'virtio 1.2 §4.1.4.3',
});
export const DRIVER_FEATURE = word('DRIVER_FEATURE', 0x0c, 'rw', {
  doc: 'Features accepted',
  ref: 'virtio 1.2 §4.1.4.3',
});
export const CONFIG_MSIX_VECTOR = word('CONFIG_MSIX_VECTOR', 0x10, 'rw', {
  ...w16,
  doc: 'Vector of configuration changes; FFFF none',
  ref: 'virtio 1.2 §4.1.4.3',
  reset: 0xffff,
});
export const NUM_QUEUES = word('NUM_QUEUES', 0x12, 'ro', {
  ...w16,
  doc: 'Queues',
  ref: 'virtio 1.2 §4.1.4.3',
  volatile: true,
});
export const DEVICE_STATUS = reg(
  'DEVICE_STATUS',
  0x14,
  { ...w8, doc: 'How far the driver has come; writing 0 resets', ref: 'virtio 1.2 §2.1' },
  {
    ACKNOWLEDGE: bit(0, 'rw', 'The guest has found the device'),
    DRIVER: bit(1, 'rw', 'It has a driver'),
    DRIVER_OK: bit(2, 'rw', 'The driver is ready'),
    FEATURES_OK: bit(3, 'rw', 'Features are settled'),
    NEEDS_RESET: bit(6, 'ro', 'The device cannot go on'),
    FAILED: bit(7, 'rw', 'The driver gave up'),
  },
);
export const CONFIG_GENERATION = word('CONFIG_GENERATION', 0x15, 'ro', {
  ...w8,
  doc: 'Changes with the device configuration',
  ref: 'virtio 1.2 §4.1.4.3',
});
export const QUEUE_SELECT = word('QUEUE_SELECT', 0x16, 'rw', {
  ...w16,
  doc: 'Which queue the registers below show',
  ref: 'virtio 1.2 §4.1.4.3',
});
export const QUEUE_SIZE = word('QUEUE_SIZE', 0x18, 'rw', {
  ...w16,
  doc: 'Entries; 0: no such queue',
  ref: 'virtio 1.2 §4.1.4.3',
  volatile: true,
});
export const QUEUE_MSIX_VECTOR = word('QUEUE_MSIX_VECTOR', 0x1a, 'rw', {
  ...w16,
  doc: 'Vector of the queue; FFFF none',
  ref: 'virtio 1.2 §4.1.4.3',
  reset: 0xffff,
});
export const QUEUE_ENABLE = word('QUEUE_ENABLE', 0x1c, 'rw', {
  ...w16,
  doc: '1: the queue runs',
  ref: 'virtio 1.2 §4.1.4.3',
});
export const QUEUE_NOTIFY_OFF = word('QUEUE_NOTIFY_OFF', 0x1e, 'ro', {
  ...w16,
  doc: 'Where to notify, in multipliers',
  ref: 'virtio 1.2 §4.1.4.3',
  volatile: true,
});
export const QUEUE_DESC_LOW = word('QUEUE_DESC_LOW', 0x20, 'rw', {
  doc: 'Descriptor table, low',
  ref: 'virtio 1.2 §4.1.4.3',
});
export const QUEUE_DESC_HIGH = word('QUEUE_DESC_HIGH', 0x24, 'rw', {
  doc: 'Descriptor table, high',
  ref: 'virtio 1.2 §4.1.4.3',
});
export const QUEUE_DRIVER_LOW = word('QUEUE_DRIVER_LOW', 0x28, 'rw', {
  doc: 'Available ring, low',
  ref: 'virtio 1.2 §4.1.4.3',
});
export const QUEUE_DRIVER_HIGH = word('QUEUE_DRIVER_HIGH', 0x2c, 'rw', {
  doc: 'Available ring, high',
  ref: 'virtio 1.2 §4.1.4.3',
});
export const QUEUE_DEVICE_LOW = word('QUEUE_DEVICE_LOW', 0x30, 'rw', {
  doc: 'Used ring, low',
  ref: 'virtio 1.2 §4.1.4.3',
});
export const QUEUE_DEVICE_HIGH = word('QUEUE_DEVICE_HIGH', 0x34, 'rw', {
  doc: 'Used ring, high',
  ref: 'virtio 1.2 §4.1.4.3',
});

/** Common configuration structure. */
export const commonMap = registerMap('virtio', 'common', 0x38, [8, 16, 32], {
  DEVICE_FEATURE_SELECT,
  DEVICE_FEATURE,
  DRIVER_FEATURE_SELECT,
  DRIVER_FEATURE,
  CONFIG_MSIX_VECTOR,
  NUM_QUEUES,
  DEVICE_STATUS,
  CONFIG_GENERATION,
  QUEUE_SELECT,
  QUEUE_SIZE,
  QUEUE_MSIX_VECTOR,
  QUEUE_ENABLE,
  QUEUE_NOTIFY_OFF,
  QUEUE_DESC_LOW,
  QUEUE_DESC_HIGH,
  QUEUE_DRIVER_LOW,
  QUEUE_DRIVER_HIGH,
  QUEUE_DEVICE_LOW,
  QUEUE_DEVICE_HIGH,
});

export const ISR = reg(
  'ISR',
  0x00,
  { ...w8, doc: 'Why INTx is asserted; reading clears and lowers it', ref: 'virtio 1.2 §4.1.4.5' },
  {
    QUEUE: bit(0, 'rc', 'A queue has used buffers'),
    CONFIG: bit(1, 'rc', 'The configuration changed'),
  },
);
/** ISR structure. */
export const isrMap = registerMap('virtio', 'isr', 4, [8], { ISR });

/** Doorbells, one for each queue, at a multiplier of 4. */
export const NOTIFY = word('NOTIFY', 0x00, 'wo', {
  doc: 'Number of the queue that has new buffers',
  ref: 'virtio 1.2 §4.1.4.4',
  width: 16,
  count: 64,
  stride: 4,
});
/** Notification structure. */
export const notifyMap = registerMap('virtio', 'notify', 0x100, [16, 32], { NOTIFY });

/** Feature bits of any virtio device, as bit numbers (§6). */
export const FEATURE = {
  INDIRECT_DESC: 28,
  EVENT_IDX: 29,
  VERSION_1: 32,
  ACCESS_PLATFORM: 33,
  RING_PACKED: 34,
  IN_ORDER: 35,
  ORDER_PLATFORM: 36,
  NOTIFICATION_DATA: 38,
  RING_RESET: 40,
} as const;
/** Feature bits of the network device, as bit numbers (§5.1.3). */
export const NET_FEATURE = {
  CSUM: 0,
  GUEST_CSUM: 1,
  CTRL_GUEST_OFFLOADS: 2,
  MTU: 3,
  MAC: 5,
  GUEST_TSO4: 7,
  GUEST_TSO6: 8,
  GUEST_ECN: 9,
  GUEST_UFO: 10,
  HOST_TSO4: 11,
  HOST_TSO6: 12,
  HOST_ECN: 13,
  HOST_UFO: 14,
  MRG_RXBUF: 15,
  STATUS: 16,
  CTRL_VQ: 17,
  CTRL_RX: 18,
  CTRL_VLAN: 19,
  CTRL_RX_EXTRA: 20,
  GUEST_ANNOUNCE: 21,
  MQ: 22,
  CTRL_MAC_ADDR: 23,
  SPEED_DUPLEX: 63,
} as const;

export const NET_MAC = word('MAC', 0x00, 'ro', {
  ...w8,
  doc: 'Station address',
  ref: 'virtio 1.2 §5.1.4',
  count: 6,
  volatile: true,
});
export const NET_STATUS = reg(
  'STATUS',
  0x06,
  { ...w16, doc: 'Status', ref: 'virtio 1.2 §5.1.4', volatile: true },
  {
    LINK_UP: bit(0, 'ro', 'The link is up'),
    ANNOUNCE: bit(1, 'ro', 'The driver is asked to announce itself'),
  },
);
export const NET_MAX_PAIRS = word('MAX_VIRTQUEUE_PAIRS', 0x08, 'ro', {
  ...w16,
  doc: 'Queue pairs',
  ref: 'virtio 1.2 §5.1.4',
  volatile: true,
});
export const NET_MTU = word('MTU', 0x0a, 'ro', {
  ...w16,
  doc: 'Largest IP packet the driver should use',
  ref: 'virtio 1.2 §5.1.4',
  volatile: true,
});
export const NET_SPEED = word('SPEED', 0x0c, 'ro', {
  doc: 'Mbit/s; FFFFFFFF unknown',
  ref: 'virtio 1.2 §5.1.4',
  volatile: true,
});
export const NET_DUPLEX = word('DUPLEX', 0x10, 'ro', {
  ...w8,
  doc: '1 full, 0 half, FF unknown',
  ref: 'virtio 1.2 §5.1.4',
  volatile: true,
});
/** Network device configuration structure. */
export const netConfigMap = registerMap('virtio-net', 'device', 0x18, [8, 16, 32], {
  NET_MAC,
  NET_STATUS,
  NET_MAX_PAIRS,
  NET_MTU,
  NET_SPEED,
  NET_DUPLEX,
});

/** Split virtqueue: sizes and offsets (§2.7). */
export const VRING = { DESC_BYTES: 16, AVAIL_HEADER: 4, USED_HEADER: 4, USED_ELEM_BYTES: 8 } as const;
export const VRING_DESC_ADDRL = word('DESC_ADDRL', 0, 'rw', { doc: 'Buffer address, low', ref: 'virtio 1.2 §2.7.5' });
export const VRING_DESC_ADDRH = word('DESC_ADDRH', 4, 'rw', { doc: 'Buffer address, high', ref: 'virtio 1.2 §2.7.5' });
export const VRING_DESC_LEN = word('DESC_LEN', 8, 'rw', { doc: 'Buffer bytes', ref: 'virtio 1.2 §2.7.5' });
export const VRING_DESC_FLAGS = reg(
  'DESC_FLAGS',
  12,
  { doc: 'Flags and next', ref: 'virtio 1.2 §2.7.5' },
  {
    NEXT: bit(0, 'rw', 'The chain goes on at NEXT_INDEX'),
    WRITE: bit(1, 'rw', 'The device writes this buffer'),
    INDIRECT: bit(2, 'rw', 'The buffer is a table of descriptors'),
    NEXT_INDEX: bits(31, 16, 'rw', 'Next descriptor'),
  },
);
/** First half-word of the available ring. */
export const AVAIL_NO_INTERRUPT = 1;
/** First half-word of the used ring. */
export const USED_NO_NOTIFY = 1;

/** Header before every frame (§5.1.6), 12 bytes with MRG_RXBUF or VERSION_1. */
export const NET_HDR_BYTES = 12;
export const NET_HDR = reg(
  'NET_HDR',
  0,
  { doc: 'Flags, GSO type, header length', ref: 'virtio 1.2 §5.1.6' },
  {
    NEEDS_CSUM: bit(0, 'rw', 'Checksum from csum_start on, to csum_offset'),
    DATA_VALID: bit(1, 'rw', 'Checksums were verified'),
    GSO_TYPE: bits(15, 8, 'rw', 'Segmentation', {
      values: { 0: 'none', 1: 'TCPv4', 3: 'UDP', 4: 'TCPv6', 5: 'UDP_L4' },
    }),
    HDR_LEN: bits(31, 16, 'rw', 'Bytes of headers'),
  },
);
export const NET_HDR_GSO = reg(
  'NET_HDR_GSO',
  4,
  { doc: 'Segment size, checksum start', ref: 'virtio 1.2 §5.1.6' },
  {
    GSO_SIZE: bits(15, 0, 'rw', 'Payload bytes of a segment'),
    CSUM_START: bits(31, 16, 'rw', 'Where summing starts'),
  },
);
export const NET_HDR_BUFFERS = reg(
  'NET_HDR_BUFFERS',
  8,
  { doc: 'Checksum offset, buffers', ref: 'virtio 1.2 §5.1.6' },
  {
    CSUM_OFFSET: bits(15, 0, 'rw', 'From csum_start to the field'),
    NUM_BUFFERS: bits(31, 16, 'rw', 'Buffers this frame was spread over'),
  },
);

/** Control queue (§5.1.6.5): class and command in the first two bytes; the answer is one byte. */
export const CTRL = {
  OK: 0,
  ERR: 1,
  RX: 0,
  RX_PROMISC: 0,
  RX_ALLMULTI: 1,
  RX_ALLUNI: 2,
  RX_NOMULTI: 3,
  RX_NOUNI: 4,
  RX_NOBCAST: 5,
  MAC: 1,
  MAC_TABLE_SET: 0,
  MAC_ADDR_SET: 1,
  VLAN: 2,
  VLAN_ADD: 0,
  VLAN_DEL: 1,
  ANNOUNCE: 3,
  ANNOUNCE_ACK: 0,
  MQ: 4,
  MQ_PAIRS_SET: 0,
} as const;
/** PCI identity. */
export const VIRTIO_VENDOR = 0x1af4;
export const VIRTIO_NET_MODERN = 0x1041;
export const VIRTIO_NET_TRANSITIONAL = 0x1000;
