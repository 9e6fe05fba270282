/*
 * Two lwIP hosts back to back in memory: Debian's liblwip loaded twice (two files, so two sets of variables), raw API, one
 * thread, no system sockets. Frames are copied into a ring and out of it again, as between two NICs. One host serves a
 * stream over TCP, the other compares every byte.
 *
 * pair LIBRARY-A LIBRARY-B STREAM-FILE; then, for every line "BYTES" read, prints "NANOSECONDS FRAMES WRONG-BYTES".
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <lwip/etharp.h>
#include <lwip/init.h>
#include <lwip/netif.h>
#include <lwip/pbuf.h>
#include <lwip/tcp.h>
#include <lwip/timeouts.h>
#include <netif/ethernet.h>

#define SLOTS 1024
#define SLOT 1600
#define PORT 80
/* Frames moved between two looks at the timers. */
#define BATCH 256
#define LIMIT_NS 60000000000ull

/* The functions of one copy of the library. */
struct lwip {
  __typeof__(&lwip_init) init;
  __typeof__(&netif_add) netif_add;
  __typeof__(&netif_set_default) set_default;
  __typeof__(&netif_set_up) set_up;
  __typeof__(&netif_set_link_up) set_link_up;
  __typeof__(&ethernet_input) ethernet_input;
  __typeof__(&etharp_output) etharp_output;
  __typeof__(&pbuf_alloc) pbuf_alloc;
  __typeof__(&pbuf_take) pbuf_take;
  __typeof__(&pbuf_free) pbuf_free;
  __typeof__(&pbuf_copy_partial) pbuf_copy_partial;
  __typeof__(&tcp_new) tcp_new;
  __typeof__(&tcp_bind) tcp_bind;
  __typeof__(&tcp_listen_with_backlog) tcp_listen_with_backlog;
  __typeof__(&tcp_accept) tcp_accept;
  __typeof__(&tcp_connect) tcp_connect;
  __typeof__(&tcp_arg) tcp_arg;
  __typeof__(&tcp_recv) tcp_recv;
  __typeof__(&tcp_sent) tcp_sent;
  __typeof__(&tcp_err) tcp_err;
  __typeof__(&tcp_recved) tcp_recved;
  __typeof__(&tcp_write) tcp_write;
  __typeof__(&tcp_output) tcp_output;
  __typeof__(&tcp_close) tcp_close;
  __typeof__(&tcp_abort) tcp_abort;
  __typeof__(&sys_check_timeouts) check_timeouts;
};

/* Frames on their way to one host. */
struct wire {
  unsigned head, tail;
  u16_t length[SLOTS];
  u8_t bytes[SLOTS][SLOT];
};

struct host {
  struct lwip f;
  struct netif netif;
  struct wire in;
  struct host *peer;
  u8_t last;
};

static struct host hosts[2];
static u8_t *stream;
static size_t period;
static size_t wanted, sent, received, wrong;
static unsigned long frames;
static struct tcp_pcb *server, *client;

static void *symbol(void *library, const char *name) {
  void *found = dlsym(library, name);
  if (!found) {
    fprintf(stderr, "the library has no %s\n", name);
    exit(3);
  }
  return found;
}

static void load(struct lwip *f, const char *path) {
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    fprintf(stderr, "%s\n", dlerror());
    exit(3);
  }
#define GET(field, name) f->field = symbol(library, #name)
  GET(init, lwip_init);
  GET(netif_add, netif_add);
  GET(set_default, netif_set_default);
  GET(set_up, netif_set_up);
  GET(set_link_up, netif_set_link_up);
  GET(ethernet_input, ethernet_input);
  GET(etharp_output, etharp_output);
  GET(pbuf_alloc, pbuf_alloc);
  GET(pbuf_take, pbuf_take);
  GET(pbuf_free, pbuf_free);
  GET(pbuf_copy_partial, pbuf_copy_partial);
  GET(tcp_new, tcp_new);
  GET(tcp_bind, tcp_bind);
  GET(tcp_listen_with_backlog, tcp_listen_with_backlog);
  GET(tcp_accept, tcp_accept);
  GET(tcp_connect, tcp_connect);
  GET(tcp_arg, tcp_arg);
  GET(tcp_recv, tcp_recv);
  GET(tcp_sent, tcp_sent);
  GET(tcp_err, tcp_err);
  GET(tcp_recved, tcp_recved);
  GET(tcp_write, tcp_write);
  GET(tcp_output, tcp_output);
  GET(tcp_close, tcp_close);
  GET(tcp_abort, tcp_abort);
  GET(check_timeouts, sys_check_timeouts);
#undef GET
}

static unsigned long long now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (unsigned long long)t.tv_sec * 1000000000ull + (unsigned long long)t.tv_nsec;
}

static err_t link_output(struct netif *netif, struct pbuf *p) {
  struct host *host = netif->state;
  struct wire *wire = &host->peer->in;
  if (wire->tail - wire->head == SLOTS || p->tot_len > SLOT) return ERR_BUF;
  unsigned slot = wire->tail % SLOTS;
  wire->length[slot] = host->f.pbuf_copy_partial(p, wire->bytes[slot], p->tot_len, 0);
  wire->tail++;
  frames++;
  return ERR_OK;
}

static err_t netif_start(struct netif *netif) {
  struct host *host = netif->state;
  netif->name[0] = 'm';
  netif->name[1] = 'e';
  netif->hwaddr_len = 6;
  netif->hwaddr[0] = 2;
  netif->hwaddr[5] = host->last;
  netif->mtu = 1500;
  netif->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET | NETIF_FLAG_LINK_UP;
  netif->output = host->f.etharp_output;
  netif->linkoutput = link_output;
  return ERR_OK;
}

static int take(struct host *host, int most) {
  struct wire *wire = &host->in;
  int taken = 0;
  while (taken < most && wire->head != wire->tail) {
    unsigned slot = wire->head % SLOTS;
    /* Not PBUF_POOL: in Debian's build the pool's elements (616 bytes) are smaller than pbuf.c believes. */
    struct pbuf *p = host->f.pbuf_alloc(PBUF_RAW, wire->length[slot], PBUF_RAM);
    if (!p) break;
    host->f.pbuf_take(p, wire->bytes[slot], wire->length[slot]);
    wire->head++;
    taken++;
    if (host->netif.input(p, &host->netif) != ERR_OK) host->f.pbuf_free(p);
  }
  return taken;
}

/* Fills the send buffer from the stream. */
static void feed(struct tcp_pcb *pcb) {
  struct lwip *f = &hosts[0].f;
  while (sent < wanted) {
    size_t room = tcp_sndbuf(pcb);
    size_t at = sent % period;
    size_t bytes = wanted - sent < room ? wanted - sent : room;
    if (bytes > period - at) bytes = period - at;
    if (bytes == 0 || f->tcp_write(pcb, stream + at, (u16_t)bytes, TCP_WRITE_FLAG_COPY) != ERR_OK) break;
    sent += bytes;
  }
  f->tcp_output(pcb);
}

static err_t on_sent(void *arg, struct tcp_pcb *pcb, u16_t bytes) {
  (void)arg;
  (void)bytes;
  feed(pcb);
  return ERR_OK;
}

static err_t on_accept(void *arg, struct tcp_pcb *pcb, err_t error) {
  (void)arg;
  if (error != ERR_OK) return error;
  server = pcb;
  tcp_nagle_disable(pcb);
  hosts[0].f.tcp_sent(pcb, on_sent);
  feed(pcb);
  return ERR_OK;
}

static err_t on_receive(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t error) {
  (void)arg;
  struct lwip *f = &hosts[1].f;
  if (!p || error != ERR_OK) return ERR_OK;
  for (struct pbuf *q = p; q; q = q->next) {
    const u8_t *bytes = q->payload;
    for (size_t done = 0; done < q->len;) {
      size_t at = (received + done) % period;
      size_t run = q->len - done;
      if (run > period - at) run = period - at;
      if (memcmp(bytes + done, stream + at, run) != 0) wrong += run;
      done += run;
    }
    received += q->len;
  }
  f->tcp_recved(pcb, p->tot_len);
  f->pbuf_free(p);
  return ERR_OK;
}

static void on_error(void *arg, err_t error) {
  (void)arg;
  fprintf(stderr, "connection lost: error %d\n", error);
  exit(4);
}

static void run(size_t bytes) {
  wanted = bytes;
  sent = received = wrong = 0;
  frames = 0;
  struct lwip *f = &hosts[1].f;
  ip_addr_t to;
  IP_ADDR4(&to, 10, 0, 0, 1);
  unsigned long long begun = now_ns();
  client = f->tcp_new();
  tcp_nagle_disable(client);
  f->tcp_err(client, on_error);
  f->tcp_recv(client, on_receive);
  f->tcp_connect(client, &to, PORT, NULL);
  while (received < wanted) {
    take(&hosts[0], BATCH);
    take(&hosts[1], BATCH);
    hosts[0].f.check_timeouts();
    hosts[1].f.check_timeouts();
    if (now_ns() - begun > LIMIT_NS) {
      fprintf(stderr, "only %zu of %zu bytes came\n", received, wanted);
      exit(4);
    }
  }
  unsigned long long took = now_ns() - begun;
  printf("%llu %lu %zu\n", took, frames, wrong);
  fflush(stdout);
  f->tcp_err(client, NULL);
  f->tcp_abort(client);
  while (take(&hosts[0], BATCH) + take(&hosts[1], BATCH) > 0) {
  }
}

static void read_stream(const char *path) {
  FILE *file = fopen(path, "rb");
  if (!file) exit(3);
  fseek(file, 0, SEEK_END);
  period = (size_t)ftell(file);
  rewind(file);
  stream = malloc(period);
  if (!stream || fread(stream, 1, period, file) != period) exit(3);
  fclose(file);
}

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  read_stream(argv[3]);
  for (int i = 0; i < 2; i++) {
    struct host *host = &hosts[i];
    load(&host->f, argv[1 + i]);
    host->peer = &hosts[1 - i];
    host->last = (u8_t)(i + 1);
    host->f.init();
    ip4_addr_t address, mask, none;
    IP4_ADDR(&address, 10, 0, 0, (unsigned)(i + 1));
    IP4_ADDR(&mask, 255, 255, 255, 0);
    IP4_ADDR(&none, 0, 0, 0, 0);
    host->f.netif_add(&host->netif, &address, &mask, &none, host, netif_start, host->f.ethernet_input);
    host->f.set_default(&host->netif);
    host->f.set_link_up(&host->netif);
    host->f.set_up(&host->netif);
  }
  struct lwip *f = &hosts[0].f;
  struct tcp_pcb *pcb = f->tcp_new();
  ip_addr_t any;
  IP_ADDR4(&any, 0, 0, 0, 0);
  f->tcp_bind(pcb, &any, PORT);
  struct tcp_pcb *listener = f->tcp_listen_with_backlog(pcb, 8);
  f->tcp_accept(listener, on_accept);
  char line[64];
  while (fgets(line, sizeof line, stdin)) run((size_t)strtoull(line, NULL, 10));
  return 0;
}
