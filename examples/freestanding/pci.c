/* Configuration space through ports 0xcf8 and 0xcfc (PCI 3.0 §3.2.2.3.2). The firmware has assigned buses and BARs. */
#include "kernel.h"
#include "pci-regs.h"
#include "ports.h"

static uint32_t place(const struct function *f, uint32_t at) {
  return 1u << 31 | f->bus << 16 | f->device << 11 | f->function << 8 | (at & 0xfc);
}

uint32_t config_read(const struct function *f, uint32_t at) {
  outl(0xcf8, place(f, at));
  return inl(0xcfc);
}

void config_write(const struct function *f, uint32_t at, uint32_t value) {
  outl(0xcf8, place(f, at));
  outl(0xcfc, value);
}

int find_function(uint16_t vendor, uint16_t id, struct function *found) {
  for (uint32_t i = 0; i < 16 * 32 * 8; i++) {
    struct function f = {.bus = i >> 8, .device = i >> 3 & 31, .function = i & 7};
    uint32_t both = config_read(&f, PCI_VENDOR_ID);
    f.vendor = both;
    f.id = both >> 16;
    if (f.vendor != vendor || f.id != id) continue;
    *found = f;
    return 1;
  }
  return 0;
}
