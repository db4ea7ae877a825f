/* libzstd, as the distribution has it. */
#ifndef LEAT_CZSTD_SHIM_H
#define LEAT_CZSTD_SHIM_H

#include <zstd.h>

#endif
