/* Asks for twins by id over keep-alive connections, one request in flight on each, and prints requests a second.
   load PORT CONNECTIONS SECONDS THINGS */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct client { int fd; char buffer[65536]; int used; };

static double now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec + t.tv_nsec * 1e-9; }

static void ask(struct client *c, int things) {
  char text[256];
  int n = snprintf(text, sizeof text, "GET /api/v1/twins/bench:slow-%d HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 1 + rand() % things);
  if (write(c->fd, text, n) != n) { perror("write"); exit(1); }
  c->used = 0;
}

/* 1 when the whole answer is there. */
static int answered(struct client *c) {
  int n = read(c->fd, c->buffer + c->used, sizeof c->buffer - 1 - c->used);
  if (n <= 0) { perror("read"); exit(1); }
  c->used += n;
  c->buffer[c->used] = 0;
  char *end = strstr(c->buffer, "\r\n\r\n");
  if (!end) return 0;
  if (strncmp(c->buffer, "HTTP/1.1 200", 12)) { fprintf(stderr, "%.200s\n", c->buffer); exit(1); }
  for (char *line = c->buffer; line < end; line = strstr(line, "\r\n") + 2)
    if (!strncasecmp(line, "content-length:", 15)) return c->used >= end + 4 - c->buffer + atoi(line + 15);
  return 0;
}

int main(int argc, char **argv) {
  if (argc != 5) return 2;
  int count = atoi(argv[2]), things = atoi(argv[4]);
  struct client *clients = calloc(count, sizeof *clients);
  struct pollfd *polls = calloc(count, sizeof *polls);
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(atoi(argv[1])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
  for (int i = 0; i < count; i++) {
    int one = 1;
    clients[i].fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(clients[i].fd, (struct sockaddr *)&address, sizeof address)) { perror("connect"); return 1; }
    setsockopt(clients[i].fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    polls[i] = (struct pollfd){ .fd = clients[i].fd, .events = POLLIN };
    ask(&clients[i], things);
  }
  double begun = now(), end = begun + atof(argv[3]);
  long done = 0;
  while (now() < end) {
    poll(polls, count, 1000);
    for (int i = 0; i < count; i++)
      if (polls[i].revents & POLLIN && answered(&clients[i])) { done++; ask(&clients[i], things); }
  }
  printf("%.0f\n", done / (now() - begun));
  return 0;
}
