/* To be preloaded: the addon's k-th request for memory, or for a thread, fails. Told by the file that CUTLOSS_ORDERS
   names, four 64-bit integers: how many requests are left until the one that fails (at or below zero none does, and at
   the least integer none is counted); how many there have been; how many pieces of memory it holds; their bytes. Node's own requests
   are not meant: whose a request is is seen from where it returns to. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

struct orders {
  int64_t left, seen, held, bytes;
};

static struct orders none;
static struct orders* orders;
static uintptr_t first, last; /* of the addon */

static int look(struct dl_phdr_info* info, size_t size, void* data) {
  (void)size, (void)data;
  if (!info->dlpi_name || !strstr(info->dlpi_name, "cutloss.node")) return 0;
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const ElfW(Phdr)* part = &info->dlpi_phdr[i];
    if (part->p_type != PT_LOAD || !(part->p_flags & PF_X)) continue;
    first = info->dlpi_addr + part->p_vaddr;
    last = first + part->p_memsz;
  }
  return 1;
}

__attribute__((constructor)) static void open_orders(void) {
  const char* name = getenv("CUTLOSS_ORDERS");
  const int file = name ? open(name, O_RDWR) : -1;
  void* memory = file < 0 ? MAP_FAILED : mmap(NULL, sizeof none, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  orders = memory == MAP_FAILED ? &none : memory;
}

static int is_watched(void) { return orders && __atomic_load_n(&orders->left, __ATOMIC_SEQ_CST) != INT64_MIN; }

/* 0 for requests that are not the addon's, -1 for the one that is to fail, else 1. */
static int asks(const void* caller) {
  if (!is_watched()) return 0;
  if (!last) dl_iterate_phdr(look, NULL);
  if ((uintptr_t)caller < first || last <= (uintptr_t)caller) return 0;
  __atomic_add_fetch(&orders->seen, 1, __ATOMIC_SEQ_CST);
  return __atomic_sub_fetch(&orders->left, 1, __ATOMIC_SEQ_CST) == 0 ? -1 : 1;
}

/* What the addon holds, by address: the last step before free() is often a jump, which hides whose it was. */
static void* pieces[1 << 14];
static size_t piece_count;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void* hold(void* memory) {
  pthread_mutex_lock(&lock);
  if (memory && piece_count < sizeof pieces / sizeof *pieces) {
    pieces[piece_count++] = memory;
    orders->bytes += (int64_t)malloc_usable_size(memory);
  }
  orders->held = (int64_t)piece_count;
  pthread_mutex_unlock(&lock);
  return memory;
}

static void let_go(void* memory) {
  if (!memory || !is_watched()) return;
  pthread_mutex_lock(&lock);
  for (size_t i = piece_count; i-- > 0;) {
    if (pieces[i] != memory) continue;
    pieces[i] = pieces[--piece_count];
    orders->bytes -= (int64_t)malloc_usable_size(memory);
    break;
  }
  orders->held = (int64_t)piece_count;
  pthread_mutex_unlock(&lock);
}

extern void* __libc_malloc(size_t);
extern void* __libc_calloc(size_t, size_t);
extern void* __libc_realloc(void*, size_t);
extern void* __libc_memalign(size_t, size_t);
extern void __libc_free(void*);

/* Whether memory that is asked for by whoever called is to be had, and is the addon's. */
#define ASKED_FOR(memory)                              \
  const int order = asks(__builtin_return_address(0)); \
  if (order < 0) return errno = ENOMEM, NULL;          \
  return order > 0 ? hold(memory) : (memory)

void* malloc(size_t bytes) { ASKED_FOR(__libc_malloc(bytes)); }
void* calloc(size_t count, size_t bytes) { ASKED_FOR(__libc_calloc(count, bytes)); }
void* aligned_alloc(size_t line, size_t bytes) { ASKED_FOR(__libc_memalign(line, bytes)); }
void* realloc(void* old, size_t bytes) {
  const int order = asks(__builtin_return_address(0));
  if (order < 0) return errno = ENOMEM, NULL;
  let_go(old);
  void* const memory = __libc_realloc(old, bytes);
  return order > 0 ? hold(memory) : memory;
}
void free(void* memory) {
  let_go(memory);
  __libc_free(memory);
}
int pthread_create(pthread_t* thread, const pthread_attr_t* how, void* (*begin)(void*), void* with) {
  if (asks(__builtin_return_address(0)) < 0) return EAGAIN;
  int (*real)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*) = dlsym(RTLD_NEXT, "pthread_create");
  return real(thread, how, begin, with);
}
