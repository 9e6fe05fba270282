/* What the parts of this little kernel tell each other. */
#ifndef KERNEL_H
#define KERNEL_H
#include <stdint.h>

/* machine.c: a PC */
void putch(char c);
void print(const char *format, ...); /* %s %d %x (8 digits) %m (station address) %i (IPv4 address) */
void delay_us(uint32_t us);          /* at most 50000 */
void shut_down(void);

/* pci.c */
struct function {
  uint8_t bus, device, function;
  uint16_t vendor, id;
};
int find_function(uint16_t vendor, uint16_t id, struct function *found);
uint32_t config_read(const struct function *f, uint32_t at);
void config_write(const struct function *f, uint32_t at, uint32_t value);

/* intel.c or realtek.c: 0 is good, anything else was told on the serial line */
extern const uint16_t nic_vendor, nic_device;
struct nic {
  volatile uint8_t *regs;
  uint8_t mac[6];
};
int nic_open(struct nic *nic, const struct function *f);
int nic_wait_for_link(struct nic *nic);
int nic_send(struct nic *nic, const void *frame, uint32_t bytes);
uint32_t nic_receive(struct nic *nic, void *frame, uint32_t room); /* bytes of the frame; 0: there is none */

/* True when the kernel was built to make this mistake; see intel-mistakes.h and realtek-mistakes.h. */
#ifndef BUILD_MISTAKE
#define BUILD_MISTAKE NONE
#endif
#define MISTAKE(which) (BUILD_MISTAKE == which)

/* Without a C library. */
void *memcpy(void *to, const void *from, __SIZE_TYPE__ bytes);
void *memset(void *to, int value, __SIZE_TYPE__ bytes);
int memcmp(const void *a, const void *b, __SIZE_TYPE__ bytes);
#endif
