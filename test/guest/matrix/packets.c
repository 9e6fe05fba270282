/*
 * What the guest's kernel hands up and takes down, frame by frame, for tests.
 *
 *   packets listen IFACE [promisc] [allmulti] [join AA:BB:CC:DD:EE:FF]...
 *       prints "ready", then for each frame that comes in: its length, its VLAN tag or "-", "valid" when the driver
 *       vouches for the checksum or "-", and its first 96 bytes in hexadecimal. Runs until it is killed.
 *   packets send IFACE COUNT HEX
 *       sends the same frame COUNT times.
 */
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MOST 65536
#define SHOWN 96

static int fail(const char *what) {
  perror(what);
  return 1;
}

static void membership(int fd, int index, int type, const char *address) {
  struct packet_mreq request = {.mr_ifindex = index, .mr_type = type};
  if (address) {
    unsigned b[6];
    if (sscanf(address, "%x:%x:%x:%x:%x:%x", b, b + 1, b + 2, b + 3, b + 4, b + 5) != 6) exit(fail(address));
    request.mr_alen = 6;
    for (int i = 0; i < 6; i++) request.mr_address[i] = b[i];
  }
  if (setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &request, sizeof request) < 0) exit(fail("membership"));
}

static int listen_to(int fd, int index, int count, char **words) {
  static unsigned char frame[MOST];
  int one = 1, room = 8 << 20;
  setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
  if (setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &one, sizeof one) < 0) return fail("auxdata");
  for (int i = 0; i < count; i++) {
    if (!strcmp(words[i], "promisc")) membership(fd, index, PACKET_MR_PROMISC, NULL);
    else if (!strcmp(words[i], "allmulti")) membership(fd, index, PACKET_MR_ALLMULTI, NULL);
    else if (!strcmp(words[i], "join") && i + 1 < count) membership(fd, index, PACKET_MR_MULTICAST, words[++i]);
  }
  setvbuf(stdout, NULL, _IOLBF, 0);
  puts("ready");
  for (;;) {
    struct sockaddr_ll from;
    struct iovec piece = {frame, sizeof frame};
    char control[256];
    struct msghdr message = {.msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &piece, .msg_iovlen = 1,
                             .msg_control = control, .msg_controllen = sizeof control};
    ssize_t length = recvmsg(fd, &message, MSG_TRUNC);
    if (length < 0) return fail("recvmsg");
    if (from.sll_pkttype == PACKET_OUTGOING) continue;
    char tag[16] = "-";
    const char *valid = "-";
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
      if (c->cmsg_level != SOL_PACKET || c->cmsg_type != PACKET_AUXDATA) continue;
      struct tpacket_auxdata *aux = (struct tpacket_auxdata *)CMSG_DATA(c);
      if (aux->tp_status & TP_STATUS_VLAN_VALID) snprintf(tag, sizeof tag, "%u", aux->tp_vlan_tci);
      if (aux->tp_status & TP_STATUS_CSUM_VALID) valid = "valid";
    }
    char text[2 * SHOWN + 1] = "";
    for (int i = 0; i < length && i < SHOWN; i++) sprintf(text + 2 * i, "%02x", frame[i]);
    printf("%zd %s %s %s\n", length, tag, valid, text);
  }
}

static int send_on(int fd, int index, int count, const char *text) {
  static unsigned char frame[MOST];
  size_t bytes = strlen(text) / 2;
  struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_ifindex = index, .sll_halen = 6};
  for (size_t i = 0; i < bytes && i < MOST; i++) {
    char digits[3] = {text[2 * i], text[2 * i + 1], 0};
    frame[i] = strtoul(digits, NULL, 16);
  }
  memcpy(to.sll_addr, frame, 6);
  for (int i = 0; i < count; i++)
    if (sendto(fd, frame, bytes, 0, (struct sockaddr *)&to, sizeof to) < 0) return fail("sendto");
  return 0;
}

int main(int argc, char **argv) {
  if (argc < 3) return 2;
  unsigned index = if_nametoindex(argv[2]);
  if (!index) return fail(argv[2]);
  int listens = !strcmp(argv[1], "listen");
  int fd = socket(AF_PACKET, SOCK_RAW, listens ? htons(ETH_P_ALL) : 0);
  if (fd < 0) return fail("socket");
  struct sockaddr_ll place = {.sll_family = AF_PACKET, .sll_protocol = listens ? htons(ETH_P_ALL) : 0, .sll_ifindex = index};
  if (bind(fd, (struct sockaddr *)&place, sizeof place) < 0) return fail("bind");
  if (listens) return listen_to(fd, index, argc - 3, argv + 3);
  return argc == 5 ? send_on(fd, index, atoi(argv[3]), argv[4]) : 2;
}
