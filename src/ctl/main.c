/* hivegatectl's entry. */
#include "ctl/command.h"

#include <locale.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    setlocale(LC_ALL, "");
    HgCtlStreams streams = {
        .version = HG_VERSION, .in = STDIN_FILENO, .out = stdout, .err = stderr};
    return hg_ctl_run(argc, argv, &streams);
}
