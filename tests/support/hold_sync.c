/* Preloaded into a hivegate: fdatasync waits as long as the file that HOLD_SYNC names is there. So
 * a test says when an event of the audit log reaches the disk. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

int fdatasync(int fd)
{
    const char *file = getenv("HOLD_SYNC");
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");

    while (file != NULL && access(file, F_OK) == 0)
        usleep(2000);
    return real(fd);
}
