/* To be preloaded: the addon's k-th request for memory, or for a thread, fails. Told by the file that CUTLOSS_FAIL_FILE
   names, three 64-bit integers: how many requests are left until the one that fails (at or below zero none does, and at
   the least integer none is counted); how many there have been; how many pieces of memory it holds. Node's own requests
   are not meant: whose a request is is seen from where it returns to. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct orders {
  int64_t left, seen, held;
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
  const char* name = getenv("CUTLOSS_FAIL_FILE");
  const int file = name ? open(name, O_RDWR) : -1;
  void* memory = file < 0 ? MAP_FAILED : mmap(NULL, sizeof none, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  orders = memory == MAP_FAILED ? &none : memory;
}

static void add(int64_t* to, int64_t value) { __atomic_add_fetch(to, value, __ATOMIC_SEQ_CST); }

static int counts(const void* caller) {
  if (!orders || __atomic_load_n(&orders->left, __ATOMIC_SEQ_CST) == INT64_MIN) return 0;
  if (!last) dl_iterate_phdr(look, NULL);
  return first <= (uintptr_t)caller && (uintptr_t)caller < last;
}

static int fails(const void* caller) {
  if (!counts(caller)) return 0;
  add(&orders->seen, 1);
  if (__atomic_sub_fetch(&orders->left, 1, __ATOMIC_SEQ_CST) == 0) return 1;
  add(&orders->held, 1);
  return 0;
}

#define CALLER __builtin_return_address(0)
#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

extern void* __libc_malloc(size_t);
extern void* __libc_calloc(size_t, size_t);
extern void* __libc_realloc(void*, size_t);
extern void* __libc_memalign(size_t, size_t);
extern void __libc_free(void*);

static void* no_memory(void) {
  errno = ENOMEM;
  return NULL;
}

void* malloc(size_t bytes) { return fails(CALLER) ? no_memory() : __libc_malloc(bytes); }
void* calloc(size_t count, size_t bytes) { return fails(CALLER) ? no_memory() : __libc_calloc(count, bytes); }
void* realloc(void* old, size_t bytes) {
  if (fails(CALLER)) return no_memory();
  if (old && counts(CALLER)) add(&orders->held, -1);
  return __libc_realloc(old, bytes);
}
void free(void* memory) {
  if (memory && counts(CALLER)) add(&orders->held, -1);
  __libc_free(memory);
}
void* aligned_alloc(size_t line, size_t bytes) { return fails(CALLER) ? no_memory() : __libc_memalign(line, bytes); }
int posix_memalign(void** to, size_t line, size_t bytes) {
  if (fails(CALLER)) return ENOMEM;
  *to = __libc_memalign(line, bytes);
  return *to ? 0 : ENOMEM;
}
int pthread_create(pthread_t* thread, const pthread_attr_t* how, void* (*begin)(void*), void* with) {
  if (fails(CALLER)) return EAGAIN;
  if (counts(CALLER)) add(&orders->held, -1); /* a thread is no memory */
  return REAL(pthread_create)(thread, how, begin, with);
}
