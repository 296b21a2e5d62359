/* From a member to the struct that embeds it. */
#pragma once

#include <stddef.h>

/* The `type` whose `member` the pointer points to. */
#define HG_CONTAINER_OF(pointer, type, member)                                                     \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))
