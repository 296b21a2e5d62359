/* Reading passwords: see prompt.h. Changes the terminal and the signal mask while it asks, and puts
 * both back; one thread. */
#include "ctl/prompt.h"

#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#define LINE_MAX_BYTES 1024 /* more than a password may have */

/* Reads until a line end, the end of the input, or `size` bytes; -1 with errno after an error. */
static gssize read_line(int fd, char *out, gsize size)
{
    gsize used = 0;
    while (used < size) {
        ssize_t n = read(fd, out + used, 1); /* byte by byte: the rest isn't ours */
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0 || out[used] == '\n')
            break;
        used++;
    }
    return (gssize)used;
}

gboolean hg_prompt_line(int fd, HgSecret **out, GError **error)
{
    char line[LINE_MAX_BYTES];
    gssize size = read_line(fd, line, sizeof line);
    int errnum = errno;
    gboolean ok = size >= 0 && size < (gssize)sizeof line;
    if (size < 0)
        hg_error_set_errno(error, errnum, "can't read the password");
    else if (!ok)
        g_set_error(error, HG_ERROR, HG_ERROR_INVALID, "the password is longer than 511 bytes");
    if (ok) {
        if (size > 0 && line[size - 1] == '\r')
            size--;
        *out = hg_secret_new(hg_slice(line, (gsize)size));
    }
    explicit_bzero(line, sizeof line);
    return ok;
}

/* Signals that must find the terminal as it was. */
static void ending_signals(sigset_t *out)
{
    sigemptyset(out);
    sigaddset(out, SIGINT);
    sigaddset(out, SIGTERM);
    sigaddset(out, SIGHUP);
    sigaddset(out, SIGQUIT);
    sigaddset(out, SIGTSTP);
}

/* Waits for a line on the terminal; FALSE when a signal came first. */
static gboolean wait_for_line(int fd, int signal_fd)
{
    struct pollfd ready[2] = {
        {.fd = fd, .events = POLLIN},
        {.fd = signal_fd, .events = POLLIN},
    };
    int n;
    do {
        n = poll(ready, 2, -1);
    } while (n < 0 && errno == EINTR);
    return n > 0 && ready[1].revents == 0;
}

static gboolean ask(int fd, int signal_fd, const char *prompt, HgSecret **out, GError **error)
{
    if (write(fd, prompt, strlen(prompt)) < 0) {
        hg_error_set_errno(error, errno, "can't write to the terminal");
        return FALSE;
    }
    gboolean ok = FALSE;
    if (wait_for_line(fd, signal_fd))
        ok = hg_prompt_line(fd, out, error);
    else
        g_set_error(error, HG_ERROR, HG_ERROR_FAILED, "interrupted");
    (void)!write(fd, "\n", 1); /* the person's own line end wasn't shown */
    return ok;
}

gboolean hg_prompt_terminal(int fd, const char *prompt, HgSecret **out, GError **error)
{
    struct termios before;
    if (tcgetattr(fd, &before) != 0) {
        hg_error_set_errno(error, errno, "can't ask for a password here; use --password-stdin");
        return FALSE;
    }
    sigset_t ending, mask;
    ending_signals(&ending);
    sigprocmask(SIG_BLOCK, &ending, &mask);
    int signal_fd = signalfd(-1, &ending, SFD_CLOEXEC);
    struct termios silent = before;
    silent.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
    gboolean ok = FALSE;
    if (signal_fd < 0 || tcsetattr(fd, TCSAFLUSH, &silent) != 0)
        hg_error_set_errno(error, errno, "can't turn off the echo of the terminal");
    else
        ok = ask(fd, signal_fd, prompt, out, error);
    tcsetattr(fd, TCSAFLUSH, &before);
    if (signal_fd >= 0)
        close(signal_fd);
    sigprocmask(SIG_SETMASK, &mask, NULL); /* a signal that waited takes effect here */
    return ok;
}

gboolean hg_prompt_password(gboolean confirm, HgSecret **out, GError **error)
{
    g_autoptr(HgSecret) first = NULL;
    g_autoptr(HgSecret) second = NULL;
    int tty = open("/dev/tty", O_RDWR | O_CLOEXEC);
    if (tty < 0) {
        hg_error_set_errno(error, errno,
                           "there is no terminal to ask for the password; use --password-stdin");
        return FALSE;
    }
    gboolean ok = hg_prompt_terminal(tty, "Password: ", &first, error) &&
                  (!confirm || hg_prompt_terminal(tty, "Once more: ", &second, error));
    close(tty);
    if (!ok)
        return FALSE;
    if (confirm && !hg_slice_equal(hg_secret_slice(first), hg_secret_slice(second))) {
        g_set_error(error, HG_ERROR, HG_ERROR_INVALID,
                    "the two passwords differ; nothing was changed");
        return FALSE;
    }
    *out = g_steal_pointer(&first);
    return TRUE;
}
