/* A driver for Realtek's RTL8168H and RTL8125B: polled, 16-byte descriptors, no offloads. CHIP_RTL8125B marks where the two
   differ. Realtek has no public datasheet of either; sections are those of the RTL8169's, whose register file both still have,
   and "r8169" is Linux's driver, from which the rest is known.

   MISTAKE(X) is 0 unless the Makefile is told MISTAKE=X: each is a classic error, and the model names it. */
#include "kernel.h"
#include "nic-regs.h"
#include "pci-regs.h"
#include "realtek-mistakes.h"

#define RING 8 /* descriptors; up to 1024 */
#define BUFFER 2048

#ifdef CHIP_RTL8125B
const uint16_t nic_vendor = 0x10ec, nic_device = 0x8125;
#else
const uint16_t nic_vendor = 0x10ec, nic_device = 0x8168;
#endif

struct descriptor {
  volatile uint32_t opts1, opts2, low, high; /* RXD_ and TXD_: command and length or status, tag and checksums, address */
};

/* A ring begins at a multiple of 256 bytes (RTL8169, RDSAR). */
static struct descriptor rx_ring[RING] __attribute__((aligned(256)));
static struct descriptor tx_ring[RING + 1] __attribute__((aligned(256)));
static struct descriptor other_ring[RING] __attribute__((aligned(256))); /* for a mistake */
static uint8_t rx_buffer[RING][BUFFER] __attribute__((aligned(8)));
static uint8_t tx_buffer[RING][BUFFER] __attribute__((aligned(8)));
static uint32_t rx_next, tx_next;

/* Registers are 8, 16 or 32 bits wide, and have to be accessed like that. */
static uint8_t read8(struct nic *nic, uint32_t at) { return *(volatile uint8_t *)(nic->regs + at); }
static void write8(struct nic *nic, uint32_t at, uint32_t value) { *(volatile uint8_t *)(nic->regs + at) = value; }
static void write16(struct nic *nic, uint32_t at, uint32_t value) { *(volatile uint16_t *)(nic->regs + at) = value; }
static uint32_t read32(struct nic *nic, uint32_t at) { return *(volatile uint32_t *)(nic->regs + at); }
static void write32(struct nic *nic, uint32_t at, uint32_t value) { *(volatile uint32_t *)(nic->regs + at) = value; }

static int wait8(struct nic *nic, const char *name, uint32_t at, uint32_t mask, uint32_t want, uint32_t ms) {
  uint32_t value = 0;
  for (uint32_t i = 0; i < ms * 10; i++) {
    value = read8(nic, at);
    if ((value & mask) == want) return 0;
    delay_us(100);
  }
  print("%s stays %x: bits %x should be %x\n", name, value, mask, want);
  return -1;
}

/* A register of the PHY through PHYAR. FLAG turns over when it is done: to 0 after a write, to 1 after a read. */
static int phy(struct nic *nic, uint32_t command, uint32_t done, uint32_t *data) {
  write32(nic, PHYAR, command);
  if (MISTAKE(PHY_BUSY)) write32(nic, PHYAR, command);
  for (int i = 0; i < 100; i++) {
    delay_us(20);
    *data = read32(nic, PHYAR);
    if ((*data & PHYAR_FLAG) != done) continue;
    *data &= PHYAR_DATA;
    delay_us(20); /* it wants a rest before the next command */
    return 0;
  }
  print("PHYAR stays %x\n", *data);
  return -1;
}

static int phy_read(struct nic *nic, uint32_t reg, uint32_t *value) {
  return phy(nic, reg << PHYAR_REG_SHIFT, PHYAR_FLAG, value);
}

static int phy_write(struct nic *nic, uint32_t reg, uint32_t value) {
  return phy(nic, PHYAR_FLAG | reg << PHYAR_REG_SHIFT | value, 0, &value);
}

/* Clause 22 registers by number: the declarations give their place behind the other window, GPHY_OCP. */
#define MII(reg) (((reg) - BMCR) / 2)

static int start_negotiation(struct nic *nic) {
  uint32_t advertise, gigabit;
  if (phy_read(nic, MII(ADVERTISE), &advertise) || phy_read(nic, MII(CTRL1000), &gigabit)) return -1;
  advertise |= ADVERTISE_HALF10 | ADVERTISE_FULL10 | ADVERTISE_HALF100 | ADVERTISE_FULL100;
  if (phy_write(nic, MII(ADVERTISE), advertise) || phy_write(nic, MII(CTRL1000), gigabit | CTRL1000_FULL)) return -1;
  return phy_write(nic, MII(BMCR), BMCR_ANENABLE | BMCR_ANRESTART);
}

/* OWN gives a descriptor to the chip; EOR tells it where to go back to the first one: there is no length register. */
static void give(int i) {
  rx_ring[i].opts2 = 0;
  __asm__ volatile("" ::: "memory");
  uint32_t bytes = MISTAKE(RX_BUFFER_EMPTY) ? 0 : BUFFER;
  rx_ring[i].opts1 = RXD_COMMAND_OWN | (i == RING - 1 ? RXD_COMMAND_EOR : 0) | bytes;
}

static void set_up_rings(struct nic *nic) {
  for (int i = 0; i < RING; i++) {
    rx_ring[i].low = (uint32_t)rx_buffer[i];
    rx_ring[i].high = 0;
    give(i);
  }
  memset(tx_ring, 0, sizeof tx_ring);
  tx_ring[RING - 1].opts1 = TXD_OPTS1_EOR;
  rx_next = tx_next = 0;
  /* The high half first: the low one makes the chip take both (r8169 rtl_set_rx_tx_desc_registers). */
  write32(nic, RDSAR_HI, 0);
  write32(nic, RDSAR_LO, (uint32_t)rx_ring);
  if (MISTAKE(NO_TRANSMIT_RING)) return;
  write32(nic, TNPDS_HI, 0);
  write32(nic, TNPDS_LO, (uint32_t)tx_ring + (MISTAKE(RING_ALIGNMENT) ? 16 : 0));
}

int nic_open(struct nic *nic, const struct function *f) {
  uint32_t command = PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_INTX_DISABLE;
  if (MISTAKE(NO_BUS_MASTER)) command &= ~PCI_COMMAND_MASTER;
  config_write(f, PCI_COMMAND, command);
  nic->regs = (uint8_t *)(config_read(f, PCI_BAR(2)) & ~15u); /* BAR 0 is the same in I/O space */
  print("registers at %x\n", (uint32_t)nic->regs);

  /* Interrupts off, then a reset: CR.RST clears itself (RTL8169, register 37h). */
#ifdef CHIP_RTL8125B
  write32(nic, IMR, 0);
#else
  write16(nic, IMR, 0);
#endif
  write8(nic, CR, CR_RST);
  if (wait8(nic, "CR", CR, CR_RST, 0, 10)) return -1;

  /* The chip has loaded its station address by itself. */
  uint32_t low = read32(nic, IDR0), high = read32(nic, IDR4);
  memcpy(nic->mac, &low, 4);
  memcpy(nic->mac + 4, &high, 2);
  if (MISTAKE(LOCKED)) write8(nic, CONFIG5, CONFIG5_UWF);
  if (MISTAKE(UNKNOWN_REGISTER)) write8(nic, 0x9c, 0);
  if (start_negotiation(nic)) return -1;

  /* A driver that was here before may have left the gate behind the PHY shut: nothing comes in then, and nothing tells. */
  write32(nic, MISC, read32(nic, MISC) & ~MISC_RXDV_GATED_EN);
  write16(nic, CPCR, CPCR_NORMAL_MODE);
  if (!MISTAKE(NO_LONGEST_FRAME)) write16(nic, RMS, BUFFER); /* it comes up as 0: nothing would come in */
  set_up_rings(nic);
  write8(nic, CR, CR_TE | CR_RE | (MISTAKE(RESERVED_BIT) ? 2 : 0));
  if (MISTAKE(RING_WHILE_ENABLED)) write32(nic, TNPDS_LO, (uint32_t)other_ring);
  write32(nic, TXCFG, 7u << TXCFG_MXDMA_SHIFT | 3u << TXCFG_IFG_SHIFT);
  write32(nic, RCR, 7u << RCR_MXDMA_SHIFT | RCR_APM | RCR_AB);
  if (MISTAKE(DOORBELL_WHILE_OFF)) write8(nic, CR, CR_RE);
  return 0;
}

int nic_wait_for_link(struct nic *nic) {
  return wait8(nic, "PHYSTATUS", PHYSTATUS, PHYSTATUS_LINKSTS, PHYSTATUS_LINKSTS, 5000);
}

int nic_send(struct nic *nic, const void *frame, uint32_t bytes) {
  struct descriptor *d = &tx_ring[tx_next];
  memcpy(tx_buffer[tx_next], frame, bytes);
  uint32_t command = TXD_OPTS1_OWN | TXD_OPTS1_FS | TXD_OPTS1_LS | bytes; /* the chip pads, and appends the FCS */
  if (tx_next == RING - 1 && !MISTAKE(NO_END_OF_RING)) command |= TXD_OPTS1_EOR;
  if (MISTAKE(NO_FIRST)) command &= ~TXD_OPTS1_FS;
  if (MISTAKE(NO_LAST)) command &= ~TXD_OPTS1_LS;
  if (MISTAKE(EMPTY_BUFFER)) command &= ~TXD_OPTS1_LEN;
  if (MISTAKE(PACKET_TOO_LONG)) command |= TXD_OPTS1_LEN;
  uint32_t address = (uint32_t)tx_buffer[tx_next];
  if (MISTAKE(VIRTUAL_ADDRESS)) address += 0xc0000000; /* where many kernels map themselves */
  d->low = address;
  d->high = 0;
  d->opts2 = MISTAKE(CHECKSUM_OUTSIDE) ? TXD_OPTS2_TCP_CS | 900u << TXD_OPTS2_TCPHO_SHIFT : 0;
  /* OWN last: the chip may look at any time. x86 keeps the order, the compiler must be told. */
  __asm__ volatile("" ::: "memory");
  d->opts1 = command;
  tx_next = (tx_next + 1) % RING;
#ifdef CHIP_RTL8125B
  write16(nic, TPPOLL, TPPOLL_Q0);
#else
  write8(nic, TPPOLL, TPPOLL_NPQ);
#endif
  for (int i = 0; i < 1000; i++) {
    if (!(d->opts1 & TXD_STATUS_OWN)) return 0;
    delay_us(100);
  }
  print("the frame is not sent: the descriptor's first word is %x\n", d->opts1);
  return -1;
}

uint32_t nic_receive(struct nic *nic, void *frame, uint32_t room) {
  (void)nic;
  uint32_t status = rx_ring[rx_next].opts1;
  if (status & RXD_OPTS1_OWN) return 0;
  uint32_t bytes = (status & RXD_OPTS1_LEN) - 4; /* the FCS is counted, and is in the buffer */
  /* A frame in several buffers, or a damaged one, is not for us. */
  int whole = (status & RXD_OPTS1_FS) && (status & RXD_OPTS1_LS);
  int good = whole && !(status & RXD_OPTS1_RES) && bytes <= room;
  if (good) memcpy(frame, rx_buffer[rx_next], bytes);
  give(rx_next); /* no register to write: the chip sees OWN when it needs the descriptor */
  rx_next = (rx_next + 1) % RING;
  return good ? bytes : 0;
}
