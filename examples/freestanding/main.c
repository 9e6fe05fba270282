/* Brings up the NIC, asks for the gateway's address by ARP (RFC 826), pings it (RFC 792), and says how it went. */
#include "kernel.h"

static const uint8_t us[4] = {10, 0, 2, 15}, gateway[4] = {10, 0, 2, 2};
static struct nic nic;
static uint8_t frame[1514], gateway_mac[6];

static void put16(uint8_t *at, uint32_t value) {
  at[0] = value >> 8;
  at[1] = value;
}

static uint32_t get16(const uint8_t *at) { return at[0] << 8 | at[1]; }

/* RFC 1071. */
static uint32_t checksum(const uint8_t *at, uint32_t bytes) {
  uint32_t sum = 0;
  for (uint32_t i = 0; i + 1 < bytes; i += 2) sum += get16(at + i);
  if (bytes & 1) sum += at[bytes - 1] << 8;
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return ~sum & 0xffff;
}

static void ethernet(const uint8_t *to, uint32_t type) {
  memcpy(frame, to, 6);
  memcpy(frame + 6, nic.mac, 6);
  put16(frame + 12, type);
}

/* Receives until `wanted` knows the frame, at most 2 s. */
static uint32_t expect(int (*wanted)(uint32_t bytes)) {
  for (int i = 0; i < 2000; i++) {
    for (uint32_t bytes; (bytes = nic_receive(&nic, frame, sizeof frame));)
      if (wanted(bytes)) return bytes;
    delay_us(1000);
  }
  return 0;
}

static int is_arp_reply(uint32_t bytes) {
  return bytes >= 42 && get16(frame + 12) == 0x0806 && get16(frame + 20) == 2 && !memcmp(frame + 28, gateway, 4);
}

static int is_echo_reply(uint32_t bytes) {
  return bytes >= 98 && get16(frame + 12) == 0x0800 && frame[14] == 0x45 && frame[23] == 1 && frame[34] == 0 &&
         checksum(frame + 14, 20) == 0 && checksum(frame + 34, 64) == 0;
}

static int arp(void) {
  static const uint8_t broadcast[6] = {255, 255, 255, 255, 255, 255};
  memset(frame, 0, sizeof frame);
  ethernet(broadcast, 0x0806);
  put16(frame + 14, 1);
  put16(frame + 16, 0x0800);
  frame[18] = 6;
  frame[19] = 4;
  put16(frame + 20, 1);
  memcpy(frame + 22, nic.mac, 6);
  memcpy(frame + 28, us, 4);
  memcpy(frame + 38, gateway, 4);
  if (nic_send(&nic, frame, 42)) return -1;
  if (!expect(is_arp_reply)) {
    print("no answer to ARP\n");
    return -1;
  }
  memcpy(gateway_mac, frame + 22, 6);
  print("%i is at %m\n", gateway, gateway_mac);
  return 0;
}

static int ping(uint32_t sequence) {
  memset(frame, 0, sizeof frame);
  ethernet(gateway_mac, 0x0800);
  uint8_t *ip = frame + 14, *icmp = ip + 20;
  ip[0] = 0x45;
  put16(ip + 2, 84);
  ip[8] = 64; /* time to live */
  ip[9] = 1;  /* ICMP */
  memcpy(ip + 12, us, 4);
  memcpy(ip + 16, gateway, 4);
  put16(ip + 10, checksum(ip, 20));
  icmp[0] = 8; /* echo request */
  put16(icmp + 6, sequence);
  for (int i = 0; i < 56; i++) icmp[8 + i] = i;
  put16(icmp + 2, checksum(icmp, 64));
  if (nic_send(&nic, frame, 98)) return -1;
  if (!expect(is_echo_reply) || get16(frame + 40) != sequence) {
    print("no answer to ping %d\n", sequence);
    return -1;
  }
  return 0;
}

static int run(void) {
  struct function f;
  if (!find_function(nic_vendor, nic_device, &f)) {
    print("there is no NIC %x:%x\n", nic_vendor, nic_device);
    return -1;
  }
  if (nic_open(&nic, &f)) return -1;
  print("station address %m\n", nic.mac);
  if (nic_wait_for_link(&nic)) return -1;
  if (arp()) return -1;
  /* More than the rings are long, so that both come round. */
  for (uint32_t i = 1; i <= 20; i++)
    if (ping(i)) return -1;
  print("20 pings answered\n");
  return 0;
}

void main(void) {
  print(run() ? "FAILED\n" : "PASSED\n");
  shut_down();
}
