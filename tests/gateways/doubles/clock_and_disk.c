/* DOUBLE of a disk that stalls and of the kernel's own word on its clock: guests share both with the
 * machine that they run on. Loaded in front of the C library (LD_PRELOAD), told by the environment. */
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

/* by hand: the library's own is another symbol in newer ones, and gateways have an older */
static long number(const char *name) {
  long value = 0;
  const char *told = getenv(name);
  while (told && *told >= '0' && *told <= '9')
    value = value * 10 + (*told++ - '0');
  return value;
}

/* every fiftieth write that is made safe waits for a card that tidies up */
int fsync(int file) {
  static int count;
  long ms = number("DOUBLE_STALL_MS");
  if (ms && ++count % 50 == 0) {
    struct timespec wait = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&wait, NULL);
  }
  return (int)syscall(SYS_fsync, file);
}

/* systemd takes a clock for right whose greatest error is under 16 s (timedatectl, NTPSynchronized) */
int adjtimex(struct timex *told) {
  *told = (struct timex){.maxerror = number("DOUBLE_CLOCK_ERROR_US")};
  return TIME_OK;
}
