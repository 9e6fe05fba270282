/* A PC as far as this kernel needs one: a serial line, a clock, a switch. And what a C library would have. */
#include "kernel.h"
#include "ports.h"
#include <stdarg.h>

void putch(char c) {
  while (!(inb(0x3fd) & 0x20)) /* COM1: transmitter not empty */
    ;
  outb(0x3f8, c);
}

static void hex(uint32_t value, int digits) {
  while (digits--) putch("0123456789abcdef"[value >> digits * 4 & 15]);
}

static void decimal(uint32_t value) {
  if (value >= 10) decimal(value / 10);
  putch('0' + value % 10);
}

void print(const char *format, ...) {
  va_list args;
  va_start(args, format);
  for (; *format; format++) {
    if (*format != '%') {
      putch(*format);
      continue;
    }
    switch (*++format) {
    case 's':
      for (const char *s = va_arg(args, const char *); *s; s++) putch(*s);
      break;
    case 'd':
      decimal(va_arg(args, uint32_t));
      break;
    case 'x':
      hex(va_arg(args, uint32_t), 8);
      break;
    case 'm': {
      const uint8_t *mac = va_arg(args, const uint8_t *);
      for (int i = 0; i < 6; i++) {
        if (i) putch(':');
        hex(mac[i], 2);
      }
      break;
    }
    case 'i': {
      const uint8_t *address = va_arg(args, const uint8_t *);
      for (int i = 0; i < 4; i++) {
        if (i) putch('.');
        decimal(address[i]);
      }
      break;
    }
    }
  }
  va_end(args);
}

/* Channel 2 of the PIT counts down once at 1.193182 MHz; bit 5 of port 0x61 rises when it is done. */
void delay_us(uint32_t us) {
  uint32_t ticks = us * 1193 / 1000 + 1;
  outb(0x61, (inb(0x61) & ~2) | 1);
  outb(0x43, 0xb0);
  outb(0x42, ticks);
  outb(0x42, ticks >> 8);
  while (!(inb(0x61) & 0x20))
    ;
}

void shut_down(void) {
  outw(0x604, 0x2000); /* PM1a_CNT of QEMU's machines: S5 */
  for (;;) __asm__ volatile("hlt");
}

void *memcpy(void *to, const void *from, __SIZE_TYPE__ bytes) {
  for (__SIZE_TYPE__ i = 0; i < bytes; i++) ((uint8_t *)to)[i] = ((const uint8_t *)from)[i];
  return to;
}

void *memset(void *to, int value, __SIZE_TYPE__ bytes) {
  for (__SIZE_TYPE__ i = 0; i < bytes; i++) ((uint8_t *)to)[i] = value;
  return to;
}

int memcmp(const void *a, const void *b, __SIZE_TYPE__ bytes) {
  const uint8_t *x = a, *y = b;
  for (__SIZE_TYPE__ i = 0; i < bytes; i++)
    if (x[i] != y[i]) return x[i] - y[i];
  return 0;
}
