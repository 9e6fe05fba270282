/* A driver for Intel's 82540EM and 82574L: polled, legacy descriptors, no offloads. What the two share, which is nearly
   everything, is written once; CHIP_82574L marks the rest. Sections: 317453 (82540EM) and 317694 (82574L).

   MISTAKE(X) is 0 unless the Makefile is told MISTAKE=X: each is a classic error, and the model names it. */
#include "kernel.h"
#include "intel-mistakes.h"
#include "nic-regs.h"
#include "pci-regs.h"

#define RING 8 /* descriptors; 8 of 16 bytes are the unit of RDLEN and TDLEN */
#define BUFFER 2048

#ifdef CHIP_82574L
const uint16_t nic_vendor = 0x8086, nic_device = 0x10d3;
#define QUEUE(reg) reg##0 /* it has two */
#else
const uint16_t nic_vendor = 0x8086, nic_device = 0x100e;
#define QUEUE(reg) reg
#endif

struct descriptor {
  volatile uint32_t word[4]; /* in the order of RXD_ and TXD_: address, address, length and command, status */
};

static struct descriptor rx_ring[RING] __attribute__((aligned(128)));
static struct descriptor tx_ring[RING] __attribute__((aligned(128)));
static uint8_t rx_buffer[RING][BUFFER] __attribute__((aligned(16)));
static uint8_t tx_buffer[RING][BUFFER] __attribute__((aligned(16)));
static uint32_t rx_next, tx_next;

static uint32_t read32(struct nic *nic, uint32_t at) { return *(volatile uint32_t *)(nic->regs + at); }
static void write32(struct nic *nic, uint32_t at, uint32_t value) { *(volatile uint32_t *)(nic->regs + at) = value; }

/* Waits until the bits under `mask` are `want`, at most `ms` milliseconds. */
static int wait_for(struct nic *nic, const char *name, uint32_t at, uint32_t mask, uint32_t want, uint32_t ms) {
  uint32_t value = 0;
  for (uint32_t i = 0; i < ms * 10; i++) {
    value = read32(nic, at);
    if ((value & mask) == want) return 0;
    delay_us(100);
  }
  print("%s stays %x: bits %x should be %x\n", name, value, mask, want);
  return -1;
}

static void set_up_receiver(struct nic *nic) {
  for (int i = 0; i < RING; i++) {
    rx_ring[i].word[0] = (uint32_t)rx_buffer[i];
    rx_ring[i].word[1] = rx_ring[i].word[2] = rx_ring[i].word[3] = 0;
  }
  rx_next = 0;
  write32(nic, QUEUE(RDBAL), (uint32_t)rx_ring);
  write32(nic, QUEUE(RDBAH), 0);
  write32(nic, QUEUE(RDLEN), sizeof rx_ring + (MISTAKE(RING_LENGTH) ? 16 : 0));
  write32(nic, QUEUE(RDH), 0);
  write32(nic, RCTL, RCTL_EN | RCTL_BAM | RCTL_BSIZE_2048 | RCTL_SECRC);
  /* The tail is the first descriptor that is NOT the chip's: one must stay behind, or full looks like empty. */
  write32(nic, QUEUE(RDT), MISTAKE(TAIL_BEYOND_RING) ? RING : RING - 1);
}

static void set_up_transmitter(struct nic *nic) {
  memset(tx_ring, 0, sizeof tx_ring);
  tx_next = 0;
  if (MISTAKE(TRANSMITTER_BEFORE_RING)) write32(nic, TCTL, TCTL_EN | TCTL_PSP);
  write32(nic, QUEUE(TDBAL), (uint32_t)tx_ring);
  write32(nic, QUEUE(TDBAH), 0);
  write32(nic, QUEUE(TDLEN), sizeof tx_ring);
  write32(nic, QUEUE(TDH), 0);
  write32(nic, QUEUE(TDT), 0);
#ifdef CHIP_82574L
  /* Bit 22 must be set by software (317694 §10.2.6.8). */
  write32(nic, TXDCTL0, TXDCTL0_GRAN | TXDCTL0_COUNT_DESC);
#endif
  write32(nic, TIPG, 10u << TIPG_IPGT_SHIFT | 8u << TIPG_IPGR1_SHIFT | 6u << TIPG_IPGR2_SHIFT);
  uint32_t tctl = TCTL_EN | 15u << TCTL_CT_SHIFT | 63u << TCTL_COLD_SHIFT;
  if (!MISTAKE(NO_PADDING)) tctl |= TCTL_PSP;
  write32(nic, TCTL, tctl);
  if (MISTAKE(RING_WHILE_ENABLED)) write32(nic, QUEUE(TDLEN), sizeof tx_ring);
}

int nic_open(struct nic *nic, const struct function *f) {
  uint32_t command = PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_INTX_DISABLE;
  if (MISTAKE(NO_BUS_MASTER)) command &= ~PCI_COMMAND_MASTER;
  config_write(f, PCI_COMMAND, command);
  nic->regs = (uint8_t *)(config_read(f, PCI_BAR(0)) & ~15u);
  print("registers at %x\n", (uint32_t)nic->regs);

  /* Interrupts off, reset, interrupts off: a reset ends whatever the firmware's driver had begun (§14.3). */
  write32(nic, IMC, ~0u);
  write32(nic, CTRL, read32(nic, CTRL) | CTRL_RST);
  delay_us(1000);
  if (wait_for(nic, "CTRL", CTRL, CTRL_RST, 0, 10)) return -1;
  write32(nic, IMC, ~0u);
  read32(nic, ICR);

  /* The chip has copied its address out of the NVM. */
  uint32_t low = read32(nic, RAL(0)), high = read32(nic, RAH(0));
  if (!(high & RAH_AV)) {
    print("RAH[0] is %x: the NVM holds no valid station address\n", high);
    return -1;
  }
  memcpy(nic->mac, &low, 4);
  memcpy(nic->mac + 4, &high, 2);

  for (int i = 0; i < 128; i++) write32(nic, MTA(i), 0);
  write32(nic, CTRL, read32(nic, CTRL) | CTRL_SLU | CTRL_ASDE);

  if (MISTAKE(UNKNOWN_REGISTER)) write32(nic, 0x7000, 0);
  if (MISTAKE(NARROW_ACCESS)) (void)*(volatile uint16_t *)(nic->regs + STATUS);
  if (MISTAKE(NO_SUCH_PHY)) write32(nic, MDIC, MDIC_OP_READ | 9u << MDIC_PHYADD_SHIFT | 1u << MDIC_REGADD_SHIFT);
  if (MISTAKE(NVM_BEYOND_END)) write32(nic, EERD, EERD_START | EERD_ADDR);

  set_up_receiver(nic);
  set_up_transmitter(nic);
  return 0;
}

int nic_wait_for_link(struct nic *nic) { return wait_for(nic, "STATUS", STATUS, STATUS_LU, STATUS_LU, 5000); }

int nic_send(struct nic *nic, const void *frame, uint32_t bytes) {
  struct descriptor *d = &tx_ring[tx_next];
  memcpy(tx_buffer[tx_next], frame, bytes);
  uint32_t command = TXD_CMD_IFCS | TXD_CMD_RS | bytes;
  if (!MISTAKE(NO_END)) command |= TXD_CMD_EOP;
  if (MISTAKE(EMPTY_BUFFER)) command &= ~TXD_CMD_LENGTH;
  if (MISTAKE(PACKET_TOO_LONG)) command = (command & ~TXD_CMD_LENGTH) | 0x4000;
  if (MISTAKE(UNKNOWN_DESCRIPTOR)) command |= TXD_CMD_DEXT | 5u << TXD_DATA_DTYP_SHIFT;
  if (MISTAKE(CHECKSUM_OUTSIDE)) command |= TXD_CMD_IC | 200u << TXD_CMD_CSO_SHIFT;
  uint32_t address = (uint32_t)tx_buffer[tx_next];
  if (MISTAKE(VIRTUAL_ADDRESS)) address += 0xc0000000; /* where many kernels map themselves */
  d->word[0] = address;
  d->word[1] = 0;
  d->word[3] = 0;
  d->word[2] = command;
  /* The descriptor must be in memory before the tail is; x86 keeps the order, the compiler must be told. */
  __asm__ volatile("" ::: "memory");
  tx_next = (tx_next + 1) % RING;
  write32(nic, QUEUE(TDT), tx_next);
  for (int i = 0; i < 1000; i++) {
    if (d->word[3] & TXD_STATUS_DD) return 0;
    delay_us(100);
  }
  print("the frame is not sent: TDH %d, TDT %d\n", read32(nic, QUEUE(TDH)), read32(nic, QUEUE(TDT)));
  return -1;
}

uint32_t nic_receive(struct nic *nic, void *frame, uint32_t room) {
  struct descriptor *d = &rx_ring[rx_next];
  uint32_t status = d->word[3];
  if (!(status & RXD_STATUS_DD)) return 0;
  uint32_t bytes = d->word[2] & RXD_LENGTH_LENGTH;
  /* A frame in several buffers, or a damaged one, is not for us. */
  int good = (status & RXD_STATUS_EOP) && !(status & (RXD_STATUS_CE | RXD_STATUS_RXE)) && bytes <= room;
  if (good) memcpy(frame, rx_buffer[rx_next], bytes);
  d->word[3] = 0;
  write32(nic, QUEUE(RDT), rx_next); /* the chip may have this one again */
  rx_next = (rx_next + 1) % RING;
  return good ? bytes : 0;
}
