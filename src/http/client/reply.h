/* SPDX-License-Identifier: MIT */
/* The memory that answers of backends hold. Threading: as state.h. */
#ifndef WEIR__HTTP_CLIENT_REPLY_H
#define WEIR__HTTP_CLIENT_REPLY_H

#include "http/client/state.h"

/* Whether answers may take so many bytes more. */
bool weir__client_has_room(const weir_client *client, size_t bytes);

#endif
